//! Making the files of a commit ahead of the order point, on the threads of all
//! callers at once: what takes most of the time of a put needs no order.
//!
//! Such a file has a number of its own, so nobody sees it until a record names
//! it, and the records of commits need not be in the order of their numbers.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use storage_core::{
    Mutation, Put, Result,
    embedded::{Prepared, flat_key},
};

use crate::{
    commit::{LOGGED_FILE_BYTES_MAX, SLOW, not_written},
    files::{Backing, FileName},
    shared::Shared,
    version::{Content, FileContent, Version, VersionId},
};

/// The files of one commit. Those that no record names are removed with it.
struct PreparedFiles {
    shared: Arc<Shared>,
    /// The flat keys that were given versions.
    keys: Vec<Vec<u8>>,
    /// In the order of the keys; fewer, if one could not be made.
    files: Vec<PreparedFile>,
}

/// A file that was made for a put. The log will have its content too.
pub(crate) struct PreparedFile {
    value: Bytes,
    /// What the file holds, if it is not the value.
    encoded: Option<Vec<u8>>,
    id: VersionId,
    file: FileContent,
    name: FileName,
    /// Whether a record names it, or may.
    is_kept: AtomicBool,
}

impl Shared {
    /// Makes files for the puts of a commit, unless that takes waiting.
    ///
    /// # Errors
    /// From the operating system. Nothing is left behind.
    pub(crate) fn prepare(self: &Arc<Self>, mutations: &[Mutation]) -> Result<Option<Prepared>> {
        let puts = || {
            mutations.iter().filter_map(|mutation| match mutation {
                Mutation::Put(put) if is_prepared(put) => Some(put),
                _ => None,
            })
        };
        let keys: Vec<Vec<u8>> = puts().map(|put| flat_key::flat(put.key.as_key())).collect();
        // Where nothing is written any more, whoever applies the commit says so.
        if keys.is_empty() || self.check_failure().is_err() {
            return Ok(None);
        }
        let is_open = |shard| self.files.is_open(shard);
        let Some(mut id) = self.versions.give_ahead(&keys, is_open) else {
            return Ok(None);
        };
        let started = Instant::now();
        let mut prepared = PreparedFiles {
            shared: Arc::clone(self),
            files: Vec::with_capacity(keys.len()),
            keys,
        };
        for (key, put) in prepared.keys.iter().zip(puts()) {
            let made = self.prepare_one(key, put, id);
            prepared
                .files
                .push(made.inspect_err(|error| self.make_room_after(error))?);
            id = id.next();
        }
        if started.elapsed() > SLOW {
            self.is_slow.store(true, Ordering::Relaxed);
        }
        Ok(Some(Prepared::new(prepared)))
    }

    fn prepare_one(&self, key: &[u8], put: &Put, id: VersionId) -> Result<PreparedFile> {
        let make = || {
            let (codec, content) = self.encoder.encode(&put.value)?;
            let name = FileName::new(key, id, codec);
            self.files.create(&name, &content, Backing::Logged)?;
            Ok(PreparedFile {
                file: FileContent::of(codec, &content, &put.value),
                encoded: match content {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(encoded) => Some(encoded),
                },
                value: put.value.clone(),
                id,
                name,
                is_kept: AtomicBool::new(false),
            })
        };
        make().map_err(not_written)
    }
}

/// Whether a file is made ahead of the order point for a put.
fn is_prepared(put: &Put) -> bool {
    (1..=LOGGED_FILE_BYTES_MAX).contains(&put.value.len())
}

impl PreparedFile {
    /// What the file holds.
    pub(crate) fn content(&self) -> &[u8] {
        self.encoded.as_deref().unwrap_or(&self.value)
    }

    /// The version that a put of the value makes.
    pub(crate) const fn version(&self, put: &Put) -> Version {
        Version {
            id: self.id,
            expires: put.expires,
            content: Content::File(self.file),
        }
    }

    /// Takes note that a record names the file, or may.
    pub(crate) fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
    }
}

impl Drop for PreparedFiles {
    fn drop(&mut self) {
        let unused = |file: &&PreparedFile| !file.is_kept.load(Ordering::Relaxed);
        for file in self.files.iter().filter(unused) {
            // What cannot be removed is an orphan, which a compaction removes.
            let _ = self.shared.files.remove(&file.name);
        }
        // Until then others must know that they may be there.
        self.shared.versions.end(&self.keys);
    }
}

/// The files that were made ahead of the order point for several commits, by
/// their flat keys.
#[derive(Default)]
pub(crate) struct Ahead<'a>(HashMap<&'a [u8], &'a PreparedFile>);

impl<'a> Ahead<'a> {
    pub(crate) fn of(prepared: &'a [Prepared]) -> Self {
        let files = prepared
            .iter()
            .filter_map(Prepared::get::<PreparedFiles>)
            .flat_map(|prepared| prepared.keys.iter().zip(&prepared.files));
        Self(files.map(|(key, file)| (&**key, file)).collect())
    }

    /// The file that was made for a put, unless it is of another put of the key.
    pub(crate) fn file_of(&self, key: &[u8], put: &Put) -> Option<&'a PreparedFile> {
        let file = *self.0.get(key)?;
        // The same bytes in memory, so nobody compares them.
        let is_same =
            file.value.as_ptr() == put.value.as_ptr() && file.value.len() == put.value.len();
        is_same.then_some(file)
    }
}
