//! The suite over PostgreSQL through each stack: eleven minutes, so it runs only
//! where it is named, `cargo test -p storage --all-features --test every_stack_over_pg`.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[path = "../stacks/each.rs"]
mod each;
#[path = "../stacks/layers.rs"]
mod layers;
#[path = "../stacks/pg.rs"]
mod pg;

use storage_testkit::conformance;

use crate::{each::for_each_stack, pg::over_pg};

for_each_stack!(conformance, over_pg);
