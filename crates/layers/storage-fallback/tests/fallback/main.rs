//! What the layer answers while its primary is gone, and what it makes of its
//! return.

mod accepting;
mod closing;
mod reading;
mod reporting;
mod returning;
mod scene;
mod sharing;
