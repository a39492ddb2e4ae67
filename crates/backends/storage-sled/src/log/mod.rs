//! sled's log, and how far it is durable.
//!
//! sled writes everything to one log, in segments that it uses again once
//! nothing in them is needed. It never makes the log durable: it asks the
//! kernel to write pages out, which a loss of power may still take, in any
//! order. `docs/decisions/0023-sled-durability.md` tells what that would do to
//! a store, and why the following prevents it.
//!
//! The log is *settled* up to a place by having sled write it out and syncing
//! the file through a descriptor of our own. Commits that must be durable
//! settle it. Besides, whenever the log has entered a segment it is settled
//! there before it enters the next one:
//!
//! INVARIANT: a segment is begun only when the one before it has been settled
//! in, so that its header vouches for nothing that a loss of power can take,
//! and sled frees no segment that recovery would look for.

mod examine;
mod format;
mod settle;
mod turn;

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use sled::{Batch, Db};
use storage_core::{Error, Result, Watermark};

pub(crate) use self::{
    examine::{Examined, Gap, examine, log_file, remove_unfinished_snapshots},
    format::SEGMENT_BYTES,
    settle::mark,
};
use self::{
    format::{Place, segment_of, segment_start, within_segment},
    turn::Turns,
};
use crate::error::from_sled;

/// After changes of so many bytes, and of so many keys, it is looked where the
/// log is: on its way through a segment it is noticed in time even if each
/// change makes sled rewrite a page.
const LOOK_AFTER_BYTES: usize = 16 << 10;
const LOOK_AFTER_CHANGES: usize = 64;

/// How many batches sled may be writing out at once. Each takes two of its
/// seven threads; if all of them wait for the same lock, nothing goes on.
const BATCHES_MAX: usize = 2;

/// The log of an open database.
pub(crate) struct Log {
    shared: Arc<Shared>,
    /// Settles the log where nobody waits for it; started when first needed.
    settler: Mutex<Option<JoinHandle<()>>>,
    /// What was applied since the last look.
    unseen_bytes: AtomicUsize,
    unseen_changes: AtomicUsize,
    /// Where the last batches ended, the oldest first.
    batches: Mutex<[Place; BATCHES_MAX]>,
}

/// What the settler shares.
struct Shared {
    db: Db,
    /// The log's file once more: sled keeps its own descriptor to itself.
    file: File,
    /// Everything up to here is durable.
    durable: AtomicI64,
    /// The last segment in which the log was settled.
    settled: AtomicI64,
    /// Held while sled applies a batch, and by whoever writes to the log besides:
    /// sled writes out a message within a batch only when it writes out all of
    /// the batch, and nothing may ever ask it to.
    batching: Mutex<()>,
    /// Whether the log is so far into the next segment that whoever writes on
    /// waits until it is settled there.
    is_urgent: AtomicBool,
    turns: Turns,
    /// Why the log cannot be settled any more.
    failure: OnceLock<Error>,
    watermark: Watermark,
}

impl Log {
    /// The log of `db`, which was just opened in `data` and has a durable
    /// snapshot up to its end.
    pub(crate) fn new(db: Db, data: &Path, watermark: Watermark) -> Result<Self> {
        let path = log_file(data);
        let file = File::open(&path)
            .map_err(|error| Error::io(format!("opening {}", path.display()), error))?;
        let end = db.context.pagecache.log.stable_offset() + 1;
        Ok(Self {
            shared: Arc::new(Shared {
                db,
                file,
                durable: AtomicI64::new(end - 1),
                settled: AtomicI64::new(segment_of(end)),
                batching: Mutex::new(()),
                is_urgent: AtomicBool::new(false),
                turns: Turns::default(),
                failure: OnceLock::new(),
                watermark,
            }),
            settler: Mutex::default(),
            unseen_bytes: AtomicUsize::new(0),
            unseen_changes: AtomicUsize::new(0),
            batches: Mutex::new([Place::MIN; BATCHES_MAX]),
        })
    }

    pub(crate) fn db(&self) -> &Db {
        &self.shared.db
    }

    /// Says why nothing can be written any more, if that is so.
    pub(crate) fn check_poison(&self) -> Result<()> {
        self.shared.check_poison()
    }

    /// Makes everything applied so far durable.
    pub(crate) fn sync(&self) -> Result<()> {
        self.shared.settle()
    }

    /// How much of the log sled has written out, and how much of it is durable.
    /// The log is longer than its file, which is used again and again.
    pub(crate) fn written_bytes(&self) -> u64 {
        bytes_up_to(self.shared.db.context.pagecache.log.stable_offset())
    }

