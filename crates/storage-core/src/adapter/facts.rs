//! What does not change while a store is open.

use crate::{
    Admit, Capabilities, Clock, Description, Durability, Error, Key, Operation, OwnedKey,
    ReadOptions, Result,
};

/// What an engine says of itself once, and the clock it is judged by.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) description: Description,
    pub(crate) capabilities: Capabilities,
    /// What a commit is given that asks for `Buffered`.
    pub(crate) buffered_as: Durability,
    pub(crate) clock: Clock,
}

impl Facts {
    /// Judges a read of several keys.
    pub(crate) fn admit_reads(&self, keys: &[OwnedKey], options: &ReadOptions) -> Result<()> {
        for key in keys {
            self.capabilities.admit(&key.as_key())?;
        }
        self.capabilities.admit(options)
    }

    /// Judges a read of one key.
    pub(crate) fn admit_read(&self, key: Key<'_>, options: &ReadOptions) -> Result<()> {
        key.admit(&self.capabilities)?;
        options.admit(&self.capabilities)
    }

    /// What a commit is given that asks for `durability`, or leaves it open.
    pub(crate) fn granted(&self, asked: Option<Durability>) -> Durability {
        match asked {
            Some(Durability::Buffered) => self.buffered_as,
            Some(asked) => asked,
            None => self.capabilities.durability_max,
        }
    }

    /// Says in an error which engine failed at what.
    pub(crate) fn annotated(&self, error: Error, operation: Operation) -> Error {
        error
            .with_operation(operation)
            .with_layer(self.description.engine.clone())
    }
}
