//! The objects of a store, one request at a time, each with a deadline and a
//! clear end.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, UpdateVersion, path::Path,
};
use storage_core::{Error, ErrorKind, Executor};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::{
    deletes::Deletes,
    error::failure,
    failure::{Failure, Fate, timed_out},
    transport::{Call, Seen},
    walk::{Step, Walked, show},
};

/// The objects of a store, and how many requests to them are under way at once.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) kind: BucketKind,
    pub(crate) parts: Parts,
    pub(crate) permits: Semaphore,
    /// Where this waits for the disk.
    pub(crate) executor: Arc<dyn Executor>,
}

/// What holds the objects.
#[derive(Clone, Debug)]
pub(crate) enum BucketKind {
    Server(Deletes),
    /// A directory of this machine.
    Directory(PathBuf),
    Memory,
}

/// When an object is written in parts, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// From how many bytes on.
    pub(crate) bytes_min: usize,
    pub(crate) part_bytes: usize,
    pub(crate) at_once: usize,
}

/// An object or its beginning, and which form of it that is.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) bytes: Bytes,
    pub(crate) form: Form,
}

/// What an object is made of: its pieces, one behind the other.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) pieces: [Bytes; 2],
    /// The storage class; `None` is that of the bucket.
    pub(crate) class: Option<String>,
}

/// Which form of an object, for conditions of requests.
#[derive(Clone, Debug)]
pub(crate) struct Form(UpdateVersion);

/// What must be so for a put to happen.
#[derive(Clone, Debug)]
pub(crate) enum PutIf {
    Always,
    Absent,
    /// The object has this form.
    Form(Form),
}

impl Bucket {
    /// An object, or its first `bytes_max`.
    pub(crate) async fn get(
        &self,
        path: &Path,
        bytes_max: Option<usize>,
        deadline: Instant,
    ) -> Result<Option<Object>, Failure> {
        let mut options = GetOptions::default();
        let end = bytes_max.and_then(|bytes| u64::try_from(bytes).ok());
        options.range = end.map(|end| GetRange::Bounded(0..end));
        let got = self
            .call(Call::default(), deadline, async {
                let got = self.store.get_opts(path, options).await?;
                let form = Form(UpdateVersion {
                    e_tag: got.meta.e_tag.clone(),
                    version: got.meta.version.clone(),
                });
                let bytes = got.bytes().await?;
                Ok(Object { bytes, form })
            })
            .await;
        absent_as_none(got)
    }

    /// Writes an object.
    pub(crate) async fn put(
        &self,
        path: &Path,
        content: Content,
        put_if: PutIf,
        deadline: Instant,
    ) -> Result<Form, Failure> {
        let Content { pieces, class } = content;
        let length: usize = pieces.iter().map(Bytes::len).sum();
        // Parts cannot be put together on a condition.
        if length >= self.parts.bytes_min && matches!(put_if, PutIf::Always) {
            return self.put_parts(path, pieces, class, deadline).await;
        }
        let options = PutOptions {
            mode: put_if.into(),
            attributes: attributes(class),
            ..PutOptions::default()
        };
        let payload = PutPayload::from_iter(pieces);
        let put = self.store.put_opts(path, payload, options);
        let answer = self.change(Call::default(), deadline, put).await?;
        Ok(Form(UpdateVersion {
            e_tag: answer.e_tag,
            version: answer.version,
        }))
    }

    /// Writes an object part by part. It is there when the last request is done.
    async fn put_parts(
        &self,
        path: &Path,
        pieces: [Bytes; 2],
        class: Option<String>,
        deadline: Instant,
    ) -> Result<Form, Failure> {
        let options = PutMultipartOptions {
            attributes: attributes(class),
            ..PutMultipartOptions::default()
        };
        let begun = self.store.put_multipart_opts(path, options);
        let mut upload = self
            .change(Call::default(), deadline, begun)
            .await
            .map_err(undone)?;
        let parts: Vec<_> = cut(pieces, self.parts.part_bytes)
            .into_iter()
            .map(|part| upload.put_part(PutPayload::from_iter(part)))
            .map(|part| self.change(Call::default(), deadline, part))
            .collect();
        let sent = stream::iter(parts)
            .buffer_unordered(self.parts.at_once)
            .try_collect::<Vec<()>>()
            .await;
        if let Err(failed) = sent {
            // Whoever pays for the bucket has parts removed that are left.
            drop(self.change(Call::default(), deadline, upload.abort()).await);
            return Err(undone(failed));
        }
        let answer = self
            .change(Call::default(), deadline, upload.complete())
            .await?;
        Ok(Form(UpdateVersion {
            e_tag: answer.e_tag,
            version: answer.version,
        }))
    }

    /// Deletes an object, if it is there.
    pub(crate) async fn delete(&self, path: &Path, deadline: Instant) -> Result<(), Failure> {
        match self.delete_as(Call::default(), path, deadline).await {
            Err(failed) if failed.fate == Fate::Absent => self.sync_parent(path).await,
            deleted => deleted,
        }
    }

    /// Deletes an object that has this form. One that is absent has none.
    pub(crate) async fn delete_form(
        &self,
        path: &Path,
        form: &Form,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let condition = match &self.kind {
            BucketKind::Server(deletes) => deletes.condition(&form.0),
            BucketKind::Directory(_) | BucketKind::Memory => None,
        };
        let Some(condition) = condition else {
            return Err(Failure::new(
                Error::new(
                    ErrorKind::Unsupported,
                    "this object store does not tell the forms of objects apart",
                ),
                Fate::Refused,
            ));
        };
        self.delete_as(Call::deleting_if(condition), path, deadline)
            .await
    }

