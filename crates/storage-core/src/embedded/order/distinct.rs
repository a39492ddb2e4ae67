//! Reducing changes to what remains of them: each key at most once, no ranges.

use std::{collections::BTreeMap, ops::Bound};

use super::super::{Change, Engine};
use crate::{Direction, KeyRange, OwnedKey, Projection, Put, Result};

/// The changes that have the same effect, with each key at most once.
pub(super) fn distinct<E: Engine>(engine: &E, changes: Vec<Change>) -> Result<Vec<Change>> {
    if is_distinct(&changes) {
        return Ok(changes);
    }
    let mut last = BTreeMap::new();
    for change in changes {
        match change {
            Change::Put(put) => {
                last.insert(put.key.clone(), Some(put));
            }
            Change::Delete(key) => {
                last.insert(key, None);
            }
            Change::DeleteRange(range) => delete_range(engine, &range, &mut last)?,
        }
    }
    Ok(last
        .into_iter()
        .map(|(key, put)| put.map_or(Change::Delete(key), Change::Put))
        .collect())
}

/// Whether the keys are strictly ascending, as in a single put or a bulk load.
fn is_distinct(changes: &[Change]) -> bool {
    let mut last = None;
    changes.iter().all(|change| {
        let key = match change {
            Change::Put(put) => &put.key,
            Change::Delete(key) => key,
            Change::DeleteRange(_) => return false,
        };
        last.replace(key).is_none_or(|last| last < key)
    })
}

fn delete_range<E: Engine>(
    engine: &E,
    range: &KeyRange,
    last: &mut BTreeMap<OwnedKey, Option<Put>>,
) -> Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    let space = range.space();
    for item in engine.scan(range, Direction::Forward, Projection::Keys)? {
        last.insert(OwnedKey::in_space(space, item?.key), None);
    }
    let (_, start, _) = range.clone().into_bounds();
    let start = match start {
        Bound::Included(key) | Bound::Excluded(key) => OwnedKey::in_space(space, key),
        Bound::Unbounded => OwnedKey::in_space(space, bytes::Bytes::new()),
    };
    for (key, put) in last.range_mut(start..) {
        if key.space() != space {
            break;
        }
        if range.contains(key.as_key()) {
            *put = None;
        }
    }
    Ok(())
}
