//! The objects that a page looks at next.

use std::{collections::BTreeMap, ops::Bound};

use object_store::{ObjectMeta, path::Path};
use storage_core::{Direction, Key, KeyRange};
use tokio::time::Instant;

use crate::{
    engine::ObjectEngine,
    failure::Failure,
    name::{HEAD_BYTES, Reach, Slot},
    walk::{Step, Walked},
};

/// What share of the time of a scan, as a divisor, a listing may take that has shown
/// something: the rest is for reading it.
const LISTING_SHARE: u32 = 4;

/// Objects in the order of a scan.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) listed: Vec<Listed>,
    /// Whether nothing comes behind them.
    pub(super) is_last: bool,
    /// Whether the listing ended early, as the server is slow.
    pub(super) is_late: bool,
}

/// A slot, and the objects in it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) slot: Slot,
    pub(super) objects: Vec<Stored>,
}

/// An object, as a listing tells it.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) path: Path,
    /// How large it is, its head included.
    pub(super) bytes: usize,
}

impl Window {
    /// The first `slots_max` slots of `range` in the direction of a scan.
    ///
    /// A listing goes forward only. So the last slots are found by listing all
    /// of the range, and so are the first ones where a listing has no order. Where it
    /// has one, a server that takes long for each of its answers is not waited for:
    /// the slots that are known by then are enough.
    pub(super) async fn list(
        engine: &ObjectEngine,
        range: &KeyRange,
        direction: Direction,
        slots_max: usize,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let is_ordered = engine.bucket.lists_in_order();
        let space = range.space();
        let behind = name_before(engine, range);
        // Elsewhere the last ones may be the first of the page.
        let may_end_late = is_ordered && direction == Direction::Forward;
        let late = may_end_late.then(|| late_of(deadline));
        let mut kept: BTreeMap<Slot, Vec<Stored>> = BTreeMap::new();
        let mut is_cut = false;
        let mut visit = |object: ObjectMeta| {
            let Some(slot) = engine.names.slot(space, &object.location) else {
                return step(kept.len(), late);
            };
            if is_ordered && ends_before(range, &slot) {
                return Step::Enough;
            }
            if ends_before(range, &slot) || starts_behind(range, &slot) {
                return step(kept.len(), late);
            }
            let bytes = usize::try_from(object.size).unwrap_or(usize::MAX);
            kept.entry(slot).or_default().push(Stored {
                path: object.location,
                bytes,
            });
            if kept.len() <= slots_max {
                return step(kept.len(), late);
            }
            is_cut = true;
            match direction {
                Direction::Forward => {
                    kept.pop_last();
                    if is_ordered {
                        return Step::Enough;
                    }
                }
                Direction::Reverse => {
                    kept.pop_first();
                }
            }
            step(kept.len(), late)
        };
        let walked = engine
            .bucket
            .walk(
                &engine.names.space(space),
                behind.as_ref(),
                deadline,
                &mut visit,
            )
            .await?;
        let is_late = walked == Walked::Late;
        if is_late {
            kept.pop_last();
            is_cut = true;
        }
        let mut listed: Vec<Listed> = kept
            .into_iter()
            .map(|(slot, objects)| Listed { slot, objects })
            .collect();
        if direction == Direction::Reverse {
            listed.reverse();
        }
        Ok(Self {
            listed,
            is_last: !is_cut,
            is_late,
        })
    }
}

/// When to wait no longer for the next answer of a listing.
fn late_of(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / LISTING_SHARE
}

/// The next step of a listing that has shown so many slots: the last of them may have
/// more objects to come.
fn step(slots: usize, late: Option<Instant>) -> Step {
    match late {
        Some(late) if slots > 1 => Step::MoreBy(late),
        _ => Step::More,
    }
}

/// The name behind which a listing has all of `range`; none if that is all.
fn name_before(engine: &ObjectEngine, range: &KeyRange) -> Option<Path> {
    match range.start() {
        Bound::Included(key) | Bound::Excluded(key) => {
            engine.names.before(Key::in_space(range.space(), key))
        }
        Bound::Unbounded => None,
    }
}

/// Whether all keys of a slot lie behind the end of `range`.
fn ends_before(range: &KeyRange, slot: &Slot) -> bool {
    let head = slot.head.as_slice();
    match (range.end(), slot.reach) {
        (Bound::Unbounded, _) => false,
        (Bound::Included(end), Reach::Whole) => head > end,
        (Bound::Excluded(end), Reach::Whole)
        | (Bound::Included(end) | Bound::Excluded(end), Reach::Head) => head >= end,
    }
}

/// Whether all keys of a slot lie before the start of `range`.
fn starts_behind(range: &KeyRange, slot: &Slot) -> bool {
    let head = slot.head.as_slice();
    match (range.start(), slot.reach) {
        (Bound::Unbounded, _) => false,
        (Bound::Included(start), Reach::Whole) => head < start,
        (Bound::Excluded(start), Reach::Whole) => head <= start,
        (Bound::Included(start) | Bound::Excluded(start), Reach::Head) => {
            // Those that begin as the start does may lie on either side of it.
            head < start && start.get(..HEAD_BYTES).is_none_or(|begin| begin != head)
        }
    }
}
