//! Scans: one script a page.

use std::ops::Bound;

use bytes::Bytes;
use deadpool_redis::redis::{Cmd, RedisResult, from_redis_value};
use storage_core::{
    Direction, Item, KeyRange, OwnedKey, Page, Projection, Result, ScanOptions, Timestamp,
    embedded::flat_key,
};

use crate::{
    error::corrupt,
    script::{self, Keys},
    session::{Question, Session},
    value,
};

/// How many stored entries one page looks at for each entry it may hold, before
/// it gives up on expired ones and returns what it has.
const EXAMINED_PER_ENTRY: usize = 4;

/// The fewest stored entries a page looks at before it gives up.
const EXAMINED_MIN: usize = 256;

/// The answer to a page: up to which key it has looked, if there may be more, and
/// then keys and values in turn.
pub(crate) type Answer = Vec<Vec<u8>>;

/// A page of the entries in `range` that are live at `now`.
#[derive(Debug)]
pub(crate) struct OnePage<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) range: &'a KeyRange,
    pub(crate) options: &'a ScanOptions,
    pub(crate) now: Timestamp,
}

impl Question for OnePage<'_> {
    type Answer = Answer;

    async fn ask(&self, session: &mut Session) -> RedisResult<Answer> {
        let (start, end) = bounds(self.range);
        let examined = self.options.entries_max.saturating_mul(EXAMINED_PER_ENTRY);
        let add = |call: &mut Cmd| {
            match self.options.direction {
                Direction::Forward => call.arg(&start).arg(&end).arg("forward"),
                Direction::Reverse => call.arg(&end).arg(&start).arg("reverse"),
            };
            call.arg(match self.options.projection {
                Projection::Entries => "entries",
                Projection::Keys => "keys",
            });
            call.arg(&moment(self.now))
                .arg(self.options.entries_max)
                .arg(self.options.bytes_max)
                .arg(examined.max(EXAMINED_MIN));
        };
        let answer = script::SCAN.run(session, self.keys, add).await?;
        Ok(from_redis_value(answer)?)
    }
}

/// What one partition has of a page, and up to which key it has looked, if there
/// may be more.
#[derive(Debug)]
pub(crate) struct Part {
    items: Vec<Item>,
    horizon: Option<Bytes>,
}

/// The part in an answer.
///
/// # Errors
/// `Corrupt` if a value is damaged.
pub(crate) fn part(answer: Answer, range: &KeyRange, projection: Projection) -> Result<Part> {
    let mut parts = answer.into_iter();
    let last = parts.next().unwrap_or_default();
    let mut items = Vec::with_capacity(parts.len() / 2);
    while let (Some(key), Some(stored)) = (parts.next(), parts.next()) {
        let key = flat_key::unflat(key);
        let entry = match projection {
            Projection::Entries => value::entry(stored),
            Projection::Keys => value::without_value(stored),
        };
        let entry = entry.ok_or_else(|| {
            let key = OwnedKey::in_space(range.space(), key.clone());
            corrupt("the header of a value is damaged").with_key(&key)
        })?;
        items.push(Item::new(key, entry));
    }
    let horizon = (!last.is_empty()).then(|| flat_key::unflat(last));
    Ok(Part { items, horizon })
}

/// The page of which these are the parts: as far as all of them have looked, and
/// within the bounds of a page.
pub(crate) fn page(mut parts: Vec<Part>, range: &KeyRange, options: &ScanOptions) -> Page {
    let is_before = |one: &Bytes, other: &Bytes| match options.direction {
        Direction::Forward => one < other,
        Direction::Reverse => one > other,
    };
    let horizons = parts.iter_mut().filter_map(|part| part.horizon.take());
    let mut end = horizons.reduce(|one, other| if is_before(&other, &one) { other } else { one });
    let mut items = match parts.len() {
        1 => parts.pop().map(|part| part.items).unwrap_or_default(),
        _ => merged(parts, options.direction),
    };
    if let Some(end) = &end {
        items.retain(|item| !is_before(end, &item.key));
    }
    let mut bytes = 0_usize;
    let fitting = items.iter().take(options.entries_max).enumerate();
    let fitting = fitting.take_while(|(place, item)| {
        bytes = bytes.saturating_add(item.size_bytes());
        *place == 0 || bytes <= options.bytes_max
    });
    let fitting = fitting.count();
    if fitting < items.len() {
        items.truncate(fitting);
        end = items.last().map(|item| item.key.clone());
    }
    let rest = |end| match options.direction {
        Direction::Forward => range.after(end),
        Direction::Reverse => range.before(end),
    };
    Page::new(items, end.map(rest).filter(|rest| !rest.is_empty()))
}

fn merged(parts: Vec<Part>, direction: Direction) -> Vec<Item> {
    let mut items: Vec<_> = parts.into_iter().flat_map(|part| part.items).collect();
    items.sort_by(|one, other| match direction {
        Direction::Forward => one.key.cmp(&other.key),
        Direction::Reverse => other.key.cmp(&one.key),
    });
    items
}

/// The present as scripts compare expiries with it.
pub(crate) fn moment(now: Timestamp) -> [u8; 8] {
    now.as_unix_milliseconds().to_be_bytes()
}

/// The bounds of a range, as sorted sets take them.
pub(crate) fn bounds(range: &KeyRange) -> (Vec<u8>, Vec<u8>) {
    let (start, end) = flat_key::bounds(range);
    (bound(start, b"-"), bound(end, b"+"))
}

fn bound(bound: Bound<Vec<u8>>, unbounded: &[u8]) -> Vec<u8> {
    let with = |mark: u8, key: Vec<u8>| [&[mark][..], &key].concat();
    match bound {
        Bound::Included(key) => with(b'[', key),
        Bound::Excluded(key) => with(b'(', key),
        Bound::Unbounded => unbounded.to_vec(),
    }
}
