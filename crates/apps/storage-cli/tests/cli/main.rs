//! The real `storage` command, as a process, on real directories.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by its panic")]

mod bad_input;
mod commands;
mod completions;
mod copy;
mod demo;
mod doctor;
mod exit_codes;
mod export_targets;
mod help;
mod resume;
mod round_trip;
mod support;
mod upkeep;
