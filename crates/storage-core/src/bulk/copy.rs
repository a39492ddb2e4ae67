//! Copying: from a source to an empty store, or one that a copy was begun in.

use std::collections::HashSet;

use bytes::Bytes;

use super::{
    BulkLimits, BulkReport, BulkWriter, CopySource, Unchanged,
    entries::{both_spaces, entries},
    mark::{self, unfinished_copy},
    sequence,
    source::header_below_layers,
};
use crate::{
    Ancestor, Components, Count, Error, ErrorKind, Item, KeyRange, OwnedKey, Put, Read, ReadExt,
    Result, ScanOptions, Sequence, Store, StoreHeader, StoreId, WriteBatch, WriteOptions, header,
    layer::is_core_key,
};

/// Where a copy starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyStart {
    /// In an empty store; any other is refused.
    #[default]
    Empty,
    /// Where an earlier copy from the same store was cut off, or in an empty
    /// store. What is there already is compared with the source, which may have
    /// changed since. Where the copy is finished and still the same, there is
    /// nothing left to do.
    Resume,
}

/// How a store is copied.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CopyOptions {
    /// Where to start. Default: in an empty store.
    pub start: CopyStart,
    /// How large the batches may become that the target is written in.
    pub limits: BulkLimits,
    /// The target's identity is made of its randomness.
    pub components: Components,
}

impl CopyOptions {
    /// The default options, with another start.
    #[must_use]
    pub fn starting(start: CopyStart) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }
}

/// What there is of a copy in the target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    Nothing,
    Begun,
    Finished,
}

impl<R: Read> CopySource<R> {
    /// Copies everything to `target`, which keeps its identity or gets a new
    /// one, the layers of the source, and the source as its nearest ancestor.
    ///
    /// The target stays [marked](super::unfinished_copy) as unfinished until
    /// [`verify`](Self::verify) takes the mark away. `progress` is called with
    /// what was read so far; an error of its ends the copy.
    ///
    /// # Errors
    /// `Invalid` if the target is not what the options say, is the source
    /// itself, or lies under layers that alter what is stored; `Invalid` or
    /// `Unsupported`, before anything is written, if the target cannot take an
    /// entry ([`first_unfit`](Self::first_unfit) names it); as for any read or
    /// commit, and then what was copied stays, to be resumed.
    ///
    /// # Durability
    /// When it answers, the copy is as durable as the target can make it.
    ///
    /// # Cancel safety
    /// If the future is dropped, the copy can be resumed.
    pub async fn copy_to<T: Store>(
        &self,
        target: &T,
        options: &CopyOptions,
        mut progress: impl FnMut(Count) -> Result<()> + Send,
    ) -> Result<BulkReport> {
        let source = self.identity();
        let found = header_below_layers(target).await?;
        self.refuse_itself(found.as_ref())?;
        let begin = self.begin(target, found.as_ref(), options.start).await?;
        if begin == Begin::Finished {
            return self.finished_before(target, &mut progress).await;
        }
        let is_begun = begin == Begin::Begun;
        if let Some((_, error)) = self.first_unfit(target).await? {
            return Err(error);
        }
        let header = StoreHeader {
            id: match &found {
                Some(header) => header.id,
                None => StoreId::generate(&*options.components.random)?,
            },
            lineage: Vec::new(),
            layers: source.layers.clone(),
        };
        let unchanged = if is_begun {
            Unchanged::LeaveOut
        } else {
            // A target that cannot be raised is refused while nothing is in it.
            sequence::raise(target, self.sequence().unwrap_or(Sequence::ZERO)).await?;
            mark::begin(target, &source, &header).await?;
            Unchanged::Rewrite
        };
        let mut writer = BulkWriter::new(target, options.limits, unchanged);
        self.put_all(&mut writer, &mut progress).await?;
        if is_begun {
            self.remove_others(target, &mut writer).await?;
        }
        let report = writer.finish().await?;
        self.settle(target, header).await?;
        Ok(report)
    }

