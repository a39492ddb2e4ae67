//! What the layer does beyond what every store does.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod defaults;
mod fuzzed;
mod opening;
mod racing;
mod scene;
mod sweeping;
