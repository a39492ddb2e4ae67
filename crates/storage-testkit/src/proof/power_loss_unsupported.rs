//! Power loss, where no process can be recorded.

#![expect(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "it has the form of what there is elsewhere"
)]

use std::io;

use anyhow::{Result, bail};

use super::Verdict;

/// Why there is no proof of power loss on this platform; nothing if there is.
pub(super) const UNSUPPORTED: Option<&str> =
    Some("recording a process needs Linux on x86-64, and this is something else");

/// Rounds that cannot be played.
#[derive(Debug)]
pub(super) struct Campaign;

impl Campaign {
    pub(super) const fn new(_: &'static str, _: u64) -> Self {
        Self
    }

    /// Plays no round.
    ///
    /// # Errors
    /// Always.
    pub(super) fn round(&mut self) -> Result<Round> {
        bail!("{}", UNSUPPORTED.unwrap_or_default())
    }
}

/// A round that nobody can play.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) verdict: Verdict,
}

impl Round {
    /// What was found.
    pub(super) const fn lines(&self) -> Vec<String> {
        Vec::new()
    }

    /// Removes what was kept.
    pub(super) const fn discard(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Lets nobody record this process.
///
/// # Errors
/// Always.
pub(super) fn submit() -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        UNSUPPORTED.unwrap_or_default(),
    ))
}
