//! A group of batches, as the commit function takes it: columns of what there is
//! to do, and the steps in which it is done.
//!
//! What needs no judgement is done at once: all changes of neighbouring members
//! without guards are one step, one statement on the server.

use storage_core::{Guard, KeyRange, Mutation, OwnedKey, WriteBatch};

use crate::{
    row::{expires_column, space_column},
    scan::Bounds,
};

/// The member of a step that no guard can keep from being done.
const UNGUARDED: i32 = -1;

/// The version in a guard on a stamp that is none of this engine's.
const NO_VERSION: i64 = -1;

#[derive(Debug, Default)]
pub(super) struct Program<'g> {
    pub(super) members: i32,
    pub(super) steps: Steps,
    pub(super) puts: Puts<'g>,
    pub(super) guards: Guards<'g>,
    pub(super) ranges: Ranges,
}

/// What is done in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepKind {
    Guards,
    Puts,
    Ranges,
}

/// Each step is about a run of rows of its kind, counted from one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) kinds: Vec<i16>,
    pub(super) members: Vec<i32>,
    pub(super) firsts: Vec<i32>,
    pub(super) lasts: Vec<i32>,
}

/// Puts and deletes. A delete has no value; a sequenced put has a suffix, and a
/// prefix as its key.
#[derive(Debug, Default)]
pub(super) struct Puts<'g> {
    pub(super) members: Vec<i32>,
    pub(super) spaces: Vec<i16>,
    pub(super) keys: Vec<&'g [u8]>,
    pub(super) suffixes: Vec<Option<&'g [u8]>>,
    pub(super) values: Vec<Option<&'g [u8]>>,
    pub(super) expiries: Vec<Option<i64>>,
}

#[derive(Debug, Default)]
pub(super) struct Guards<'g> {
    pub(super) kinds: Vec<i16>,
    pub(super) spaces: Vec<i16>,
    pub(super) keys: Vec<&'g [u8]>,
    pub(super) versions: Vec<i64>,
}

#[derive(Debug, Default)]
pub(super) struct Ranges {
    pub(super) start_spaces: Vec<i16>,
    pub(super) starts: Vec<Vec<u8>>,
    pub(super) end_spaces: Vec<i16>,
    pub(super) ends: Vec<Vec<u8>>,
}

/// A group of one member that puts or deletes one key, if at most one guard
/// holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lone<'g> {
    pub(super) space: i16,
    pub(super) key: &'g [u8],
    pub(super) value: Option<&'g [u8]>,
    pub(super) expires: Option<i64>,
    pub(super) guard: Option<LoneGuard<'g>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct LoneGuard<'g> {
    pub(super) kind: i16,
    pub(super) space: i16,
    pub(super) key: &'g [u8],
    pub(super) version: i64,
}

impl<'g> Program<'g> {
    /// The program of `group`.
    pub(super) fn of(group: &[&'g WriteBatch]) -> Self {
        let mut program = Self::default();
        for batch in group {
            program.add(batch);
            program.members += 1;
        }
        program
    }

    /// The program, if it is as simple as most are.
    pub(super) fn lone(&self) -> Option<Lone<'g>> {
        let (puts, guards) = (&self.puts, &self.guards);
        let ([space], [key], [None]) = (&*puts.spaces, &*puts.keys, &*puts.suffixes) else {
            return None;
        };
        if self.members != 1 || !self.ranges.starts.is_empty() || guards.keys.len() > 1 {
            return None;
        }
        let guard = guards.keys.first().map(|key| {
            Some(LoneGuard {
                kind: *guards.kinds.first()?,
                space: *guards.spaces.first()?,
                key,
                version: *guards.versions.first()?,
            })
        });
        Some(Lone {
            space: *space,
            key,
            value: puts.values.first().copied()?,
            expires: puts.expiries.first().copied()?,
            guard: match guard {
                None => None,
                Some(guard) => Some(guard?),
            },
        })
    }

    fn add(&mut self, batch: &'g WriteBatch) {
        let member = match batch.guards() {
            [] => UNGUARDED,
            _ => self.members,
        };
        for guard in batch.guards() {
            self.guards.push(guard);
            self.steps
                .extend(StepKind::Guards, member, self.guards.keys.len());
        }
        for mutation in batch.mutations() {
            match mutation {
                Mutation::DeleteRange(range) => {
                    if range.is_empty() {
                        continue;
                    }
                    self.ranges.push(range);
                    self.steps
                        .extend(StepKind::Ranges, member, self.ranges.starts.len());
                }
                change => {
                    self.puts.push(self.members, change);
                    self.steps
                        .extend(StepKind::Puts, member, self.puts.keys.len());
                }
            }
        }
    }
}

impl Steps {
    /// Adds the row at `place`, counted from one, to the last step, or to a new
    /// one if that does something else.
    fn extend(&mut self, kind: StepKind, member: i32, place: usize) {
        let place = i32::try_from(place).unwrap_or(i32::MAX);
        let kind = kind.number();
        if self.kinds.last() == Some(&kind)
            && self.members.last() == Some(&member)
            && let Some(last) = self.lasts.last_mut()
        {
            *last = place;
            return;
        }
        self.kinds.push(kind);
        self.members.push(member);
        self.firsts.push(place);
        self.lasts.push(place);
    }
}

