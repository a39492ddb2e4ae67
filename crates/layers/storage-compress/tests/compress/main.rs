//! What the layer does beyond what every store does.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod choosing;
mod damage;
mod dictionaries;
mod forms;
mod fuzzed;
#[path = "../golden/mod.rs"]
mod golden;
mod opening;
mod reading;
mod scene;
mod working;
