//! Steps: what histories are made of, as data that can be printed and replayed.

use std::ops::Bound;

use bytes::Bytes;
use storage_core::{
    BatchScope, Capabilities, Direction, Durability, KeyRange, OwnedKey, ScanOptions, ScanOrder,
    SequenceScope, SnapshotSupport, Space, Support,
};

use crate::{
    dice::Dice,
    fixture::{NASTY_KEYS, owned, system_keys, towards},
};

/// One thing done to the store.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Commit {
        guards: Vec<GuardPlan>,
        changes: Vec<ChangePlan>,
        durability: Durability,
    },
    Delete(OwnedKey),
    CompareAndSwap {
        key: OwnedKey,
        expected: Expected,
        new: Option<Bytes>,
    },
    Get(OwnedKey),
    GetMany(Vec<OwnedKey>),
    Scan {
        range: KeyRange,
        options: ScanOptions,
    },
    /// One page, to be gone on with later.
    FirstPage {
        range: KeyRange,
        options: ScanOptions,
    },
    NextPage,
    Count(KeyRange),
    TakeSnapshot,
    DropSnapshot,
    ReadSnapshot {
        range: KeyRange,
        options: ScanOptions,
        keys: Vec<OwnedKey>,
    },
    AdvanceClock {
        milliseconds: u64,
    },
    Reopen,
}

/// A guard; stamps are filled in when it is used.
#[derive(Clone, Debug)]
pub(crate) enum GuardPlan {
    Absent(OwnedKey),
    Present(OwnedKey),
    /// With the stamp that was read last, or one read just now.
    Unchanged(OwnedKey, StampAge),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum StampAge {
    ReadNow,
    ReadEarlier,
}

/// A mutation; expiries count from when it is used.
#[derive(Clone, Debug)]
pub(crate) enum ChangePlan {
    Put {
        key: OwnedKey,
        value: Bytes,
        lives_milliseconds: Option<u64>,
    },
    PutSequenced {
        prefix: OwnedKey,
        suffix: Bytes,
        value: Bytes,
    },
    Delete(OwnedKey),
    DeleteRange(KeyRange),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    TheCurrent,
    SomethingElse,
}

/// Draws a step that a store with these capabilities offers.
pub(crate) fn draw(dice: &Dice, capabilities: &Capabilities) -> Step {
    let home = Home::draw(dice, capabilities);
    match dice.below(100) {
        0..40 => commit(dice, capabilities, home),
        40..45 => Step::Delete(home.key(dice)),
        45..50 if capabilities.guards == Support::Supported => Step::CompareAndSwap {
            key: home.key(dice),
            expected: dice.pick(Expected::TheCurrent, &[Expected::SomethingElse]),
            new: (!dice.once_in(4)).then(|| value(dice)),
        },
        50..55 => Step::GetMany((0..dice.length(6)).map(|_| home.key(dice)).collect()),
        55..65 => Step::Scan {
            range: range(dice),
            options: scan_options(dice, capabilities),
        },
        65..70 => Step::FirstPage {
            range: range(dice),
            options: scan_options(dice, capabilities),
        },
        70..77 => Step::NextPage,
        77..80 => Step::Count(range(dice)),
        80..84 if capabilities.snapshots != SnapshotSupport::Unsupported => Step::TakeSnapshot,
        84..86 => Step::DropSnapshot,
        86..90 => Step::ReadSnapshot {
            range: range(dice),
            options: scan_options(dice, capabilities),
            keys: (0..dice.length(4)).map(|_| home.key(dice)).collect(),
        },
        90..97 => Step::AdvanceClock {
            milliseconds: 1 + dice.below(10),
        },
        97..98 if capabilities.durability_max >= Durability::Buffered => Step::Reopen,
        _ => Step::Get(home.key(dice)),
    }
}

fn commit(dice: &Dice, capabilities: &Capabilities, home: Home) -> Step {
    let (guards, changes) = match (capabilities.batch, home) {
        (BatchScope::Store, _) | (BatchScope::Partition, Home::In(_)) => {
            (dice.length(2), dice.length(7))
        }
        // One key, so one of each at most.
        _ => (0, 1),
    };
    let guards = match capabilities.guards {
        Support::Supported => guards,
        Support::Unsupported => 0,
    };
    let changes = changes.min(capabilities.batch_operations_max.saturating_sub(guards));
    let durability = if dice.once_in(8) {
        capabilities.durability_max
    } else {
        capabilities.durability_min
    };
    Step::Commit {
        guards: (0..guards).map(|_| guard(dice, home)).collect(),
        changes: (0..changes)
            .map(|number| change(dice, number, capabilities, home))
            .collect(),
        durability,
    }
}

fn guard(dice: &Dice, home: Home) -> GuardPlan {
    match dice.below(4) {
        0 => GuardPlan::Absent(home.key(dice)),
        1 => GuardPlan::Present(home.key(dice)),
        2 => GuardPlan::Unchanged(home.key(dice), StampAge::ReadNow),
        _ => GuardPlan::Unchanged(home.key(dice), StampAge::ReadEarlier),
    }
}

fn change(dice: &Dice, number: usize, capabilities: &Capabilities, home: Home) -> ChangePlan {
    match dice.below(12) {
        0..3 => ChangePlan::Delete(home.key(dice)),
        // A range may lie in several partitions.
        3 if capabilities.range_deletes == Support::Supported && home == Home::Anywhere => {
            ChangePlan::DeleteRange(range(dice))
        }
        4 if capabilities.sequence != SequenceScope::Unsupported => ChangePlan::PutSequenced {
            prefix: home.bytes(b"log/").into(),
            suffix: format!("/{number}").into(),
            value: value(dice),
        },
        5..7 if capabilities.expiry == Support::Supported => ChangePlan::Put {
            key: home.key(dice),
            value: value(dice),
            lives_milliseconds: Some(dice.below(25)),
        },
        _ => ChangePlan::Put {
            key: home.key(dice),
            value: value(dice),
            lives_milliseconds: None,
        },
    }
}

/// Where the keys of a step lie, in a store of several partitions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    /// In any partition, each.
    Anywhere,
    /// All in the one of this tag.
    In(&'static [u8]),
}

impl Home {
    fn draw(dice: &Dice, capabilities: &Capabilities) -> Self {
        const OTHERS: [Home; 3] = [Home::In(b"{1}"), Home::In(b"{2}"), Home::In(b"{3}")];
        match capabilities.batch {
            BatchScope::Partition => dice.pick(Self::Anywhere, &OTHERS),
            BatchScope::Store | BatchScope::Key => Self::Anywhere,
        }
    }

