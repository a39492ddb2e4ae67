//! Which settings can be met.

use std::{fmt::Debug, time::Duration};

use storage_core::{Error, ErrorKind, Result};

use super::{RocksConfig, WriteAheadLog};

/// RocksDB takes no smaller write buffer.
const WRITE_BUFFER_BYTES_MIN: u32 = 64 << 10;

/// RocksDB's levels.
pub(super) const LEVELS: usize = 7;

impl RocksConfig {
    /// These settings, if all of them are within their bounds.
    pub(super) fn validated(self) -> Result<Self> {
        at_least("cache_bytes", self.cache_bytes, 1 << 20)?;
        at_most("bloom_bits_per_key", self.bloom_bits_per_key, 64)?;
        at_least("block_bytes", self.block_bytes, 1 << 10)?;
        at_most("block_bytes", self.block_bytes, 16 << 20)?;
        at_least("write_buffers_max", self.write_buffers_max.get(), 2)?;
        at_least("background_jobs", self.background_jobs.get(), 2)?;
        at_least("compression (its levels)", self.compression.len(), 1)?;
        at_most("compression (its levels)", self.compression.len(), LEVELS)?;
        if let Some(open_files_max) = self.open_files_max {
            at_least("open_files_max", open_files_max, 20)?;
        }
        self.check_write_buffers()?;
        self.check_blobs()?;
        self.check_log()?;
        Ok(self)
    }

    /// How large each write buffer is, so that all of them together need no
    /// larger log than is allowed.
    pub(crate) fn effective_write_buffer_bytes(&self) -> usize {
        let allowed = self.log_bytes_max / u64::from(self.write_buffers_max.get());
        match self.log {
            WriteAheadLog::Off => self.write_buffer_bytes,
            _ => self
                .write_buffer_bytes
                .min(usize::try_from(allowed).unwrap_or(usize::MAX)),
        }
    }

    fn check_write_buffers(&self) -> Result<()> {
        let least = u64::from(WRITE_BUFFER_BYTES_MIN);
        let bytes = u64::try_from(self.write_buffer_bytes).unwrap_or(u64::MAX);
        at_least("write_buffer_bytes", bytes, least)?;
        let least = least * u64::from(self.write_buffers_max.get());
        at_least("log_bytes_max", self.log_bytes_max, least)
    }

    fn check_blobs(&self) -> Result<()> {
        let Some(blobs) = &self.blobs else {
            return Ok(());
        };
        at_least("blobs.file_bytes", blobs.file_bytes, 1 << 20)?;
        at_most("blobs.collected_percent", blobs.collected_percent, 100)
    }

    fn check_log(&self) -> Result<()> {
        let WriteAheadLog::Periodic { interval, bytes } = self.log else {
            return Ok(());
        };
        at_least("log.periodic.interval", interval, Duration::from_millis(1))?;
        at_least("log.periodic.bytes", bytes, 1)
    }
}

fn at_least<T: Copy + PartialOrd + Debug>(setting: &str, value: T, least: T) -> Result<()> {
    if value >= least {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("{setting} is {value:?}, it must be at least {least:?}"),
    ))
}

fn at_most<T: Copy + PartialOrd + Debug>(setting: &str, value: T, most: T) -> Result<()> {
    if value <= most {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("{setting} is {value:?}, it must be at most {most:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU32, NonZeroUsize};

    use super::*;
    use crate::{BlobConfig, Compression};

    /// What is said of the default settings, changed by `change`.
    fn refusal(change: impl FnOnce(&mut RocksConfig)) -> String {
        let mut config = RocksConfig::new("x");
        change(&mut config);
        let error = config.validated().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.message().to_owned()
    }

    #[test]
    fn a_setting_out_of_bounds_is_refused_by_name() {
        let blobs = |change: fn(&mut BlobConfig)| {
            let mut blobs = BlobConfig::default();
            change(&mut blobs);
            Some(blobs)
        };
        let periodic = |interval, bytes| WriteAheadLog::Periodic { interval, bytes };
        let second = Duration::from_secs(1);
        for (name, said) in [
            ("cache_bytes", refusal(|c| c.cache_bytes = 1)),
            ("bloom_bits", refusal(|c| c.bloom_bits_per_key = 65)),
            ("block_bytes", refusal(|c| c.block_bytes = 1)),
            ("block_bytes", refusal(|c| c.block_bytes = 1 << 30)),
            (
                "write_buffers_max",
                refusal(|c| c.write_buffers_max = NonZeroU32::MIN),
            ),
            (
                "background_jobs",
                refusal(|c| c.background_jobs = NonZeroUsize::MIN),
            ),
            ("compression", refusal(|c| c.compression = vec![])),
            (
                "compression",
                refusal(|c| c.compression = vec![Compression::Lz4; 8]),
            ),
            ("open_files_max", refusal(|c| c.open_files_max = Some(1))),
            ("write_buffer_bytes", refusal(|c| c.write_buffer_bytes = 1)),
            ("log_bytes_max", refusal(|c| c.log_bytes_max = 65_536)),
            (
                "blobs.file_bytes",
                refusal(|c| c.blobs = blobs(|b| b.file_bytes = 1)),
            ),
            (
                "blobs.collected",
                refusal(|c| c.blobs = blobs(|b| b.collected_percent = 101)),
            ),
            ("interval", refusal(|c| c.log = periodic(Duration::ZERO, 1))),
            (
                "log.periodic.bytes",
                refusal(|c| c.log = periodic(second, 0)),
            ),
        ] {
            assert!(said.contains(name), "{name}: {said}");
        }
    }

    #[test]
    fn write_buffers_are_as_large_as_the_log_allows() {
        let mut config = RocksConfig::new("x");
        assert_eq!(config.effective_write_buffer_bytes(), 64 << 20);
        config.log_bytes_max = 3 << 20;
        assert_eq!(config.effective_write_buffer_bytes(), 1 << 20);
        config.log = WriteAheadLog::Off;
        assert_eq!(config.effective_write_buffer_bytes(), 64 << 20);
    }
}
