//! The real `storage` command, as a process, on real directories.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by its panic"
)]
#![expect(clippy::print_stdout, reason = "a test says which seed it ran with")]

mod bad_input;
mod commands;
mod completions;
mod copy;
mod demo;
mod doctor;
mod engines;
mod exit_codes;
mod export_targets;
mod help;
mod journey;
mod metrics;
mod object;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod pg;
mod power_loss;
mod redis;
mod resume;
mod round_trip;
mod support;
mod upkeep;
