//! When dictionaries are trained, and what for.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use storage_core::{Error, ErrorKind, Result};

use crate::layer::NAME;

/// When dictionaries are trained, and which values are compressed with them. None of it is
/// needed to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DictionaryConfig {
    /// Shorter values are not compressed with a dictionary. Default: 64 bytes.
    pub value_bytes_min: usize,
    /// Longer values are not: they have enough in themselves that repeats. Default: 4 KiB; at
    /// most 64 KiB.
    pub value_bytes_max: usize,
    /// How long a dictionary may be: 1 to 64 KiB. Default: 16 KiB. Longer ones save little
    /// more, and each that is in use takes about seven times its length of memory.
    pub dictionary_bytes: usize,
    /// From how many values of a namespace a dictionary is made. Default: 1,000; at least
    /// 100.
    pub samples: usize,
    /// From how many bytes of them, if that is less. Default: 512 KiB; at least eight
    /// dictionaries, at most 16 MiB. Up to eight namespaces gather as many at once.
    pub sample_bytes: usize,
    /// After how many values it is looked whether a dictionary does as well as it did, and a
    /// new one tried if not. Default: 65,536.
    pub look_every: u32,
}

impl DictionaryConfig {
    const DICTIONARY_BYTES: RangeInclusive<usize> = 1 << 10..=64 << 10;
    const VALUE_BYTES_MAX: usize = 64 << 10;
    const SAMPLES_MIN: usize = 100;
    const SAMPLE_BYTES_MAX: usize = 16 << 20;

    /// The default settings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            value_bytes_min: 64,
            value_bytes_max: 4 << 10,
            dictionary_bytes: 16 << 10,
            samples: 1_000,
            sample_bytes: 512 << 10,
            look_every: 1 << 16,
        }
    }

    /// The same settings for values of so many bytes.
    #[must_use]
    pub const fn value_bytes(mut self, min: usize, max: usize) -> Self {
        self.value_bytes_min = min;
        self.value_bytes_max = max;
        self
    }

    /// The same settings with dictionaries of at most so many bytes.
    #[must_use]
    pub const fn dictionary_bytes(mut self, bytes: usize) -> Self {
        self.dictionary_bytes = bytes;
        self
    }

    /// The same settings with so many samples, of so many bytes in all at most.
    #[must_use]
    pub const fn samples(mut self, samples: usize, bytes: usize) -> Self {
        self.samples = samples;
        self.sample_bytes = bytes;
        self
    }

    /// The same settings with a look at each dictionary after so many values.
    #[must_use]
    pub const fn look_every(mut self, values: u32) -> Self {
        self.look_every = values;
        self
    }

    /// # Errors
    /// `Invalid` for settings beyond their bounds.
    pub(crate) fn validate(&self) -> Result<()> {
        let refuse =
            |what: &'static str| Err(Error::new(ErrorKind::Invalid, what).with_layer(NAME));
        if self.value_bytes_min > self.value_bytes_max
            || self.value_bytes_max > Self::VALUE_BYTES_MAX
        {
            return refuse(
                "`value_bytes_min` must be at most `value_bytes_max`, and that at most 64 KiB",
            );
        }
        if !Self::DICTIONARY_BYTES.contains(&self.dictionary_bytes) {
            return refuse("`dictionary_bytes` must be 1 to 64 KiB");
        }
        if self.samples < Self::SAMPLES_MIN {
            return refuse("`samples` must be at least 100");
        }
        if !(8 * self.dictionary_bytes..=Self::SAMPLE_BYTES_MAX).contains(&self.sample_bytes) {
            return refuse(
                "`sample_bytes` must be at least eight times `dictionary_bytes`, and at most 16 MiB",
            );
        }
        Ok(())
    }
}

impl Default for DictionaryConfig {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_beyond_their_bounds_are_refused() {
        let new = DictionaryConfig::new;
        for config in [
            new().value_bytes(100, 99),
            new().value_bytes(0, (64 << 10) + 1),
            new().dictionary_bytes(1_023),
            new().dictionary_bytes((64 << 10) + 1),
            new().samples(99, 1 << 20),
            new().samples(1_000, (128 << 10) - 1),
            new().samples(1_000, (16 << 20) + 1),
        ] {
            assert_eq!(config.validate().unwrap_err().kind(), ErrorKind::Invalid);
        }
        new().validate().unwrap();
        let least = new().dictionary_bytes(1 << 10).samples(100, 8 << 10);
        least.validate().unwrap();
    }
}