    fn bytes(self, rest: &[u8]) -> Bytes {
        let tag = match self {
            Self::Anywhere => b"",
            Self::In(tag) => tag,
        };
        [tag, rest].concat().into()
    }

    fn key(self, dice: &Dice) -> OwnedKey {
        let bytes = self.bytes(&key_bytes(dice));
        if dice.once_in(8) {
            system_keys().key(bytes)
        } else {
            bytes.into()
        }
    }
}

/// Mostly keys that are met again, some that may be new.
fn key_bytes(dice: &Dice) -> Bytes {
    if dice.once_in(4) {
        let letters = (0..dice.length(4)).map(|_| dice.pick(0, &[1, b'a', b'b', 0xFE, 0xFF]));
        return letters.collect();
    }
    owned(dice.pick(b"", NASTY_KEYS)).into_bytes()
}

fn value(dice: &Dice) -> Bytes {
    match dice.below(8) {
        0 => Bytes::new(),
        1 => vec![0xFF; dice.length(300)].into(),
        2 => vec![0; dice.length(40)].into(),
        _ => dice.below(1_000).to_string().into(),
    }
}

fn range(dice: &Dice) -> KeyRange {
    let in_system = dice.once_in(8);
    match dice.below(6) {
        0 if in_system => system_keys().range(),
        0 => KeyRange::all(),
        1 if in_system => KeyRange::prefix(system_keys().key(key_bytes(dice)).into_bytes())
            .in_space(Space::System),
        1 => KeyRange::prefix(key_bytes(dice)),
        // Ranges of the system space keep to the keys of this kit.
        _ if in_system => {
            let end = || system_keys().key(key_bytes(dice)).into_bytes();
            KeyRange::from_bounds(Space::System, bound(dice, end()), bound(dice, end()))
        }
        2 => KeyRange::from_bounds(Space::User, Bound::Unbounded, bound(dice, key_bytes(dice))),
        3 => KeyRange::from_bounds(Space::User, bound(dice, key_bytes(dice)), Bound::Unbounded),
        _ => KeyRange::from_bounds(
            Space::User,
            bound(dice, key_bytes(dice)),
            bound(dice, key_bytes(dice)),
        ),
    }
}

fn bound(dice: &Dice, key: Bytes) -> Bound<Bytes> {
    if dice.once_in(2) {
        Bound::Included(key)
    } else {
        Bound::Excluded(key)
    }
}

fn scan_options(dice: &Dice, capabilities: &Capabilities) -> ScanOptions {
    let direction = match capabilities.scan_order {
        ScanOrder::Ordered => dice.pick(Direction::Forward, &[Direction::Reverse]),
        ScanOrder::Unordered => Direction::Forward,
    };
    let options = towards(direction)
        .entries_max(dice.pick(1, &[2, 3, 1_000]))
        .bytes_max(dice.pick(1 << 20, &[0, 10, 300]));
    if dice.once_in(4) {
        options.keys_only()
    } else {
        options
    }
}
