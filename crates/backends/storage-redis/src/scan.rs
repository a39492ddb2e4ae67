//! Scans: one script a page.

use std::ops::Bound;

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

/// The page in an answer.
///
/// # Errors
/// `Corrupt` if a value is damaged.
pub(crate) fn page(answer: Answer, range: &KeyRange, options: &ScanOptions) -> Result<Page> {
    let mut parts = answer.into_iter();
    let last = parts.next().unwrap_or_default();
    let mut items = Vec::with_capacity(parts.len() / 2);
    while let (Some(key), Some(stored)) = (parts.next(), parts.next()) {
        let key = flat_key::unflat(key);
        let entry = match options.projection {
            Projection::Entries => value::entry(stored),
            Projection::Keys => value::without_value(stored),
        };
        let entry = entry.ok_or_else(|| {
            let key = OwnedKey::in_space(range.space(), key.clone());
            corrupt("the header of a value is damaged").with_key(&key)
        })?;
        items.push(Item::new(key, entry));
    }
    let next = (!last.is_empty())
        .then(|| match options.direction {
            Direction::Forward => range.after(flat_key::unflat(last)),
            Direction::Reverse => range.before(flat_key::unflat(last)),
        })
        .filter(|rest| !rest.is_empty());
    Ok(Page::new(items, next))
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
