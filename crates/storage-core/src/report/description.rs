//! Which engine and layers a store is made of.

use std::fmt;

/// The engine of a store and the layers on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// The name of the engine, such as `fjall`.
    pub engine: String,
    /// Where the data is, with secrets masked; empty for memory.
    pub location: String,
    /// The names of the layers, outermost first.
    pub layers: Vec<String>,
    /// Whether using the store takes an async runtime.
    pub runtime: RuntimeNeed,
}

impl Description {
    /// An engine without layers.
    #[must_use]
    pub fn of_engine(engine: impl Into<String>, location: impl Into<String>) -> Self {
        Self {
            engine: engine.into(),
            location: location.into(),
            layers: Vec::new(),
            runtime: RuntimeNeed::None,
        }
    }

    /// The same store under one more layer.
    #[must_use]
    pub fn under(mut self, layer: impl Into<String>) -> Self {
        self.layers.insert(0, layer.into());
        self
    }

    /// The same store, which takes a runtime with timers and sockets.
    #[must_use]
    pub fn needing_runtime(mut self) -> Self {
        self.runtime = RuntimeNeed::TimersAndSockets;
        self
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for layer in &self.layers {
            write!(f, "{layer} > ")?;
        }
        f.write_str(&self.engine)?;
        if !self.location.is_empty() {
            write!(f, ":{}", self.location)?;
        }
        Ok(())
    }
}

/// Whether using a store takes an async runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuntimeNeed {
    /// Any executor will do.
    None,
    /// A Tokio runtime with timers and sockets.
    TimersAndSockets,
}
