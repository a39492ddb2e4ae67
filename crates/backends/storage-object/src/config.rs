//! Opening a store of objects.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use object_store::path::Path;
use serde::Deserialize;
use storage_core::{
    Components, Error, ErrorKind, Operation, Result,
    networked::{Networked, require_runtime},
};

use crate::{
    ObjectBackend, ObjectClass, ObjectConditions, ObjectCreation, ObjectParts, ObjectPlace,
    ObjectReads, S3Place, open, place::PlaceSite, url,
};

/// Where a store of objects is and how much of its server it may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ObjectConfig {
    /// Where the objects are.
    pub place: ObjectPlace,
    /// What the names of all objects of the store begin with, which nothing else
    /// may use; empty if the bucket is the store's own. Up to 128 bytes. Default:
    /// empty.
    #[serde(default)]
    pub prefix: String,
    /// Whether a store that is missing is made. Default: yes.
    #[serde(default)]
    pub creation: ObjectCreation,
    /// Whether guards are made of conditions of requests. Default: if a race at
    /// open shows that the server honours them. A directory and memory need none:
    /// nobody else has their objects.
    #[serde(default)]
    pub conditions: ObjectConditions,
    /// What the store declares of its reads. Default: what is known of the place.
    #[serde(default)]
    pub reads: ObjectReads,
    /// The storage classes of the objects that are written; of several that are for
    /// an object the first. Objects that none is for are in that of the bucket.
    /// Default: none.
    #[serde(default)]
    pub storage_classes: Vec<ObjectClass>,
    /// When values are written in parts.
    #[serde(default)]
    pub parts: ObjectParts,
    /// How many requests are under way at once; more wait. Default: 32.
    #[serde(default = "defaults::requests_at_once")]
    pub requests_at_once: NonZeroUsize,
    /// How many calls may wait; one more is `Throttled`. Default: 4,096.
    #[serde(default = "defaults::queue_max")]
    pub queue_max: usize,
    /// How long any call may take, waiting included. Default: 30 seconds.
    #[serde(default = "defaults::time_limit")]
    pub time_limit: Duration,
    /// How long an attempt to connect may take. Default: 5 seconds.
    #[serde(default = "defaults::connect_timeout")]
    pub connect_timeout: Duration,
}

impl ObjectConfig {
    /// Of the 1,024 bytes that a name may have, keys need the others.
    const PREFIX_BYTES_MAX: usize = 128;
    const TIME_MIN: Duration = Duration::from_millis(100);
    const TIME_MAX: Duration = Duration::from_hours(24);
    const REQUESTS_MAX: usize = 1_024;
    /// S3 takes no smaller parts, but for the last, and 10,000 of them.
    const PART_BYTES_MIN: usize = 5 << 20;

    /// The store in `place`, with default settings.
    #[must_use]
    pub fn new(place: ObjectPlace) -> Self {
        Self {
            place,
            prefix: String::new(),
            creation: ObjectCreation::default(),
            conditions: ObjectConditions::default(),
            reads: ObjectReads::default(),
            storage_classes: Vec::new(),
            parts: ObjectParts::default(),
            requests_at_once: defaults::requests_at_once(),
            queue_max: defaults::queue_max(),
            time_limit: defaults::time_limit(),
            connect_timeout: defaults::connect_timeout(),
        }
    }

    /// The store in a bucket of S3, with default settings.
    #[must_use]
    pub fn s3(bucket: impl Into<String>) -> Self {
        Self::new(ObjectPlace::S3(S3Place::new(bucket)))
    }