impl StepKind {
    const fn number(self) -> i16 {
        match self {
            Self::Guards => 0,
            Self::Puts => 1,
            Self::Ranges => 2,
        }
    }
}

impl<'g> Puts<'g> {
    fn push(&mut self, member: i32, change: &'g Mutation) {
        let (key, suffix, value, expires) = match change {
            Mutation::Put(put) => (&put.key, None, Some(&put.value), put.expires),
            Mutation::PutSequenced(put) => (
                &put.prefix,
                Some(&put.suffix),
                Some(&put.value),
                put.expires,
            ),
            Mutation::Delete(key) => (key, None, None, None),
            Mutation::DeleteRange(_) => return,
        };
        self.members.push(member);
        self.spaces.push(space_column(key.space()));
        self.keys.push(bytes_of(key));
        self.suffixes.push(suffix.map(AsRef::as_ref));
        self.values.push(value.map(AsRef::as_ref));
        self.expiries.push(expires_column(expires));
    }
}

impl<'g> Guards<'g> {
    fn push(&mut self, guard: &'g Guard) {
        let (kind, version) = match guard {
            Guard::Absent(_) => (0, NO_VERSION),
            Guard::Present(_) => (1, NO_VERSION),
            Guard::Unchanged(_, stamp) => {
                let version = stamp.version().map(u64::cast_signed);
                (2, version.unwrap_or(NO_VERSION))
            }
        };
        self.kinds.push(kind);
        self.spaces.push(space_column(guard.key().space()));
        self.keys.push(bytes_of(guard.key()));
        self.versions.push(version);
    }
}

impl Ranges {
    fn push(&mut self, range: &KeyRange) {
        let bounds = Bounds::of(range);
        self.start_spaces.push(bounds.start_space);
        self.starts.push(bounds.start);
        self.end_spaces.push(bounds.end_space);
        self.ends.push(bounds.end);
    }
}

fn bytes_of(key: &OwnedKey) -> &[u8] {
    key.bytes()
}

#[cfg(test)]
mod tests {
    use storage_core::Stamp;

    use super::*;

    fn steps_of(group: &[WriteBatch]) -> Vec<(i16, i32, i32, i32)> {
        let group: Vec<_> = group.iter().collect();
        let steps = Program::of(&group).steps;
        (0..steps.kinds.len())
            .map(|step| {
                (
                    steps.kinds[step],
                    steps.members[step],
                    steps.firsts[step],
                    steps.lasts[step],
                )
            })
            .collect()
    }

    #[test]
    fn members_without_guards_are_one_step() {
        let group = [
            WriteBatch::new().put("a", "1").delete("b"),
            WriteBatch::new(),
            WriteBatch::new().put_sequenced("log/", "", "2"),
        ];
        assert_eq!(steps_of(&group), [(1, UNGUARDED, 1, 3)]);
    }

    #[test]
    fn what_a_guard_decides_about_is_a_step_of_its_own() {
        let group = [
            WriteBatch::new().put("a", "1"),
            WriteBatch::new().absent("b").present("a").put("b", "1"),
            WriteBatch::new().put("c", "1"),
        ];
        let expected = [(1, -1, 1, 1), (0, 1, 1, 2), (1, 1, 2, 2), (1, -1, 3, 3)];
        assert_eq!(steps_of(&group), expected);
    }

    #[test]
    fn range_deletes_keep_their_place() {
        let group = [WriteBatch::new()
            .put("a", "1")
            .delete_range(KeyRange::all())
            .delete_range(KeyRange::between("b".."a"))
            .delete_range(KeyRange::prefix("x"))
            .put("b", "2")];
        let expected = [(1, -1, 1, 1), (2, -1, 1, 2), (1, -1, 2, 2)];
        assert_eq!(steps_of(&group), expected);
    }

    #[test]
    fn one_change_with_at_most_one_guard_is_lone() {
        let lone = |batch: WriteBatch| Program::of(&[&batch]).lone().is_some();
        assert!(lone(WriteBatch::new().put("a", "1")));
        assert!(lone(WriteBatch::new().present("b").delete("a")));
        assert!(!lone(WriteBatch::new()));
        assert!(!lone(WriteBatch::new().absent("a")));
        assert!(!lone(WriteBatch::new().put("a", "1").delete("b")));
        assert!(!lone(
            WriteBatch::new().absent("a").present("b").put("a", "1")
        ));
        assert!(!lone(WriteBatch::new().put_sequenced("log/", "", "1")));
        let range = WriteBatch::new().put("a", "1");
        assert!(!lone(range.delete_range(KeyRange::all())));
        let (first, second) = (WriteBatch::new().put("a", "1"), WriteBatch::new());
        assert_eq!(Program::of(&[&first, &second]).lone(), None);
    }

    #[test]
    fn a_stamp_of_another_engine_matches_no_version() {
        let batch = WriteBatch::new()
            .unchanged("a", Stamp::new("x".into()))
            .unchanged("b", Stamp::of_version(7));
        let program = Program::of(&[&batch]);
        assert_eq!(program.guards.versions, [NO_VERSION, 7]);
    }
}
