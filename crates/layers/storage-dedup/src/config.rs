//! What is stored once, how large values are cut, and when what nobody needs is removed.

use std::time::Duration;

use fastcdc::v2020::{
    AVERAGE_MAX, AVERAGE_MIN, MAXIMUM_MAX, MAXIMUM_MIN, MINIMUM_MAX, MINIMUM_MIN,
};
use serde::{Deserialize, Serialize};
use storage_core::{Error, ErrorKind, Result};

use crate::layer::NAME;

/// The settings of a [`DedupLayer`](crate::DedupLayer). None of them is needed to read:
/// they may change whenever a store is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DedupConfig {
    /// Shorter values are stored in their own rows. Default: 4 KiB; what is kept beside a
    /// chunk is about 250 bytes. At least 1.
    pub bytes_min: usize,
    /// How values of more than [`bytes_max`](CutConfig::bytes_max) are cut into chunks.
    pub cut: CutConfig,
    /// The most bytes of values that a call hashes on its caller's thread; more are worked
    /// on by the pool. Default: 128 KiB, some 0.1 ms.
    pub inline_bytes_max: usize,
    /// How many hashes of chunks that the store has are remembered, so that a value that
    /// was seen lately takes no read. Each takes about 100 bytes. Default: 65,536.
    pub known_max: usize,
    /// When chunks that nobody refers to are removed.
    pub collect: CollectConfig,
}

/// How large values are cut, by their content
/// ([FastCDC](https://www.usenix.org/conference/atc16/technical-sessions/presentation/xia)).
/// Values that were cut in another way share no chunks, so a change costs space until
/// they are written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CutConfig {
    /// The shortest chunk, but for the last of a value: 64 bytes to 1 MiB, even. Default:
    /// 16 KiB.
    pub bytes_min: u32,
    /// The length to aim at: 256 bytes to 4 MiB, even. Default: 64 KiB. Shorter chunks find
    /// more that is equal, and cost more rows.
    pub bytes_average: u32,
    /// The longest chunk: 1 KiB to 16 MiB, even. Default: 256 KiB. Values up to this length
    /// are one chunk.
    pub bytes_max: u32,
}

/// When chunks that nobody refers to are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CollectConfig {
    /// How long after one pass the next begins, give or take a tenth; `None` leaves it to
    /// [`collect_now`](crate::DedupControl::collect_now). Default: an hour.
    pub every: Option<Duration>,
    /// How long a chunk that nobody refers to is kept at least, for those who have read
    /// its row and not yet the chunk. Longer than a read lasts. Default: ten minutes.
    pub grace: Duration,
    /// The most chunks that a pass in the background looks at in a second. Default: 5,000.
    pub chunks_per_second_max: u32,
}

