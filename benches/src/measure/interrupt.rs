//! Ctrl-C ends a run, which first removes what it has made.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result, ensure};

/// Whether Ctrl-C or a signal to end has come. This program lives on then, to
/// remove what it has made; the process that measures dies of it.
#[derive(Debug)]
pub(crate) struct Interrupt {
    has_come: Arc<AtomicBool>,
}

impl Interrupt {
    /// Takes over the signals of this process; possible once.
    pub(crate) fn catch() -> Result<Self> {
        let has_come = Arc::new(AtomicBool::new(false));
        let come = Arc::clone(&has_come);
        ctrlc::set_handler(move || come.store(true, Ordering::Relaxed))
            .context("cannot catch Ctrl-C")?;
        Ok(Self { has_come })
    }

    /// Fails once it has come.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(!self.has_come.load(Ordering::Relaxed), "interrupted");
        Ok(())
    }
}
