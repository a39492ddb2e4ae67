//! What commits make of objects.

use object_store::path::Path;
use storage_core::{Mutation, Put, Result, WriteBatch};
use tokio::time::Instant;

use crate::{
    bucket::{Bucket, Content, PutIf},
    class::{ObjectClass, class_of},
    failure::Failure,
    object::{self, WriteId},
};

/// What a commit makes of its object.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(Content),
    Delete,
    /// It only looks.
    Nothing,
}

impl Change {
    /// Of several mutations of a key the last one wins.
    pub(crate) fn of(batch: &WriteBatch, write: WriteId, classes: &[ObjectClass]) -> Result<Self> {
        match batch.mutations().last() {
            Some(Mutation::Put(Put {
                key,
                value,
                expires,
                ..
            })) => {
                let head = object::head(key.as_key(), value, *expires, write)?;
                let class = class_of(classes, key.as_key(), value.len());
                Ok(Self::Put(Content {
                    pieces: [head, value.clone()],
                    class: class.map(str::to_owned),
                }))
            }
            Some(Mutation::Delete(_)) => Ok(Self::Delete),
            // The capabilities admit no other.
            Some(_) | None => Ok(Self::Nothing),
        }
    }

    /// Makes it, whatever there is.
    pub(crate) async fn make(
        &self,
        bucket: &Bucket,
        path: &Path,
        deadline: Instant,
    ) -> Result<(), Failure> {
        match self {
            Self::Put(content) => {
                let put = bucket.put(path, content.clone(), PutIf::Always, deadline);
                put.await.map(drop)
            }
            Self::Delete => bucket.delete(path, deadline).await,
            Self::Nothing => Ok(()),
        }
    }
}