    /// The store in a directory, with default settings.
    #[must_use]
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self::new(ObjectPlace::Directory(path.into()))
    }

    /// The store that a URL names: `s3://bucket/prefix?parameter=value`, with feature
    /// `azure` `az://container/prefix`, with feature `gcs` `gs://bucket/prefix`, or
    /// `object+file:///path`, which has no parameters. All of a server have `endpoint
    /// ca_file storage_class conditions reads requests_at_once time_limit
    /// connect_timeout`, times in seconds; S3 has `region profile credentials_file`,
    /// Azure `account`, Google `credentials_file`. A `storage_class` may be given
    /// several times, as `CLASS` or as `CLASS:BYTES` for values of at least so many.
    /// A URL has no place for credentials, so that nobody writes them where others
    /// see them.
    ///
    /// # Errors
    /// `Invalid` for what is no such URL; `Unsupported` for one whose feature is off.
    pub fn from_url(url: &str) -> Result<Self> {
        url::parse(url)
    }

    /// Opens the store; makes one where nothing is below its prefix, unless
    /// [`creation`](Self::creation) says otherwise.
    ///
    /// # Errors
    /// `Invalid` for a setting out of bounds, a bucket that does not exist, a
    /// prefix or directory that belongs to something else, a store that is
    /// missing and not to be made, or a thread without a Tokio runtime; `Denied`
    /// for credentials that are missing, which names where they were looked for, that
    /// are wrong or expired, and for a wrong clock; `Unsupported` for a newer format;
    /// `Unavailable` and `TimedOut` where the server, or who gives the credentials,
    /// does not answer, or another process has the directory open.
    pub async fn open(self) -> Result<ObjectBackend> {
        self.open_with(Components::default()).await
    }

    /// Opens the store with the given clock and randomness.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(self, components: Components) -> Result<ObjectBackend> {
        let opened = async {
            require_runtime()?;
            let engine = Box::pin(open::engine(self.validated()?, &components)).await?;
            Networked::open(engine, &components).await
        };
        opened
            .await
            .map_err(|error: Error| error.with_operation(Operation::Open))
    }

    /// The prefix as a path.
    pub(crate) fn root(&self) -> Result<Path> {
        let trimmed = self.prefix.trim_matches('/');
        let path = Path::parse(trimmed)
            .map_err(|error| invalid(format!("prefix cannot be a part of names: {error}")))?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.=+@,".contains(&byte);
        if trimmed.len() > Self::PREFIX_BYTES_MAX || !trimmed.bytes().all(is_plain) {
            return Err(invalid(format!(
                "prefix is `{}`; it must have up to {} letters, digits and characters of /-_.=+@,",
                self.prefix.escape_debug(),
                Self::PREFIX_BYTES_MAX
            )));
        }
        Ok(path)
    }

    fn validated(self) -> Result<Self> {
        self.root()?;
        match self.place.site() {
            PlaceSite::Server(place) => place.validate()?,
            PlaceSite::Directory(_) | PlaceSite::Memory if self.storage_classes.is_empty() => {}
            PlaceSite::Directory(_) | PlaceSite::Memory => {
                return Err(invalid("storage classes are for objects on a server"));
            }
        }
        for (setting, time) in [
            ("time_limit", self.time_limit),
            ("connect_timeout", self.connect_timeout),
        ] {
            if !(Self::TIME_MIN..=Self::TIME_MAX).contains(&time) {
                return Err(invalid(format!(
                    "{setting} is {time:?}, it must be from {:?} to {:?}",
                    Self::TIME_MIN,
                    Self::TIME_MAX
                )));
            }
        }
        if self.requests_at_once.get() > Self::REQUESTS_MAX {
            return Err(invalid(format!(
                "requests_at_once is {}, it must be at most {}",
                self.requests_at_once,
                Self::REQUESTS_MAX
            )));
        }
        if self.parts.part_bytes < Self::PART_BYTES_MIN {
            return Err(invalid(format!(
                "part_bytes is {}, it must be at least {}",
                self.parts.part_bytes,
                Self::PART_BYTES_MIN
            )));
        }
        Ok(self)
    }

    /// Where the store is.
    pub(crate) fn location(&self) -> String {
        self.place.location(&self.prefix)
    }
}

pub(crate) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

mod defaults {
    use std::{num::NonZeroUsize, time::Duration};

    pub(super) const fn requests_at_once() -> NonZeroUsize {
        const REQUESTS: NonZeroUsize = NonZeroUsize::new(32).unwrap();
        REQUESTS
    }

    pub(super) const fn queue_max() -> usize {
        4_096
    }

    pub(super) const fn time_limit() -> Duration {
        Duration::from_secs(30)
    }

    pub(super) const fn connect_timeout() -> Duration {
        Duration::from_secs(5)
    }
}
