//! What the layer makes of a store that fails and stalls, on a clock that moves
//! only when everybody waits.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod breaking;
mod cancelling;
mod limiting;
mod opening;
mod racing;
mod repeating;
mod scene;
mod timing;
