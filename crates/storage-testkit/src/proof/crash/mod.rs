//! Killing a process that writes, again and again.
//!
//! A campaign is a number of rounds. Each starts a child that works on a store,
//! kills it at some moment, mostly in the middle of its writing, at times while
//! it opens the store, and lets some close it. Then another child opens what is
//! left and judges it; now and then it, too, is killed first, while it
//! recovers. Several rounds use the same store, each with keys of its own, and
//! what earlier rounds left must stay as it was.

mod ending;
mod round;
mod site;
mod summary;

use storage_core::{OsRandom, Random};

use self::site::Site;
#[cfg(all(feature = "servers", target_os = "linux"))]
pub(crate) use self::summary::is_zero;
pub(super) use self::{round::Round, summary::Summary};

/// Rounds over the stores of one name.
#[derive(Debug)]
pub(super) struct Campaign {
    store: &'static str,
    seed: u64,
    next: u32,
    /// The store of the last rounds, unless something was found in it.
    site: Option<Site>,
}

impl Campaign {
    /// After so many rounds a new store is made.
    const ROUNDS_A_STORE: usize = 10;

    pub(super) fn new(store: &'static str, seed: u64) -> Self {
        Self {
            store,
            seed,
            next: 0,
            site: None,
        }
    }

    /// Goes through one round.
    ///
    /// # Errors
    /// If no child can be started or no file can be written. What the store
    /// does wrong is a finding.
    pub(super) fn round(&mut self) -> anyhow::Result<Round> {
        let number = self.next;
        self.next += 1;
        let seed = self.seed.wrapping_add(u64::from(number));
        let mut site = match self.site.take() {
            Some(site) if site.rounds() < Self::ROUNDS_A_STORE => site,
            _ => Site::new(self.store)?,
        };
        let verdict = round::play(&mut site, number, seed)?;
        if verdict.findings.is_empty() {
            self.site = Some(site);
            return Ok(Round::clean(number, seed, verdict));
        }
        Ok(Round::with_findings(number, seed, verdict, site.keep()))
    }
}

/// A seed that nobody chose.
///
/// # Errors
/// If the operating system has no randomness.
pub(crate) fn random_seed() -> storage_core::Result<u64> {
    let mut bytes = [0; 8];
    OsRandom.fill(&mut bytes)?;
    // Short enough to be typed.
    Ok(u64::from_le_bytes(bytes) >> 24)
}