    fn refuse_itself(&self, target: Option<&StoreHeader>) -> Result<()> {
        match (&self.header, target) {
            (Some(source), Some(target)) if source.id == target.id => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "source and target are the same store, {}; name another target",
                    source.id
                ),
            )),
            _ => Ok(()),
        }
    }

    /// What there is of a copy of this source in `target`; refuses one that the
    /// copy may not start in.
    async fn begin<T: Store>(
        &self,
        target: &T,
        found: Option<&StoreHeader>,
        start: CopyStart,
    ) -> Result<Begin> {
        let refused = |message: &'static str| Err(Error::new(ErrorKind::Invalid, message));
        match (start, unfinished_copy(target).await?) {
            (_, None) if header::is_empty(target).await? => Ok(Begin::Nothing),
            (CopyStart::Resume, Some(marked)) if marked.id == self.identity().id => {
                Ok(Begin::Begun)
            }
            (CopyStart::Resume, Some(_)) => refused(
                "the target is an unfinished copy of another store; resume from that, or name \
                 another target",
            ),
            (CopyStart::Empty, Some(_)) => {
                refused("the target is an unfinished copy; resume it, or name another target")
            }
            (CopyStart::Resume, None) if self.is_parent_of(found) => Ok(Begin::Finished),
            (CopyStart::Resume, None) => {
                refused("the target is not empty, and no copy was begun in it; name another target")
            }
            (CopyStart::Empty, None) => refused("the target is not empty; name another target"),
        }
    }

    /// The process may have ended between the end of the copy and its answer.
    /// Nothing is written.
    async fn finished_before<T: Store>(
        &self,
        target: &T,
        progress: &mut (impl FnMut(Count) -> Result<()> + Send),
    ) -> Result<BulkReport> {
        let (source, copy) = self.compare(target, progress).await?;
        if source != copy {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the target is a finished copy of this store already, and one of the two has \
                 changed since; to copy anew, name another target",
            ));
        }
        Ok(BulkReport {
            unchanged: source.count,
            ..BulkReport::default()
        })
    }

    fn is_parent_of(&self, found: Option<&StoreHeader>) -> bool {
        let parent = found.and_then(|header| header.lineage.first());
        let own = self.header.as_ref();
        parent
            .zip(own)
            .is_some_and(|(parent, own)| parent.id == own.id)
    }

    async fn put_all<T: Store>(
        &self,
        writer: &mut BulkWriter<'_, T>,
        progress: &mut (impl FnMut(Count) -> Result<()> + Send),
    ) -> Result<()> {
        let mut read = Count::default();
        let mut entries = entries(&self.view);
        while let Some((key, item)) = entries.next().await? {
            read.add(item.size_bytes());
            let Item { entry, .. } = item;
            writer.put(Put::of_entry(key, entry)).await?;
            progress(read)?;
        }
        Ok(())
    }

    /// Removes from the target what the source has no more, a page at a time.
    /// Everything that the source has is in the target by now.
    async fn remove_others<T: Store>(
        &self,
        target: &T,
        writer: &mut BulkWriter<'_, T>,
    ) -> Result<()> {
        let keys_only = ScanOptions::new().keys_only();
        for range in both_spaces() {
            let space = range.space();
            let mut rest = Some(range);
            while let Some(range) = rest {
                let page = target.scan_with(&range, &keys_only).await?;
                rest = page.next;
                let own = self.keys_among(&page.items, space).await?;
                for Item { key, .. } in page.items {
                    let key = OwnedKey::in_space(space, key);
                    if !is_core_key(key.as_key()) && !own.contains(key.bytes()) {
                        writer.remove(key).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The source's keys between the first and the last of a page.
    async fn keys_among(&self, page: &[Item], space: crate::Space) -> Result<HashSet<Bytes>> {
        let mut keys = HashSet::new();
        let Some((first, last)) = page.first().zip(page.last()) else {
            return Ok(keys);
        };
        let range = KeyRange::between::<&[u8]>(&*first.key..=&*last.key).in_space(space);
        let mut items = self.view.scan(range, ScanOptions::new().keys_only());
        while let Some(item) = items.next().await? {
            keys.insert(item.key);
        }
        Ok(keys)
    }

    /// Records where the data came from, and lets the numbers of commits go on
    /// behind those of the source.
    async fn settle<T: Store>(&self, target: &T, header: StoreHeader) -> Result<()> {
        let last = self.sequence().unwrap_or(Sequence::ZERO);
        if let Some(source) = &self.header {
            let parent = Ancestor::new(source.id, last);
            let lineage = [parent].into_iter().chain(source.lineage.iter().copied());
            let header = StoreHeader {
                lineage: lineage.collect(),
                ..header
            };
            let batch = WriteBatch::new().put(StoreHeader::key(), header.encode());
            target.commit_with(batch, &WriteOptions::new()).await?;
        }
        // The last commit: one behind it could take the reservation back.
        sequence::raise(target, last).await
    }
}
