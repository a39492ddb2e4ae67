//! Settings of the layer.

use std::{num::NonZeroUsize, time::Duration};

use serde::{Deserialize, Serialize};
use storage_core::{Capabilities, Consistency, Error, ErrorKind, ReadSupport, Result, layer::Need};

use crate::NAME;

/// What is answered while the primary is gone, what is accepted, and how it is
/// looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FallbackConfig {
    /// Which reads are answered with what was last known. Default: those that ask
    /// for it.
    pub reads: StaleReads,
    /// How many bytes of keys and values are remembered, in memory; what is used
    /// least goes first. Default: 16 MiB. More answers more, and takes that memory.
    pub remember_bytes_max: usize,
    /// What becomes of commits. Default: they are refused.
    pub writes: StandbyWrites,
    /// How many commits are accepted until the primary is back. Default: 100,000.
    pub pending_max: NonZeroUsize,
    /// How many bytes of keys and values they have at most. Default: 64 MiB. They
    /// are kept in memory, beside what the standby keeps.
    pub pending_bytes_max: usize,
    /// How long it takes at first until the primary is looked for; it doubles
    /// with each attempt, of which each waits a random part of it, at least
    /// half. Default: 100 ms.
    pub probe_first: Duration,
    /// What that time grows to at most. Default: 5 s.
    pub probe_max: Duration,
}

/// Which reads are answered with what was last known of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StaleReads {
    /// None.
    Refused,
    /// Those that allow it ([`Consistency::Stale`]), with what is young enough.
    #[default]
    WhereAsked,
    /// All that do not demand [`Consistency::Linearizable`], however old the
    /// answer. The store then promises fresh reads on demand alone.
    Always,
}

/// What becomes of commits while the primary is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StandbyWrites {
    /// They fail with the primary's error.
    #[default]
    Refused,
    /// The standby accepts those that it can keep as they ask, and they are
    /// written back. What others wrote to the same keys meanwhile is overwritten:
    /// the last writer is who is written back.
    Overwriting,
}

impl FallbackConfig {
    /// The default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which reads are answered with what was last known.
    #[must_use]
    pub const fn reads(mut self, reads: StaleReads) -> Self {
        self.reads = reads;
        self
    }

    /// Sets how many bytes are remembered.
    #[must_use]
    pub const fn remember_bytes_max(mut self, bytes: usize) -> Self {
        self.remember_bytes_max = bytes;
        self
    }

    /// Sets what becomes of commits.
    #[must_use]
    pub const fn writes(mut self, writes: StandbyWrites) -> Self {
        self.writes = writes;
        self
    }

    /// Sets how many commits are accepted, and how many bytes.
    #[must_use]
    pub const fn pending(mut self, commits_max: NonZeroUsize, bytes_max: usize) -> Self {
        self.pending_max = commits_max;
        self.pending_bytes_max = bytes_max;
        self
    }

    /// Sets how long it takes until the primary is looked for, at first and at most.
    #[must_use]
    pub const fn probes(mut self, first: Duration, max: Duration) -> Self {
        self.probe_first = first;
        self.probe_max = max;
        self
    }

    pub(crate) fn accepts_writes(&self) -> bool {
        self.writes != StandbyWrites::Refused
    }

    pub(crate) fn remembers(&self) -> bool {
        self.reads != StaleReads::Refused && self.remember_bytes_max > 0
    }

    /// How old an answer to a read of this consistency may be; `None`: it must come
    /// from the primary.
    pub(crate) fn staleness(&self, asked: Option<Consistency>) -> Option<Staleness> {
        match (asked, self.reads) {
            (Some(Consistency::Linearizable), _)
            | (_, StaleReads::Refused)
            | (None, StaleReads::WhereAsked) => None,
            (Some(Consistency::Stale { at_most }), _) => Some(Staleness::AtMost(at_most)),
            (None, StaleReads::Always) => Some(Staleness::Any),
        }
    }

    /// What the store offers over a primary that offers `inner`, with a standby
    /// that offers `standby`.
    pub(crate) fn capabilities(
        &self,
        inner: &Capabilities,
        standby: &Capabilities,
    ) -> Capabilities {
        let mut offered = inner.clone();
        let may_lag = self.reads == StaleReads::Always || self.accepts_writes();
        if may_lag && offered.reads == ReadSupport::Linearizable {
            offered.reads = ReadSupport::OnDemand;
        }
        if self.accepts_writes() {
            offered.durability_min = offered.durability_min.min(standby.durability_min);
        }
        offered
    }

    /// What writing back takes.
    pub(crate) fn needs(&self) -> Vec<Need> {
        if self.accepts_writes() {
            let batches = Need::Batch(storage_core::BatchScope::Store);
            vec![batches, Need::Guards]
        } else {
            Vec::new()
        }
    }

    /// The same settings, if they make sense.
    ///
    /// # Errors
    /// `Invalid` for probes without a pause, or pauses that shrink.
    pub(crate) fn validated(self) -> Result<Self> {
        if self.probe_first.is_zero() {
            return Err(invalid("probe_first is zero; use a longer time"));
        }
        if self.probe_first > self.probe_max {
            return Err(invalid("probe_first is longer than probe_max"));
        }
        Ok(self)
    }
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Staleness {
    AtMost(Duration),
    Any,
}

impl Default for FallbackConfig {
    fn default() -> Self {
        Self {
            reads: StaleReads::default(),
            remember_bytes_max: 16 << 20,
            writes: StandbyWrites::default(),
            pending_max: const { NonZeroUsize::new(100_000).unwrap() },
            pending_bytes_max: 64 << 20,
            probe_first: Duration::from_millis(100),
            probe_max: Duration::from_secs(5),
        }
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_left_out_have_their_defaults_and_unknown_ones_are_refused() {
        let config: FallbackConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(config, FallbackConfig::new());
        let text = r#"{"reads": "always", "writes": "overwriting"}"#;
        let config: FallbackConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.reads, StaleReads::Always);
        assert!(config.accepts_writes());
        serde_json::from_str::<FallbackConfig>(r#"{"write": 1}"#).unwrap_err();
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        let second = Duration::from_secs(1);
        for (first, max) in [(Duration::ZERO, second), (second, second / 2)] {
            let error = FallbackConfig::new().probes(first, max).validated();
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains("probe_first"), "{error}");
        }
    }

    #[test]
    fn no_setting_lets_a_linearizable_read_be_stale() {
        for reads in [
            StaleReads::Refused,
            StaleReads::WhereAsked,
            StaleReads::Always,
        ] {
            let config = FallbackConfig::new().reads(reads);
            assert_eq!(config.staleness(Some(Consistency::Linearizable)), None);
        }
    }
}
