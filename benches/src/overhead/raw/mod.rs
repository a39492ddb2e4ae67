//! The raw engines, used as an application without `storage` would.

mod fjall;
mod map;

pub(crate) use self::{fjall::RawFjall, map::RawMap};