impl DedupConfig {
    /// The default settings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes_min: 4 << 10,
            cut: CutConfig::new(),
            inline_bytes_max: 128 << 10,
            known_max: 1 << 16,
            collect: CollectConfig::new(),
        }
    }

    /// The same settings for values of at least so many bytes.
    #[must_use]
    pub const fn bytes_min(mut self, bytes: usize) -> Self {
        self.bytes_min = bytes;
        self
    }

    /// The same settings with another way to cut large values.
    #[must_use]
    pub const fn cut(mut self, cut: CutConfig) -> Self {
        self.cut = cut;
        self
    }

    /// The same settings with so many bytes at once on a caller's thread.
    #[must_use]
    pub const fn inline_bytes_max(mut self, bytes: usize) -> Self {
        self.inline_bytes_max = bytes;
        self
    }

    /// The same settings with so many hashes in memory.
    #[must_use]
    pub const fn known_max(mut self, hashes: usize) -> Self {
        self.known_max = hashes;
        self
    }

    /// The same settings with another way to remove what nobody refers to.
    #[must_use]
    pub const fn collect(mut self, collect: CollectConfig) -> Self {
        self.collect = collect;
        self
    }

    /// The same settings, if they make sense.
    ///
    /// # Errors
    /// `Invalid` for lengths outside of their ranges or out of order, and for a pace of
    /// nothing.
    pub(crate) fn validated(self) -> Result<Self> {
        let CutConfig {
            bytes_min,
            bytes_average,
            bytes_max,
        } = self.cut;
        let in_range = [
            (bytes_min, MINIMUM_MIN, MINIMUM_MAX),
            (bytes_average, AVERAGE_MIN, AVERAGE_MAX),
            (bytes_max, MAXIMUM_MIN, MAXIMUM_MAX),
        ]
        .into_iter()
        .all(|(bytes, least, most)| {
            bytes.is_multiple_of(2)
                && usize::try_from(bytes).is_ok_and(|bytes| (least..=most).contains(&bytes))
        });
        if !in_range || bytes_min > bytes_average || bytes_average > bytes_max {
            return Err(invalid(
                "chunks have an even number of bytes, at least 64 B to 1 MiB, on average 256 B to \
                 4 MiB, at most 1 KiB to 16 MiB, in this order; correct `cut`",
            ));
        }
        if self.bytes_min == 0 {
            return Err(invalid("there is no chunk of no bytes; raise `bytes_min`"));
        }
        if self.collect.chunks_per_second_max == 0 {
            return Err(invalid(
                "a pass that looks at no chunk does nothing; set `every` to none instead",
            ));
        }
        Ok(self)
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(NAME)
}

impl Default for DedupConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl CutConfig {
    /// The default lengths.
    #[must_use]
    pub const fn new() -> Self {
        Self::of(16 << 10, 64 << 10, 256 << 10)
    }

    /// These lengths.
    #[must_use]
    pub const fn of(bytes_min: u32, bytes_average: u32, bytes_max: u32) -> Self {
        Self {
            bytes_min,
            bytes_average,
            bytes_max,
        }
    }
}

impl Default for CutConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl CollectConfig {
    /// The default settings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            every: Some(Duration::from_hours(1)),
            grace: Duration::from_mins(10),
            chunks_per_second_max: 5_000,
        }
    }

    /// The same settings with so long between passes.
    #[must_use]
    pub const fn every(mut self, every: Duration) -> Self {
        self.every = Some(every);
        self
    }

    /// The same settings without passes in the background.
    #[must_use]
    pub const fn on_demand(mut self) -> Self {
        self.every = None;
        self
    }

    /// The same settings with another grace.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The same settings with another pace.
    #[must_use]
    pub const fn chunks_per_second_max(mut self, chunks: u32) -> Self {
        self.chunks_per_second_max = chunks;
        self
    }
}

impl Default for CollectConfig {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_being_written_down_and_unknown_ones_are_refused() {
        let config = DedupConfig::new()
            .cut(CutConfig::of(64, 256, 1_024))
            .collect(CollectConfig::new().on_demand());
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<DedupConfig>(&text).unwrap(), config);
        let least: DedupConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(least, DedupConfig::new());
        assert!(serde_json::from_str::<DedupConfig>(r#"{"colour": "red"}"#).is_err());
        assert!(serde_json::from_str::<DedupConfig>(r#"{"cut": {"colour": 1}}"#).is_err());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for cut in [
            CutConfig::of(62, 256, 1_024),
            CutConfig::of(64, 254, 1_024),
            CutConfig::of(64, 256, 1_022),
            CutConfig::of(65, 256, 1_024),
            CutConfig::of(512, 256, 1_024),
            CutConfig::of(64, 2_048, 1_024),
            CutConfig::of(64, 256, (16 << 20) + 2),
        ] {
            let error = DedupConfig::new().cut(cut).validated().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{cut:?}");
        }
        assert!(DedupConfig::new().bytes_min(0).validated().is_err());
        let still = CollectConfig::new().chunks_per_second_max(0);
        assert!(DedupConfig::new().collect(still).validated().is_err());
        assert!(DedupConfig::new().bytes_min(1).validated().is_ok());
    }
}
