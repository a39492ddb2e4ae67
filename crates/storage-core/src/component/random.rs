//! Randomness: the operating system's, and a repeatable one for tests.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Error, ErrorKind, Result};

/// A source of random bytes.
pub trait Random: Debug + Send + Sync + 'static {
    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    /// `Unavailable` if the source has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The operating system's randomness, fit for identities and keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                "the operating system gave no random bytes",
            )
            .with_source(error)
        })
    }
}

/// A repeatable sequence for tests (`SplitMix64`, Steele et al., OOPSLA 2014).
/// Never use it for keys.
#[derive(Debug)]
pub struct SeededRandom {
    state: AtomicU64,
}

impl SeededRandom {
    /// The sequence that `seed` starts.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
        }
    }

    /// The next number of the sequence.
    pub fn next_u64(&self) -> u64 {
        const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.state.fetch_add(GAMMA, Ordering::Relaxed);
        let mut z = state.wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next_u64().to_le_bytes();
            for (byte, random) in chunk.iter_mut().zip(random) {
                *byte = random;
            }
        }
        Ok(())
    }
}
