//! Stacks: an engine and the layers on it.
//!
//! [`Stack`] knows its layers at compile time: their order is checked by the
//! compiler, and it costs nothing at run time. [`ErasedStack`] is put together
//! at run time, for stacks that a configuration decides; its order is checked
//! when it is opened, and each layer costs one box a call.
//!
//! Opening goes through the same steps for both: what the layers need is
//! checked from the engine up, then the header of the store says whether this
//! stack may open it, and only then is the first layer put on.

mod assemble;
mod erased;
mod plan;
#[cfg(test)]
mod tests;
mod typed;

pub use self::{assemble::Assemble, erased::ErasedStack, typed::Stack};
