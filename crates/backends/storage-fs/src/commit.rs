//! Applying a commit: its files are made, unless they were ahead of the order
//! point; its record is written; and then everybody sees it.

use std::{
    io,
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use storage_core::{
    Error, Mark, Outcome, Put, Result,
    embedded::{Change, Prepared, flat_key},
};

use crate::{
    error::failed,
    files::{Backing, FileName, Shard, VALUES},
    index::Index,
    log::record,
    prepare::{Ahead, PreparedFile},
    removal::Dead,
    shared::{Shared, State},
    version::{Content, FileContent, Version, VersionId},
    wire::as_u64,
    writer::Writer,
};

/// The content of larger files is not put into the log too: to sync a file takes
/// no longer than to write as much a second time.
pub(crate) const LOGGED_FILE_BYTES_MAX: usize = 128 << 10;

/// What the log takes of one commit besides keys.
const LOGGED_COMMIT_BYTES_MAX: usize = 1 << 20;

/// Larger commits are applied to a copy of the index, so that no reader waits
/// for them.
const IN_PLACE_CHANGES_MAX: usize = 64;

/// A commit of the kind that runs on async threads takes less than this, unless
/// it had to wait.
pub(crate) const SLOW: Duration = Duration::from_millis(1);

/// The files of the commits that are being applied.
struct Files<'a> {
    /// Those that were made ahead of the order point.
    ahead: Ahead<'a>,
    /// Those of them that the record names.
    used: Vec<&'a PreparedFile>,
    /// Those that have been made now.
    made: Vec<FileName>,
    /// How many bytes more the record may have of files.
    room: usize,
}

impl<'a> Files<'a> {
    fn of(prepared: &'a [Prepared]) -> Self {
        Self {
            ahead: Ahead::of(prepared),
            used: Vec::new(),
            made: Vec::new(),
            room: LOGGED_COMMIT_BYTES_MAX,
        }
    }
}

/// What a commit does to the index: keys, and their new versions.
type Effects = Vec<(Vec<u8>, Option<Version>)>;

impl Shared {
    /// Applies a commit, of which something may have been prepared. Each key is
    /// in it at most once.
    ///
    /// # Errors
    /// `Full`, `Denied` and `Unavailable` from the operating system, mostly
    /// without effect; `Poisoned` after an earlier failure.
    pub(crate) fn apply(&self, changes: Vec<Change>, prepared: &[Prepared]) -> Result<()> {
        self.check_failure()?;
        self.wait_for_removals();
        let started = Instant::now();
        let mut writer = self.writer();
        let mut files = Files::of(prepared);
        let effects = match self.compose(&mut writer, changes, &mut files) {
            Ok(effects) if effects.is_empty() => return Ok(()),
            Ok(effects) => effects,
            Err(error) => {
                self.discard(&files.made);
                self.make_room_after(&error);
                return Err(error);
            }
        };
        let appended = self.append(&mut writer);
        match &appended {
            Err(error) if error.outcome() == Some(Outcome::NotApplied) => {
                self.discard(&files.made);
            }
            _ => files.used.iter().for_each(|file| file.keep()),
        }
        self.take_effect(effects, appended?);
        drop(writer);
        if !files.made.is_empty() {
            self.open_next_shard();
        }
        let is_slow = started.elapsed() > SLOW;
        self.is_slow.store(is_slow, Ordering::Relaxed);
        self.wake_if_needed();
        Ok(())
    }

    /// Makes the files of a commit that are not there yet, and fills the frame of
    /// its record.
    fn compose(
        &self,
        writer: &mut Writer,
        changes: Vec<Change>,
        files: &mut Files<'_>,
    ) -> Result<Effects> {
        let mut effects = Effects::with_capacity(changes.len());
        record::begin_commit(&mut writer.frame);
        for change in changes {
            match change {
                Change::Put(put) => {
                    let key = flat_key::flat(put.key.as_key());
                    let version = match files.ahead.file_of(&key, &put) {
                        Some(file) => put_prepared(writer, &key, &put, file, files),
                        None => self.put(writer, &key, &put, files).map_err(not_written)?,
                    };
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
        files: &mut Files<'_>,
    ) -> io::Result<Version> {
        let id = self.versions.give();
        let mut version = Version {
            id,
            expires: put.expires,
            content: Content::Empty,
        };
        if put.value.is_empty() {
            record::put_put(&mut writer.frame, key, &version, None);
            return Ok(version);
        }
        let (codec, content) = self.encoder.encode(&put.value)?;
        version.content = Content::File(FileContent::of(codec, &content, &put.value));
        let is_logged = content.len() <= LOGGED_FILE_BYTES_MAX.min(files.room);
        let (backing, logged) = if is_logged {
            files.room -= content.len();
            (Backing::Logged, Some(&*content))
        } else {
            (Backing::Bare, None)
        };
        let name = FileName::new(key, id, codec);
        self.files.create(&name, &content, backing)?;
        files.made.push(name);
        record::put_put(&mut writer.frame, key, &version, logged);
        Ok(version)
    }

    fn take_effect(&self, effects: Effects, end: Mark) {
        let next = self.versions.next();
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
        // To make a directory takes syncing the one above it.
        let next = self.versions.next();
        !self.files.is_open(Shard::of(next))
            || !self.files.is_open(soon_after(next))
            || self.is_slow.load(Ordering::Relaxed)
            || self.removals().are_behind()
    }

    /// Makes the directory that is about to be needed, so that nobody has to wait
    /// for it who must not.
    fn open_next_shard(&self) {
        let shard = soon_after(self.versions.next());
        // If that fails, the commit that needs it says so.
        let _ = self.files.open_shard(shard);
    }

    /// Whether the directory that puts go on in is not there yet, though the one
    /// that they are in is half full.
    pub(crate) fn needs_shard(&self) -> bool {
        let next = self.versions.next();
        self.files.is_open(Shard::of(next)) && !self.files.is_open(long_after(next))
    }

    /// Makes that directory beside commits: while there is none, files are made
    /// by one thread for all callers.
    pub(crate) fn open_shard_ahead(&self) {
        if self.needs_shard() {
            // If that fails, the commit that needs it says so.
            let _ = self.files.open_shard(long_after(self.versions.next()));
        }
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

/// Fills the frame with a put whose file is there. It is noted as one that the
/// log has, so the record has it whatever room there is; the adapter merges no
/// more than a MiB.
fn put_prepared<'a>(
    writer: &mut Writer,
    key: &[u8],
    put: &Put,
    file: &'a PreparedFile,
    files: &mut Files<'a>,
) -> Version {
    let version = file.version(put);
    let content = file.content();
    files.room = files.room.saturating_sub(content.len());
    files.used.push(file);
    record::put_put(&mut writer.frame, key, &version, Some(content));
    version
}

/// The directory of a file that few puts are made before.
const fn soon_after(next: VersionId) -> Shard {
    /// The most changes that are not handed to the thread that may wait.
    const CHANGES: u64 = 64;
    Shard::of(VersionId(next.0.saturating_add(CHANGES)))
}

/// The directory of a file that many puts are made before.
const fn long_after(next: VersionId) -> Shard {
    /// Half of what a directory holds.
    const CHANGES: u64 = 500;
    Shard::of(VersionId(next.0.saturating_add(CHANGES)))
}

/// The error of a commit whose files cannot be made.
pub(crate) fn not_written(error: io::Error) -> Error {
    failed("writing a file in", VALUES, error).with_outcome(Outcome::NotApplied)
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
                self.logged.live += u64::from(version.id >= self.logged.first);
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
