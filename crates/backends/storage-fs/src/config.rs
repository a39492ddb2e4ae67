//! Opening a store of files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use storage_core::{Components, Error, ErrorKind, Result, embedded::Embedded};

use crate::{Codec, FsBackend, FsEngine, codec::Encoder};

/// Where a store of files is, and how it keeps values. Every setting may be
/// another at each open: each file says how it is compressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FsConfig {
    /// The directory of the store. Made if it is missing.
    pub path: PathBuf,
    /// How new value files are compressed: `none`, `gzip`, `zstd` or `lz4`.
    /// Default: `none`, so that a file holds the value itself. Where compressing
    /// saves less than an eighth, a file stays as it is.
    #[serde(default)]
    pub codec: Codec,
    /// How hard to try: 0 to 9 for gzip (default 6), 1 to 22 for zstd (default
    /// 1). The other codecs have no level. Higher levels make files somewhat
    /// smaller and puts much slower.
    #[serde(default)]
    pub level: Option<i32>,
    /// Smaller values are not compressed, in bytes. Default: 4 KiB, because most
    /// file systems give a file no less room than that.
    #[serde(default = "defaults::compress_bytes_min")]
    pub compress_bytes_min: u64,
    /// How large the logs may grow before the base is rewritten, in bytes; at
    /// least 4 KiB. Default: 64 MiB, or as large as the base where that is
    /// larger. More means less to write, and a longer open after a crash.
    #[serde(default = "defaults::log_bytes_max")]
    pub log_bytes_max: u64,
    /// How many value files are made durable together. Default:
    /// `file_system`.
    #[serde(default)]
    pub settling: Settling,
}

/// How many value files are made durable together, in the background or after a
/// large commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Settling {
    /// By syncing the whole file system, if it is one of which that is known to
    /// be enough: by far the fastest, unless others write a lot to it.
    #[default]
    FileSystem,
    /// File by file: waits for nobody else's writes, and once for each file.
    Files,
}

impl FsConfig {
    const LOG_BYTES_MIN: u64 = 4 << 10;

    /// A store at `path`, with default settings.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            codec: Codec::None,
            level: None,
            compress_bytes_min: defaults::compress_bytes_min(),
            log_bytes_max: defaults::log_bytes_max(),
            settling: Settling::FileSystem,
        }
    }

    /// Opens the store; makes one in a missing or empty directory.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a path that is not a directory,
    /// or a directory that is no store of files; `Unavailable` while another
    /// process has it open; `Unsupported` for a newer format; `Corrupt` for
    /// damaged files; `Denied` and `Full` from the operating system.
    pub async fn open(self) -> Result<FsBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock, randomness and threads.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<FsBackend> {
        let random = std::sync::Arc::clone(&components.random);
        Embedded::open(components, move || {
            FsEngine::open(&self.validated()?, &*random)
        })
        .await
    }

    fn validated(self) -> Result<Self> {
        if self.log_bytes_max < Self::LOG_BYTES_MIN {
            return Err(invalid(format!(
                "log_bytes_max is {}, it must be at least {}",
                self.log_bytes_max,
                Self::LOG_BYTES_MIN
            )));
        }
        let levels = match self.codec {
            Codec::None | Codec::Lz4 => "no level",
            Codec::Gzip => "levels 0 to 9",
            Codec::Zstd => "levels 1 to 22",
        };
        match (self.level, Encoder::new(self.codec, self.level, 0)) {
            (Some(level), Err(_)) => Err(invalid(format!(
                "level is {level}, but {:?} has {levels}",
                self.codec
            ))),
            _ => Ok(self),
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

mod defaults {
    pub(super) const fn compress_bytes_min() -> u64 {
        4 << 10
    }

    pub(super) const fn log_bytes_max() -> u64 {
        64 << 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error = serde_json::from_str::<FsConfig>(r#"{"path": "x", "codex": 1}"#).unwrap_err();
        assert!(error.to_string().contains("`codex`"), "{error}");
        let error =
            serde_json::from_str::<FsConfig>(r#"{"path": "x", "codec": "zip"}"#).unwrap_err();
        assert!(error.to_string().contains("`zip`"), "{error}");
    }

    #[test]
    fn settings_left_out_have_their_defaults() {
        let config: FsConfig = serde_json::from_str(r#"{"path": "x"}"#).unwrap();
        assert_eq!(config, FsConfig::new("x"));
    }

    #[test]
    fn settings_are_written_as_they_are_read() {
        let mut config = FsConfig::new("x");
        config.codec = Codec::Zstd;
        config.level = Some(19);
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains(r#""codec":"zstd""#), "{text}");
        assert_eq!(serde_json::from_str::<FsConfig>(&text).unwrap(), config);
    }

    #[test]
    fn a_setting_out_of_bounds_is_refused_by_name() {
        let refusal = |change: fn(&mut FsConfig)| {
            let mut config = FsConfig::new("x");
            change(&mut config);
            let error = config.validated().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            error.message().to_owned()
        };
        assert!(
            refusal(|config| config.log_bytes_max = 4_095).starts_with("log_bytes_max is 4095")
        );
        assert!(refusal(|config| config.level = Some(3)).contains("None has no level"));
        assert!(
            refusal(|config| {
                config.codec = Codec::Gzip;
                config.level = Some(10);
            })
            .contains("levels 0 to 9")
        );
    }
}
