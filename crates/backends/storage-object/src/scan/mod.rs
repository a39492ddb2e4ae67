//! Scans: a listing says which objects there are, and each is read by a request
//! of its own, several at once. So a page shows each key at an instant of its own.

mod window;

use std::ops::Bound;

use bytes::Bytes;
use object_store::path::Path;
use storage_core::{
    Direction, Entry, Item, Key, KeyRange, Page, Projection, Result, ScanOptions, Space, Timestamp,
};
use tokio::time::Instant;

use self::window::{Listed, Window};
use crate::{
    engine::ObjectEngine,
    name::{Reach, Slot},
    object,
    read::{Tries, entry},
};

/// How many objects one page looks at for each entry it may hold, before it gives
/// up on expired ones and returns what it has.
const EXAMINED_PER_ENTRY: usize = 4;

/// The fewest objects a page looks at before it gives up.
const EXAMINED_MIN: usize = 256;

/// The most objects of which a page keeps the names.
const WINDOW_MAX: usize = 4_096;

/// A page as it fills.
struct Filling<'a> {
    range: &'a KeyRange,
    options: &'a ScanOptions,
    items: Vec<Item>,
    bytes: usize,
}

impl ObjectEngine {
    /// One page of the entries in `range` that are live at `now`.
    pub(crate) async fn page(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Page> {
        let window_max = options.entries_max.saturating_add(1).min(WINDOW_MAX);
        let examined_max = options
            .entries_max
            .saturating_mul(EXAMINED_PER_ENTRY)
            .max(EXAMINED_MIN);
        let mut page = Filling {
            range,
            options,
            items: Vec::new(),
            bytes: 0,
        };
        let mut rest = range.clone();
        let mut examined = 0;
        loop {
            let window = self
                .window(&rest, options.direction, window_max, deadline)
                .await?;
            let mut listed = window.listed.as_slice();
            while !listed.is_empty() {
                let (chunk, behind) = listed.split_at(self.chunk(listed, &page));
                examined += chunk.len();
                let reads = chunk
                    .iter()
                    .map(|listed| self.read_slot(listed, range.space(), options, deadline))
                    .collect();
                for item in self.at_once(reads).await?.into_iter().flatten() {
                    if let Some(page) = page.take(item, now) {
                        return Ok(page);
                    }
                }
                listed = behind;
                let Some(last) = chunk.last() else { break };
                rest = behind_slot(&rest, &last.slot, options.direction);
                let is_end = listed.is_empty() && window.is_last;
                if is_end || rest.is_empty() {
                    return Ok(Page::new(page.items, None));
                }
                if examined >= examined_max {
                    return Ok(Page::new(page.items, Some(rest)));
                }
            }
            if window.is_last {
                return Ok(Page::new(page.items, None));
            }
        }
    }

    /// How many of the objects that are next are read at once: no more than there
    /// is room for in the page, as far as their sizes tell.
    fn chunk(&self, listed: &[Listed], page: &Filling<'_>) -> usize {
        let at_once = self
            .requests_at_once
            .min((page.options.entries_max - page.items.len()).saturating_add(1));
        let mut room = page.options.bytes_max.saturating_sub(page.bytes);
        let fits = |listed: &&Listed| {
            let has_room = room > 0;
            if page.options.projection == Projection::Entries {
                room = room.saturating_sub(listed.bytes);
            }
            has_room
        };
        let count = listed.iter().take(at_once).take_while(fits).count();
        // One more tells whether there is a next page.
        count.clamp(1, listed.len())
    }

    /// The entries in a slot, in the order of the scan: one, or those whose keys
    /// only their objects tell.
    async fn read_slot(
        &self,
        listed: &Listed,
        space: Space,
        options: &ScanOptions,
        deadline: Instant,
    ) -> Result<Vec<Item>> {
        let items = match listed.slot.reach {
            Reach::Whole => {
                let key = Key::in_space(space, &listed.slot.head);
                let item = self.read_item(key, options.projection, deadline).await?;
                return Ok(item.into_iter().collect());
            }
            Reach::Head => {
                let reads = listed
                    .paths
                    .iter()
                    .map(|path| self.read_kept(path, &listed.slot, space, options, deadline))
                    .collect();
                self.at_once(reads).await?
            }
        };
        let mut items: Vec<Item> = items.into_iter().flatten().collect();
        items.sort_by(|one, other| one.key.cmp(&other.key));
        if options.direction == Direction::Reverse {
            items.reverse();
        }
        Ok(items)
    }

    /// The entry in an object that keeps its key.
    async fn read_kept(
        &self,
        path: &Path,
        slot: &Slot,
        space: Space,
        options: &ScanOptions,
        deadline: Instant,
    ) -> Result<Option<Item>> {
        let Some(object) = self.get_repeatedly(path, None, deadline).await? else {
            return Ok(None);
        };
        let key = object::kept_key(&object.bytes, space, &slot.head)?;
        let entry = entry(&object, Key::in_space(space, &key))?;
        let entry = match options.projection {
            Projection::Keys => Entry::without_value(entry.expires()),
            Projection::Entries => entry,
        };
        Ok(Some(Item::new(key, entry)))
    }

    async fn window(
        &self,
        range: &KeyRange,
        direction: Direction,
        slots_max: usize,
        deadline: Instant,
    ) -> Result<Window> {
        let mut tries = Tries::default();
        loop {
            match Window::list(self, range, direction, slots_max, deadline).await {
                Ok(window) => return Ok(window),
                Err(failed) => tries.again(failed).await?,
            }
        }
    }

    async fn read_item(
        &self,
        key: Key<'_>,
        projection: Projection,
        deadline: Instant,
    ) -> Result<Option<Item>> {
        let path = self.names.entry(key);
        let bytes_max = match projection {
            Projection::Keys => Some(object::head_bytes(key.bytes())),
            Projection::Entries => None,
        };
        let Some(object) = self.get_repeatedly(&path, bytes_max, deadline).await? else {
            return Ok(None);
        };
        let entry = match projection {
            Projection::Keys => Entry::without_value(object::header(&object.bytes, key)?.expires),
            Projection::Entries => entry(&object, key)?,
        };
        Ok(Some(Item::new(Bytes::copy_from_slice(key.bytes()), entry)))
    }
}

impl Filling<'_> {
    /// Takes the next item; returns the page if there is no room for it.
    fn take(&mut self, item: Item, now: Timestamp) -> Option<Page> {
        let key = Key::in_space(self.range.space(), &item.key);
        if !item.entry.is_live_at(now) || !self.range.contains(key) {
            return None;
        }
        let bytes = self.bytes.saturating_add(item.size_bytes());
        let is_full = self.items.len() >= self.options.entries_max
            || (bytes > self.options.bytes_max && !self.items.is_empty());
        if is_full {
            let items = std::mem::take(&mut self.items);
            let next = items.last().map(|last| match self.options.direction {
                Direction::Forward => self.range.after(last.key.clone()),
                Direction::Reverse => self.range.before(last.key.clone()),
            });
            return Some(Page::new(items, next));
        }
        self.bytes = bytes;
        self.items.push(item);
        None
    }
}

/// The part of `range` that a scan comes to after `slot`.
fn behind_slot(range: &KeyRange, slot: &Slot, direction: Direction) -> KeyRange {
    let head = Bytes::copy_from_slice(&slot.head);
    match (slot.reach, direction) {
        (Reach::Whole, Direction::Forward) => range.after(head),
        (Reach::Whole, Direction::Reverse) => range.before(head),
        (Reach::Head, Direction::Forward) => {
            let (space, _, end) = range.clone().into_bounds();
            match KeyRange::prefix(head).into_bounds().2 {
                Bound::Excluded(behind) => {
                    KeyRange::from_bounds(space, Bound::Included(behind), end)
                }
                // Nothing is behind a run of 0xFF.
                _ => KeyRange::between(..&b""[..]).in_space(space),
            }
        }
        (Reach::Head, Direction::Reverse) => {
            let (space, start, _) = range.clone().into_bounds();
            KeyRange::from_bounds(space, start, Bound::Included(head))
        }
    }
}