    async fn delete_as(&self, call: Call, path: &Path, deadline: Instant) -> Result<(), Failure> {
        let store = &*self.store;
        match &self.kind {
            BucketKind::Server(deletes) => {
                self.call(call, deadline, deletes.delete(store, path))
                    .await?;
            }
            BucketKind::Directory(_) | BucketKind::Memory => {
                self.change(call, deadline, store.delete(path)).await?;
            }
        }
        self.sync_parent(path).await
    }

    /// Makes durable that a file is gone, which `object_store` does for those
    /// that come only.
    async fn sync_parent(&self, path: &Path) -> Result<(), Failure> {
        let BucketKind::Directory(root) = &self.kind else {
            return Ok(());
        };
        let file = root.join(path.as_ref());
        let sync = move || {
            let parent = file.parent().unwrap_or(&file);
            match std::fs::File::open(parent) {
                Ok(directory) => directory.sync_all(),
                // There never was such a file.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            }
            .map_err(|error| Error::io("syncing a directory of the store", error))
        };
        let synced = self.executor.run(sync).await;
        synced.map_err(|error| Failure::new(error, Fate::Lost))
    }

    /// Shows `visit` the objects below `prefix` and behind `behind`, until it wants
    /// no more. Servers show them in order.
    pub(crate) async fn walk(
        &self,
        prefix: &Path,
        behind: Option<&Path>,
        deadline: Instant,
        visit: &mut (dyn FnMut(ObjectMeta) -> Step + Send),
    ) -> Result<Walked, Failure> {
        self.call(Call::default(), deadline, async {
            let objects = match behind {
                Some(behind) => self.store.list_with_offset(Some(prefix), behind),
                None => self.store.list(Some(prefix)),
            };
            show(objects, visit).await
        })
        .await
    }

    pub(crate) const fn is_server(&self) -> bool {
        matches!(self.kind, BucketKind::Server(_))
    }

    /// Whether listings are in order.
    pub(crate) const fn lists_in_order(&self) -> bool {
        self.is_server()
    }

    /// What a change answers, by `deadline` if a server makes it. One of a file that
    /// has begun goes on whether anybody waits for it or not; so this does wait.
    async fn change<T>(
        &self,
        call: Call,
        deadline: Instant,
        work: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T, Failure> {
        if self.is_server() {
            return self.call(call, deadline, work).await;
        }
        let _permit = self.permit(deadline).await?;
        work.await.map_err(|error| failure(error, &Seen::Nothing))
    }

    /// What `work` answers until `deadline`, and what became of it if it fails.
    async fn call<T>(
        &self,
        call: Call,
        deadline: Instant,
        work: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T, Failure> {
        let _permit = self.permit(deadline).await?;
        let (answer, seen) = call.watch(timeout_at(deadline, work)).await;
        match answer {
            Ok(answer) => answer.map_err(|error| failure(error, &seen)),
            Err(_) => Err(Failure::new(
                timed_out(),
                match (&self.kind, seen) {
                    (BucketKind::Server(_), Seen::Nothing | Seen::Unconnected) => Fate::Refused,
                    _ => Fate::Lost,
                },
            )),
        }
    }

    async fn permit(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Failure> {
        match timeout_at(deadline, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Failure::new(Error::closed(), Fate::Refused)),
            Err(_) => Err(Failure::new(timed_out(), Fate::Refused)),
        }
    }
}

impl From<PutIf> for PutMode {
    fn from(put_if: PutIf) -> Self {
        match put_if {
            PutIf::Always => Self::Overwrite,
            PutIf::Absent => Self::Create,
            PutIf::Form(Form(version)) => Self::Update(version),
        }
    }
}

fn attributes(class: Option<String>) -> Attributes {
    let class = class.into_iter();
    class
        .map(|class| (Attribute::StorageClass, class))
        .collect()
}

fn absent_as_none<T>(got: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match got {
        Ok(got) => Ok(Some(got)),
        Err(failed) if failed.fate == Fate::Absent => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// Parts that were not put together are nothing.
fn undone(failed: Failure) -> Failure {
    Failure::new(failed.error, Fate::Refused)
}

/// Cuts content into parts of equal length, the last of which may be shorter.
fn cut(content: [Bytes; 2], part_bytes: usize) -> Vec<Vec<Bytes>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut room = part_bytes;
    for mut piece in content {
        while !piece.is_empty() {
            let taken = piece.split_to(room.min(piece.len()));
            room -= taken.len();
            part.push(taken);
            if room == 0 {
                parts.push(std::mem::take(&mut part));
                room = part_bytes;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_one_length_but_for_the_last() {
        let content = || [Bytes::from_static(b"head"), Bytes::from_static(b"value")];
        let lengths = |part_bytes| {
            let parts = cut(content(), part_bytes);
            let whole: Vec<u8> = parts.iter().flatten().flatten().copied().collect();
            assert_eq!(whole, b"headvalue");
            let length = |part: &Vec<Bytes>| part.iter().map(Bytes::len).sum::<usize>();
            parts.iter().map(length).collect::<Vec<_>>()
        };
        assert_eq!(lengths(5), [5, 4]);
        assert_eq!(lengths(3), [3, 3, 3]);
        assert_eq!(lengths(9), [9]);
        assert_eq!(lengths(100), [9]);
    }
}
