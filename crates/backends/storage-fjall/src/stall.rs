//! Knowing when a write would wait for fjall.
//!
//! When a write buffer is full, fjall seals it, and a thread of fjall's syncs
//! the journal before it writes the buffer to a file. It holds the journal's
//! lock for as long as that sync takes, and every write takes that lock. fjall
//! does not say when the sync is over, so it is worked out: the thread takes the
//! buffer off a queue, whose length can be asked for, and goes for the lock. A
//! write that gets the lock some time later finds the sync done. Until one has,
//! writes belong on a thread that may wait. `docs/decisions/0013-fjall-stalls.md`
//! gives the figures.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fjall::{AbstractTree, Database, Keyspace};

/// fjall slows writers down at 20 runs in the first level; each flush adds one.
const CALM_RUNS_MAX: usize = 18;

/// fjall halts writers at 4 sealed buffers.
const CALM_SEALED_MAX: usize = 2;

/// How long fjall's thread may take from the queue to the lock.
const PASSAGE: Duration = Duration::from_millis(5);

/// Tells whether a write may have to wait.
#[derive(Debug)]
pub(crate) struct StallWatch {
    /// How large a write buffer becomes before fjall seals it. A store that was
    /// made with another size goes by that, and fjall does not tell it. If it is
    /// smaller, the writes between a full buffer and its successor are not
    /// foreseen to wait; if it is larger, some are without need.
    buffer_bytes_max: u64,
    /// The write buffer in use when a write last found the journal free for
    /// good.
    calm: AtomicU64,
    /// Whether another buffer has taken its place.
    is_watching: AtomicBool,
    /// What is known of the flush that this began.
    flush: Mutex<Option<Flush>>,
}

/// The writing of a sealed buffer to a file.
#[derive(Clone, Copy, Debug)]
struct Flush {
    /// The buffer that took the sealed one's place.
    successor: u64,
    /// When the queue was first seen to be empty.
    dequeued: Instant,
}

impl StallWatch {
    /// Watches a keyspace that was opened just now.
    pub(crate) fn new(database: &Database, keyspace: &Keyspace, buffer_bytes_max: u64) -> Self {
        let is_flushing =
            keyspace.sealed_memtable_count() > 0 || database.outstanding_flushes() > 0;
        Self {
            buffer_bytes_max,
            calm: AtomicU64::new(keyspace.tree.active_memtable().id()),
            is_watching: AtomicBool::new(is_flushing),
            flush: Mutex::new(None),
        }
    }

    /// Whether a write now may wait for a disk, or sleep.
    pub(crate) fn may_wait(&self, keyspace: &Keyspace) -> bool {
        let buffer = keyspace.tree.active_memtable();
        if buffer.id() != self.calm.load(Ordering::Acquire) {
            self.is_watching.store(true, Ordering::Release);
        }
        // A full buffer is about to be sealed.
        self.is_watching.load(Ordering::Acquire) || buffer.size() > self.buffer_bytes_max
    }

    /// Calls `write`, and learns from it whether the journal is free. One
    /// thread at a time.
    pub(crate) fn watch<T>(
        &self,
        database: &Database,
        keyspace: &Keyspace,
        write: impl FnOnce() -> T,
    ) -> T {
        if !self.is_watching.load(Ordering::Acquire) {
            return write();
        }
        let passed = self.passed(database, keyspace);
        let written = write();
        if let Some(buffer) = passed {
            self.calm.store(buffer, Ordering::Release);
            self.is_watching.store(false, Ordering::Release);
        }
        written
    }

    /// The buffer in use, if a write that gets the journal's lock from now on
    /// finds the sync done.
    fn passed(&self, database: &Database, keyspace: &Keyspace) -> Option<u64> {
        let successor = keyspace.tree.active_memtable().id();
        let mut flush = self.flush.lock().unwrap_or_else(PoisonError::into_inner);
        if database.outstanding_flushes() > 0 {
            *flush = None;
            return None;
        }
        match *flush {
            Some(flush) if flush.successor == successor => (flush.dequeued.elapsed() > PASSAGE
                && keyspace.sealed_memtable_count() <= CALM_SEALED_MAX
                && keyspace.tree.l0_run_count() <= CALM_RUNS_MAX)
                .then_some(successor),
            _ => {
                *flush = Some(Flush {
                    successor,
                    dequeued: Instant::now(),
                });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fjall::KeyspaceCreateOptions;

    use super::*;

    const BUFFER_BYTES: u64 = 1 << 20;

    #[test]
    fn writes_may_wait_from_a_full_buffer_on_until_its_journal_is_synced() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::builder(directory.path()).open().unwrap();
        let options = || KeyspaceCreateOptions::default().max_memtable_size(BUFFER_BYTES);
        let keyspace = database.keyspace("entries", options).unwrap();
        let stalls = StallWatch::new(&database, &keyspace, BUFFER_BYTES);
        let write = |number: u32| {
            stalls.watch(&database, &keyspace, || {
                keyspace.insert(number.to_be_bytes(), [7; 1_000]).unwrap();
            });
        };
        let first = keyspace.tree.active_memtable().id();
        let mut numbers = 0..;
        let until_full = numbers.by_ref().take_while(|_| !stalls.may_wait(&keyspace));
        let written = until_full.inspect(|number| write(*number)).count();
        assert!(
            (900..1_100).contains(&written),
            "{written} writes of 1,000 bytes"
        );

        let patience = Instant::now() + Duration::from_mins(1);
        while stalls.may_wait(&keyspace) {
            assert!(Instant::now() < patience, "the journal is never free again");
            numbers.next().map(write);
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_ne!(keyspace.tree.active_memtable().id(), first);
        assert_eq!(database.outstanding_flushes(), 0);
    }
}
