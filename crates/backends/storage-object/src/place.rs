//! Where objects are: on a server, in a directory, in memory.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use storage_core::ReadSupport;

use crate::S3Place;
#[cfg(feature = "azure")]
use crate::azure::AzurePlace;
#[cfg(feature = "gcs")]
use crate::gcs::GcsPlace;
use crate::served::ServedPlace;

/// Where the objects of a store are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ObjectPlace {
    /// In a bucket of S3, or of a server that speaks like it.
    S3(S3Place),
    /// In a container of Azure Blob Storage.
    #[cfg(feature = "azure")]
    Azure(AzurePlace),
    /// In a bucket of Google Cloud Storage.
    #[cfg(feature = "gcs")]
    Gcs(GcsPlace),
    /// In a directory of this machine, which one process at a time has open.
    Directory(PathBuf),
    /// In the memory of this process, each store on its own; for tests.
    Memory,
}

impl ObjectPlace {
    /// Where a store is that has names which begin with `prefix`.
    pub(crate) fn location(&self, prefix: &str) -> String {
        match self.site() {
            PlaceSite::Server(place) => place.location(prefix),
            PlaceSite::Directory(path) => path.display().to_string(),
            PlaceSite::Memory => "memory".into(),
        }
    }

    /// Where it is, whoever serves it.
    pub(crate) fn site(&self) -> PlaceSite<'_> {
        match self {
            Self::S3(place) => PlaceSite::Server(place),
            #[cfg(feature = "azure")]
            Self::Azure(place) => PlaceSite::Server(place),
            #[cfg(feature = "gcs")]
            Self::Gcs(place) => PlaceSite::Server(place),
            Self::Directory(path) => PlaceSite::Directory(path),
            Self::Memory => PlaceSite::Memory,
        }
    }
}

/// The kinds of places there are.
pub(crate) enum PlaceSite<'a> {
    Server(&'a dyn ServedPlace),
    Directory(&'a Path),
    Memory,
}

/// What a store declares of its reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectReads {
    /// What is known of the place: those of a directory are linearizable, and so
    /// are those of Amazon, Microsoft and Google, which say so. Of any other
    /// server nothing is known, so its reads are declared to lag behind.
    #[default]
    Known,
    /// They are linearizable: somebody knows that no read and no listing of the
    /// server lags behind its writes. Nothing tries that.
    Linearizable,
    /// They may lag behind.
    Eventual,
}

/// What is known of the reads of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nobody reads what was before, after a write was answered.
    Strong,
    Unknown,
}

impl Promise {
    /// Of whom is reached at an endpoint; without one it is the provider, who makes
    /// the promise.
    pub(crate) const fn of(endpoint: Option<&str>) -> Self {
        match endpoint {
            None => Self::Strong,
            Some(_) => Self::Unknown,
        }
    }
}

impl ObjectReads {
    pub(crate) const fn declared(self, promise: Promise) -> ReadSupport {
        match (self, promise) {
            (Self::Known, Promise::Strong) | (Self::Linearizable, _) => ReadSupport::Linearizable,
            (Self::Known, Promise::Unknown) | (Self::Eventual, _) => ReadSupport::Eventual,
        }
    }
}

/// Whether guards are made of conditions of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectConditions {
    /// If a race at each open shows that the server honours them.
    #[default]
    Probed,
    /// Without a race, which costs some two hundred requests: somebody knows that
    /// the server does. Where it does not, updates are lost.
    Trusted,
    /// They are not, and the store has no guards.
    Unused,
}

/// What opening does where there is no store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectCreation {
    /// Makes one, where nothing is below its prefix.
    #[default]
    IfMissing,
    /// Refuses, as `Invalid`, and writes nothing.
    Never,
}

/// When values are written in parts, and how large these are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ObjectParts {
    /// From how many bytes on; those that are guarded never are. Default: 16 MiB.
    #[serde(default = "defaults::bytes_min")]
    pub bytes_min: usize,
    /// The bytes of a part, at least the 5 MiB that S3 demands. Default: 8 MiB.
    #[serde(default = "defaults::part_bytes")]
    pub part_bytes: usize,
    /// How many parts of a value are on their way at once. Default: 4.
    #[serde(default = "defaults::at_once")]
    pub at_once: NonZeroUsize,
}

impl Default for ObjectParts {
    fn default() -> Self {
        Self {
            bytes_min: defaults::bytes_min(),
            part_bytes: defaults::part_bytes(),
            at_once: defaults::at_once(),
        }
    }
}

mod defaults {
    use std::num::NonZeroUsize;

    pub(super) const fn bytes_min() -> usize {
        16 << 20
    }

    pub(super) const fn part_bytes() -> usize {
        8 << 20
    }

    pub(super) const fn at_once() -> NonZeroUsize {
        const PARTS: NonZeroUsize = NonZeroUsize::new(4).unwrap();
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linearizable_is_declared_where_somebody_promises_it() {
        for (reads, endpoint, declared) in [
            (ObjectReads::Known, None, ReadSupport::Linearizable),
            (ObjectReads::Known, Some("http://h"), ReadSupport::Eventual),
            (ObjectReads::Linearizable, None, ReadSupport::Linearizable),
            (
                ObjectReads::Linearizable,
                Some("http://h"),
                ReadSupport::Linearizable,
            ),
            (ObjectReads::Eventual, None, ReadSupport::Eventual),
            (
                ObjectReads::Eventual,
                Some("http://h"),
                ReadSupport::Eventual,
            ),
        ] {
            assert_eq!(reads.declared(Promise::of(endpoint)), declared);
        }
    }
}
