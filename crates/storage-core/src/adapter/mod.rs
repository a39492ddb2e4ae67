//! What the adapters for embedded engines and for engines across a network have
//! in common.

mod expiry;
mod facts;
mod panic;

#[cfg(feature = "networked")]
pub(crate) use self::panic::panicked;
pub(crate) use self::{
    expiry::{is_live, live},
    facts::Facts,
    panic::no_panic,
};