    pub(crate) fn synced_bytes(&self) -> u64 {
        bytes_up_to(self.shared.durable.load(Ordering::Acquire))
    }

    /// Whether a change now would have to wait until the log is settled, a
    /// batch sooner than a single one.
    pub(crate) fn would_wait(&self, is_batch: bool) -> bool {
        self.shared.is_urgent.load(Ordering::Acquire)
            || (is_batch && (self.shared.turns.is_wanted() || self.is_writing_batches()))
    }

    /// Applies a batch.
    pub(crate) fn apply_batch(&self, batch: Batch) -> Result<()> {
        let _batching = self.shared.batching();
        self.db().apply_batch(batch).map_err(from_sled)
    }

    /// To be called before a change, or a batch of them.
    pub(crate) fn before(&self, is_batch: bool) -> Result<()> {
        if self.shared.is_urgent.load(Ordering::Acquire) {
            self.shared.settle()?;
        }
        if is_batch {
            self.before_batch()?;
        }
        Ok(())
    }

    /// To be called after a single change of so many bytes.
    pub(crate) fn after_change(&self, bytes: usize) -> Result<()> {
        // Only whoever applies changes counts, and that is one at a time.
        let bytes = self.unseen_bytes.load(Ordering::Relaxed) + bytes;
        let changes = self.unseen_changes.load(Ordering::Relaxed) + 1;
        if bytes < LOOK_AFTER_BYTES && changes < LOOK_AFTER_CHANGES {
            self.unseen_bytes.store(bytes, Ordering::Relaxed);
            self.unseen_changes.store(changes, Ordering::Relaxed);
            return Ok(());
        }
        self.unseen_bytes.store(0, Ordering::Relaxed);
        self.unseen_changes.store(0, Ordering::Relaxed);
        let place = self.shared.place()?;
        self.follow(place)
    }

    /// While it applies a batch, sled begins any number of segments.
    fn before_batch(&self) -> Result<()> {
        let place = self.shared.place()?;
        if segment_of(place) > self.shared.settled.load(Ordering::Acquire) {
            self.shared.settle()?;
        }
        let [oldest, ..] = *self.batches();
        self.shared.write_out(oldest)
    }

    /// To be called after a batch.
    pub(crate) fn after_batch(&self) -> Result<()> {
        let place = self.shared.place()?;
        {
            let mut batches = self.batches();
            batches.rotate_left(1);
            if let Some(newest) = batches.last_mut() {
                *newest = place;
            }
        }
        self.follow(place)
    }

    /// To be called now and then by whoever reads: to read, sled may finish
    /// what writers left it to do, and so write.
    pub(crate) fn keep_up(&self) -> Result<()> {
        let next = self.shared.settled.load(Ordering::Acquire) + 1;
        let written = self.shared.db.context.pagecache.log.stable_offset();
        if written + 1 < segment_start(next) {
            return Ok(());
        }
        if written + 1 < segment_start(next + 1) {
            return self.want_settled();
        }
        self.shared.settle()
    }

    /// Sees to it that the log is settled in time, given where it is.
    fn follow(&self, place: Place) -> Result<()> {
        let shared = &self.shared;
        let ahead = segment_of(place) - shared.settled.load(Ordering::Acquire);
        if ahead > 1 {
            return shared.settle();
        }
        if ahead == 1 {
            self.want_settled()?;
            if within_segment(place) > SEGMENT_BYTES / 2 {
                shared.is_urgent.store(true, Ordering::Release);
            }
        }
        Ok(())
    }

    /// Has the log settled by the settler.
    fn want_settled(&self) -> Result<()> {
        if self.shared.turns.is_wanted() {
            return Ok(());
        }
        let mut settler = self.settler.lock().unwrap_or_else(PoisonError::into_inner);
        if settler.is_none() {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new()
                .name("storage-sled".into())
                .spawn(move || shared.keep_settling())
                .map_err(|error| Error::io("starting a thread", error))?;
            *settler = Some(thread);
        }
        self.shared.turns.want();
        Ok(())
    }

    fn is_writing_batches(&self) -> bool {
        let [oldest, ..] = *self.batches();
        self.shared.db.context.pagecache.log.stable_offset() < oldest
    }

    fn batches(&self) -> MutexGuard<'_, [Place; BATCHES_MAX]> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.turns.close();
        let settler = self
            .settler
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(settler) = settler.take() {
            // A panic of sled on it has left the turn to others, and the log
            // unsettled.
            let _ = settler.join();
        }
    }
}

fn bytes_up_to(place: Place) -> u64 {
    u64::try_from(place + 1).unwrap_or(0)
}
