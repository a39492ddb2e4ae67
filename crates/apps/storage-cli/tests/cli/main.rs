//! The real `storage` command, as a process, on real directories.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by its panic")]

mod bad_input;
mod commands;
mod demo;
mod exit_codes;
mod export_targets;
mod help;
mod round_trip;
mod support;
