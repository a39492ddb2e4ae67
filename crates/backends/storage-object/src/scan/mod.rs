//! Scans: a listing says which objects there are, and each is read by a request
//! of its own, several at once. So a page shows each key at an instant of its own.

mod crowd;
mod window;

use std::ops::Bound;

use bytes::Bytes;
use storage_core::{
    Direction, Entry, Item, Key, KeyRange, Page, Projection, Result, ScanOptions, Timestamp,
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
    /// One page of the entries in `range` that are live at `now`; shorter than it
    /// may be where the server is slow.
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
        // A page that took all of its time would often be one that took too much.
        let begun = Instant::now();
        let enough = begun + deadline.saturating_duration_since(begun) / 2;
        loop {
            let window = self
                .window(&rest, options.direction, window_max, deadline)
                .await?;
            let mut listed = window.listed.as_slice();
            while !listed.is_empty() {
                let (chunk, behind) = listed.split_at(self.chunk(listed, &page));
                examined += chunk.iter().map(|slot| slot.objects.len()).sum::<usize>();
                if let Some(page) = self.read_chunk(chunk, &mut page, now, deadline).await? {
                    return Ok(page);
                }
                listed = behind;
                let Some(last) = chunk.last() else { break };
                rest = behind_slot(&rest, &last.slot, options.direction);
                let is_end = listed.is_empty() && window.is_last;
                if is_end || rest.is_empty() {
                    return Ok(Page::new(page.items, None));
                }
                if examined >= examined_max || Instant::now() >= enough {
                    return Ok(Page::new(page.items, Some(rest)));
                }
            }
            // A page that has something does not wait for more of a slow listing.
            if window.is_late && !page.items.is_empty() {
                return Ok(Page::new(page.items, Some(rest)));
            }
            if window.is_last {
                return Ok(Page::new(page.items, None));
            }
        }
    }

    /// How many of the slots that are next are read at once: no more than there is
    /// room for in the page, as far as their sizes tell; and one alone if only its
    /// objects tell their keys.
    fn chunk(&self, listed: &[Listed], page: &Filling<'_>) -> usize {
        let alike = listed
            .iter()
            .take_while(|listed| listed.slot.reach == Reach::Whole)
            .flat_map(|listed| &listed.objects)
            .map(|object| object.bytes);
        page.fitting(alike, self.requests_at_once).min(listed.len())
    }

    /// Reads the entries of slots that were listed, and returns the page if there
    /// is no room for them.
    async fn read_chunk(
        &self,
        chunk: &[Listed],
        page: &mut Filling<'_>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Option<Page>> {
        if let [crowd] = chunk
            && crowd.slot.reach == Reach::Head
        {
            return self.read_crowd(crowd, page, now, deadline).await;
        }
        let space = page.range.space();
        let keys = chunk.iter().map(|listed| listed.slot.head.as_slice());
        let reads = keys
            .map(|key| {
                let key = Key::in_space(space, key);
                self.read_item(key, page.options.projection, deadline)
            })
            .collect();
        let items = self.at_once(reads).await?;
        Ok(page.take_all(items.into_iter().flatten(), now))
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
    /// How many of the objects that are next, of these sizes, there is room for; one
    /// more tells whether there is a next page.
    fn fitting(&self, sizes: impl Iterator<Item = usize>, at_once: usize) -> usize {
        let at_once = at_once.min((self.options.entries_max - self.items.len()).saturating_add(1));
        let mut room = self.options.bytes_max.saturating_sub(self.bytes);
        let fits = |bytes: &usize| {
            let has_room = room > 0;
            if self.options.projection == Projection::Entries {
                room = room.saturating_sub(*bytes);
            }
            has_room
        };
        sizes.take(at_once).take_while(fits).count().max(1)
    }

    /// Takes items until there is no room for one; returns the page then.
    fn take_all(&mut self, items: impl IntoIterator<Item = Item>, now: Timestamp) -> Option<Page> {
        let mut items = items.into_iter();
        items.find_map(|item| self.take(item, now))
    }

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
