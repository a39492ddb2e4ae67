//! Applying a commit: its files are made, its record is written, and then
//! everybody sees it.

use std::{
    io,
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use storage_core::{
    Mark, Outcome, Put, Result,
    embedded::{Change, flat_key},
};

use crate::{
    error::failed,
    files::{Backing, FileName, Shard, VALUES},
    index::Index,
    log::record,
    removal::Dead,
    shared::{Shared, State},
    version::{Content, FileContent, Version, VersionId},
    wire::as_u64,
    writer::Writer,
};

/// The content of larger files is not put into the log too: to sync a file takes
/// no longer than to write as much a second time.
const LOGGED_FILE_BYTES_MAX: usize = 128 << 10;

/// What the log takes of one commit besides keys.
const LOGGED_COMMIT_BYTES_MAX: usize = 1 << 20;

/// Larger commits are applied to a copy of the index, so that no reader waits
/// for them.
const IN_PLACE_CHANGES_MAX: usize = 64;

/// A commit of the kind that runs on async threads takes less than this, unless
/// it had to wait.
const SLOW: Duration = Duration::from_millis(1);

/// What a commit does to the index: keys, and their new versions.
type Effects = Vec<(Vec<u8>, Option<Version>)>;

impl Shared {
    /// Applies a commit. Each key is in it at most once.
    ///
    /// # Errors
    /// `Full`, `Denied` and `Unavailable` from the operating system, mostly
    /// without effect; `Poisoned` after an earlier failure.
    pub(crate) fn apply(&self, changes: Vec<Change>) -> Result<()> {
        self.check_failure()?;
        self.wait_for_removals();
        let started = Instant::now();
        let mut writer = self.writer();
        let mut made = Vec::new();
        let effects = match self.prepare(&mut writer, changes, &mut made) {
            Ok(effects) if effects.is_empty() => return Ok(()),
            Ok(effects) => effects,
            Err(error) => {
                self.discard(&made);
                self.make_room_after(&error);
                return Err(error);
            }
        };
        let end = self.append(&mut writer).inspect_err(|error| {
            if error.outcome() == Some(Outcome::NotApplied) {
                self.discard(&made);
            }
        })?;
        self.take_effect(effects, writer.next, end);
        drop(writer);
        let is_slow = started.elapsed() > SLOW;
        self.is_slow.store(is_slow, Ordering::Relaxed);
        self.wake_if_needed();
        Ok(())
    }

    /// Makes the files of a commit, and fills the frame of its record.
    fn prepare(
        &self,
        writer: &mut Writer,
        changes: Vec<Change>,
        made: &mut Vec<FileName>,
    ) -> Result<Effects> {
        let mut effects = Effects::with_capacity(changes.len());
        let mut room = LOGGED_COMMIT_BYTES_MAX;
        record::begin_commit(&mut writer.frame);
        for change in changes {
            match change {
                Change::Put(put) => {
                    let key = flat_key::flat(put.key.as_key());
                    let version =
                        self.put(writer, &key, &put, &mut room, made)
                            .map_err(|error| {
                                failed("writing a file in", VALUES, error)
                                    .with_outcome(Outcome::NotApplied)
                            })?;
                    effects.push((key, Some(version)));
                }
                Change::Delete(key) => {
                    let key = flat_key::flat(key.as_key());
                    if self.state().index.get(&key).is_some() {
                        record::put_delete(&mut writer.frame, &key);
                        effects.push((key, None));
                    }
                }
                Change::DeleteRange(_) => return Err(Change::unexpected_range_delete()),
            }
        }
        Ok(effects)
    }

    fn put(
        &self,
        writer: &mut Writer,
        key: &[u8],
        put: &Put,
        room: &mut usize,
        made: &mut Vec<FileName>,
    ) -> io::Result<Version> {
        let id = writer.next;
        writer.next = id.next();
        let mut version = Version {
            id,
            expires: put.expires,
            content: Content::Empty,
        };
        if put.value.is_empty() {
            record::put_put(&mut writer.frame, key, &version, None);
            return Ok(version);
        }
        let (codec, content) = writer.encoder.encode(&put.value)?;
        version.content = Content::File(FileContent {
            codec,
            bytes: as_u64(content.len()),
            checksum: crc32fast::hash(&content),
            value_bytes: as_u64(put.value.len()),
        });
        let is_logged = content.len() <= LOGGED_FILE_BYTES_MAX.min(*room);
        let (backing, logged) = if is_logged {
            *room -= content.len();
            (Backing::Logged, Some(&*content))
        } else {
            (Backing::Bare, None)
        };
        let name = FileName::new(key, id, codec);
        self.files.create(&name, &content, backing)?;
        made.push(name);
        record::put_put(&mut writer.frame, key, &version, logged);
        Ok(version)
    }

    fn take_effect(&self, effects: Effects, next: VersionId, end: Mark) {
        let mut dead = Vec::new();
        if effects.len() <= IN_PLACE_CHANGES_MAX {
            self.show(|state| state.change(effects, next, end, &mut dead));
        } else {
            let mut copy = self.state().clone();
            copy.change(effects, next, end, &mut dead);
            self.show(|state| *state = copy);
        }
        let mut removals = self.removals();
        for dead in dead {
            removals.add(dead);
        }
    }

    /// Removes the files of a commit that has not happened.
    fn discard(&self, made: &[FileName]) {
        for name in made {
            // What cannot be removed is an orphan, which a compaction removes.
            let _ = self.files.remove(name);
        }
    }

    /// Whether a commit of a few changes may have to wait for a disk.
    pub(crate) fn may_wait(&self) -> bool {
        /// The most changes that are not handed to the thread that may wait.
        const CHANGES: u64 = 64;
        let next = self.state().next;
        // To make a directory takes syncing the one above it. The first commit
        // makes sure that the one it uses is durable.
        let crosses = Shard::of(next) != Shard::of(VersionId(next.0.saturating_add(CHANGES)));
        crosses
            || !self.files.is_begun()
            || self.is_slow.load(Ordering::Relaxed)
            || self.removals().are_behind()
    }

    /// Waits while dead files cannot be removed as fast as they come: the disk
    /// would be full of them.
    fn wait_for_removals(&self) {
        /// Whatever keeps them from being removed is looked at as often.
        const LOOK: Duration = Duration::from_millis(100);
        let mut removals = self.removals();
        while removals.are_behind()
            && self.upkeep_failure().is_none()
            && self.check_failure().is_ok()
        {
            self.wakeup.wake();
            let waited = self.removed.wait_timeout(removals, LOOK);
            (removals, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    /// Puts a commit into effect. `end` is where its record ends.
    fn change(&mut self, effects: Effects, next: VersionId, end: Mark, dead: &mut Vec<Dead>) {
        self.turn.0 += 1;
        self.next = next;
        self.logged.changes += as_u64(effects.len());
        for (key, version) in effects {
            let old = self.change_one(&key, version.as_ref());
            let Some((old, file)) = old.and_then(|old| Some((old, old.file()?))) else {
                continue;
            };
            dead.push(Dead {
                name: FileName::new(&key, old.id, file.codec),
                bytes: file.bytes,
                since: self.turn,
                at: end,
            });
        }
    }

    fn change_one(&mut self, key: &[u8], version: Option<&Version>) -> Option<Version> {
        let index: &mut Index = &mut self.index;
        let old = match version {
            Some(version) => {
                self.logged.live += 1;
                index.put(key, version)
            }
            None => index.remove(key),
        };
        if old.is_some_and(|old| old.id >= self.logged.first) {
            self.logged.live -= 1;
        }
        old
    }
}
