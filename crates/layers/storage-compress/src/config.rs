//! How values are compressed.

use serde::{Deserialize, Serialize};
use storage_core::{Error, ErrorKind, Result};

use crate::{Codec, DictionaryConfig, layer::NAME};

/// The settings of a [`CompressLayer`](crate::CompressLayer). None of them is needed to
/// read: they may change whenever a store is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CompressConfig {
    /// What values are compressed with. Default: [`Codec::Zstd`].
    pub codec: Codec,
    /// How hard the codec tries: zstd 1 to 22, gzip 0 to 9, lz4 none. Default: zstd 1, gzip
    /// 6. Higher levels take more time and less space.
    pub level: Option<i32>,
    /// Shorter values are stored as they are. Default: 64 bytes.
    pub bytes_min: usize,
    /// The most bytes of values that a call compresses or decodes on its caller's
    /// thread; more are worked on by the pool. Default: 64 KiB, about 0.3 ms of zstd at
    /// level 1 and 2 ms of gzip. Slow levels compress a part of it there: from zstd 10 on a
    /// half, from 13 on an eighth, from 16 on a 64th; from gzip 7 on a quarter. In a commit
    /// of at most 16 times as many bytes in all, values above 64 KiB that look random do not
    /// count: they are stored as they are. A call on more than 1,024 values is worked on by
    /// the pool, too.
    pub inline_bytes_max: usize,
    /// How dictionaries for small values are made and used; only with [`Codec::Zstd`], and
    /// only over a store that has guards and loses only what came last. Values that were
    /// compressed with one are read with any settings. Default: `Some`, its defaults.
    pub dictionaries: Option<DictionaryConfig>,
}

impl CompressConfig {
    /// The default settings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            codec: Codec::Zstd,
            level: None,
            bytes_min: 64,
            inline_bytes_max: 64 << 10,
            dictionaries: Some(DictionaryConfig::new()),
        }
    }

    /// The same settings with another codec, at its default level.
    #[must_use]
    pub const fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self.level = None;
        self
    }

    /// The same settings with another level of the codec.
    #[must_use]
    pub const fn level(mut self, level: i32) -> Self {
        self.level = Some(level);
        self
    }

    /// The same settings for values of at least so many bytes.
    #[must_use]
    pub const fn bytes_min(mut self, bytes: usize) -> Self {
        self.bytes_min = bytes;
        self
    }

    /// The same settings with so many bytes at once on a caller's thread.
    #[must_use]
    pub const fn inline_bytes_max(mut self, bytes: usize) -> Self {
        self.inline_bytes_max = bytes;
        self
    }

    /// The same settings with other ones for dictionaries; `None` makes and uses none.
    #[must_use]
    pub const fn dictionaries(mut self, dictionaries: Option<DictionaryConfig>) -> Self {
        self.dictionaries = dictionaries;
        self
    }

    /// The most bytes that a call compresses on its caller's thread.
    pub(crate) fn inline_compressed_bytes_max(&self) -> usize {
        let part = match (self.codec, self.level) {
            (Codec::Zstd, Some(16..)) => 64,
            (Codec::Zstd, Some(13..)) => 8,
            (Codec::Gzip, Some(7..)) => 4,
            (Codec::Zstd, Some(10..)) => 2,
            _ => 1,
        };
        self.inline_bytes_max / part
    }

    /// The same settings, if they make sense.
    ///
    /// # Errors
    /// `Invalid` for a level that the codec does not have, and for settings of dictionaries
    /// beyond their bounds.
    pub(crate) fn validated(self) -> Result<Self> {
        if let Some(dictionaries) = &self.dictionaries {
            dictionaries.validate()?;
        }
        let Some(level) = self.level else {
            return Ok(self);
        };
        if self.codec.levels().contains(&level) {
            return Ok(self);
        }
        Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the codec {:?} has no level {level}; leave `level` out",
                self.codec
            ),
        )
        .with_layer(NAME))
    }
}

impl Default for CompressConfig {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_being_written_down_and_unknown_ones_are_refused() {
        let config = CompressConfig::new().codec(Codec::Gzip).level(9);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<CompressConfig>(&text).unwrap(),
            config
        );
        let least: CompressConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(least, CompressConfig::new());
        assert!(serde_json::from_str::<CompressConfig>(r#"{"colour": "red"}"#).is_err());
    }

    #[test]
    fn a_level_that_a_codec_does_not_have_is_refused() {
        for (codec, level) in [
            (Codec::None, 1),
            (Codec::Lz4, 1),
            (Codec::Gzip, 10),
            (Codec::Gzip, -1),
            (Codec::Zstd, 0),
            (Codec::Zstd, 23),
        ] {
            let config = CompressConfig::new().codec(codec).level(level);
            assert_eq!(config.validated().unwrap_err().kind(), ErrorKind::Invalid);
        }
        for (codec, level) in [(Codec::Gzip, 0), (Codec::Gzip, 9), (Codec::Zstd, 22)] {
            assert!(
                CompressConfig::new()
                    .codec(codec)
                    .level(level)
                    .validated()
                    .is_ok()
            );
        }
    }
}
