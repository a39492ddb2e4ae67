//! Cutting an engine's scan into bounded pages of live entries.

use super::EngineRead;
use crate::{Clock, Direction, Item, KeyRange, Page, Result, ScanOptions, adapter::is_live};

/// How many stored entries one page looks at for each entry it may hold, before
/// it gives up on expired ones and returns what it has.
const EXAMINED_PER_ENTRY: usize = 4;

/// The fewest stored entries a page looks at before it gives up.
const EXAMINED_MIN: usize = 256;

/// Room for so many entries is made at once; for more, as they come.
const RESERVED_MAX: usize = 128;

/// One page of the live entries in `range`.
pub(super) fn read_page(
    source: &impl EngineRead,
    range: &KeyRange,
    options: &ScanOptions,
    clock: &Clock,
) -> Result<Page> {
    if range.is_empty() {
        return Ok(Page::default());
    }
    let stored = source.scan(range, options.direction, options.projection)?;
    cut_page(stored, range, options, clock)
}

/// The same page, if the engine need not wait for any of it.
pub(super) fn read_cached_page(
    source: &impl EngineRead,
    range: &KeyRange,
    options: &ScanOptions,
    clock: &Clock,
) -> Result<Option<Page>> {
    if range.is_empty() {
        return Ok(Some(Page::default()));
    }
    let stored = source.scan_cached(range, options.direction, options.projection)?;
    let mut would_wait = false;
    let cached = stored.map_while(|item| {
        would_wait |= item.is_none();
        item
    });
    let page = cut_page(cached, range, options, clock)?;
    Ok((!would_wait).then_some(page))
}

/// Takes the entries of one page off the stored ones of `range`.
fn cut_page(
    stored: impl Iterator<Item = Result<Item>>,
    range: &KeyRange,
    options: &ScanOptions,
    clock: &Clock,
) -> Result<Page> {
    let mut examined_left = options
        .entries_max
        .saturating_mul(EXAMINED_PER_ENTRY)
        .max(EXAMINED_MIN);
    let mut bytes = 0_usize;
    let mut items: Vec<Item> = Vec::with_capacity(options.entries_max.min(RESERVED_MAX));
    for item in stored {
        // Moved to its place before it is looked at, an item is moved once.
        let item = items.push_mut(item?);
        if !is_live(&item.entry, clock) {
            examined_left -= 1;
            let next = (examined_left == 0).then(|| rest(range, options.direction, item));
            items.pop();
            match next {
                Some(next) => return Ok(Page::new(items, next)),
                None => continue,
            }
        }
        bytes = bytes.saturating_add(item.size_bytes());
        let is_too_much = bytes > options.bytes_max && items.len() > 1;
        if is_too_much {
            items.pop();
        }
        if is_too_much || items.len() == options.entries_max {
            let last = items.last();
            let next = last.and_then(|last| rest(range, options.direction, last));
            return Ok(Page::new(items, next));
        }
    }
    Ok(Page::new(items, None))
}

/// What is left of `range` once the scan has passed `last`.
fn rest(range: &KeyRange, direction: Direction, last: &Item) -> Option<KeyRange> {
    let rest = match direction {
        Direction::Forward => range.after(last.key.clone()),
        Direction::Reverse => range.before(last.key.clone()),
    };
    (!rest.is_empty()).then_some(rest)
}
