//! Keys that share so long a beginning that only their objects tell them apart,
//! and in which order they are.

use bytes::Bytes;
use object_store::path::Path;
use storage_core::{Direction, Entry, Item, Key, Page, Projection, Result, Space, Timestamp};
use tokio::time::Instant;

use super::{
    Filling,
    window::{Listed, Stored},
};
use crate::{
    engine::ObjectEngine,
    name::Slot,
    object::{self, HEAD_BYTES_MAX},
};

/// What the head of an object tells of its entry.
struct Told {
    key: Bytes,
    expires: Option<Timestamp>,
    /// How large the object is.
    bytes: usize,
}

impl ObjectEngine {
    /// Reads the entries of a slot in the order of the scan, and returns the page if
    /// there is no room for them.
    ///
    /// The order takes the heads of all objects, and each page takes them anew;
    /// values are read only for the entries that the page has room for.
    pub(super) async fn read_crowd(
        &self,
        crowd: &Listed,
        page: &mut Filling<'_>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Option<Page>> {
        let space = page.range.space();
        let reads = crowd
            .objects
            .iter()
            .map(|object| self.read_head(object, &crowd.slot, space, deadline))
            .collect();
        let mut told: Vec<Told> = self.at_once(reads).await?.into_iter().flatten().collect();
        told.retain(|told| {
            let is_live = Entry::without_value(told.expires).is_live_at(now);
            is_live && page.range.contains(Key::in_space(space, &told.key))
        });
        told.sort_by(|one, other| one.key.cmp(&other.key));
        if page.options.direction == Direction::Reverse {
            told.reverse();
        }
        if page.options.projection == Projection::Keys {
            let items = told
                .into_iter()
                .map(|told| Item::new(told.key, Entry::without_value(told.expires)));
            return Ok(page.take_all(items, now));
        }
        let mut rest = told.as_slice();
        while !rest.is_empty() {
            let sizes = rest.iter().map(|told| told.bytes);
            let (chunk, behind) = rest.split_at(page.fitting(sizes, self.requests_at_once));
            let reads = chunk
                .iter()
                .map(|told| Key::in_space(space, &told.key))
                .map(|key| self.read_item(key, Projection::Entries, deadline))
                .collect();
            let items = self.at_once(reads).await?.into_iter().flatten();
            if let Some(page) = page.take_all(items, now) {
                return Ok(Some(page));
            }
            rest = behind;
        }
        Ok(None)
    }

    async fn read_head(
        &self,
        stored: &Stored,
        slot: &Slot,
        space: Space,
        deadline: Instant,
    ) -> Result<Option<Told>> {
        let path: &Path = &stored.path;
        let Some(object) = self
            .get_repeatedly(path, Some(HEAD_BYTES_MAX), deadline)
            .await?
        else {
            return Ok(None);
        };
        let key = object::kept_key(&object.bytes, space, &slot.head)?;
        let header = object::header(&object.bytes, Key::in_space(space, &key))?;
        Ok(Some(Told {
            key,
            expires: header.expires,
            bytes: stored.bytes,
        }))
    }
}
