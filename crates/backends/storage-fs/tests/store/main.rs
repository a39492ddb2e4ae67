//! What stores of files do besides what every store does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod codecs;
mod compaction;
mod damage;
mod people;
mod place;
mod preparing;
mod recovery;
mod snapshots;
