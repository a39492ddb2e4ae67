//! What the layer does beyond what every store does.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod collecting;
mod damage;
mod failing;
mod forms;
mod fuzzed;
mod opening;
mod racing;
mod reading;
mod scene;
mod unreadable;
mod writing;
