//! The thread of a store that does its upkeep.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use storage_core::{Error, ErrorKind};

use crate::shared::Shared;

/// Wakes the thread.
#[derive(Debug, Default)]
pub(crate) struct Wakeup {
    wish: Mutex<Wish>,
    changed: Condvar,
}

/// What the thread should do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wish {
    #[default]
    Sleep,
    KeepUp,
    End,
}

impl Wakeup {
    pub(crate) fn wake(&self) {
        let mut wish = self.wish();
        if *wish == Wish::Sleep {
            *wish = Wish::KeepUp;
            drop(wish);
            self.changed.notify_one();
        }
    }

    fn end(&self) {
        *self.wish() = Wish::End;
        self.changed.notify_one();
    }

    /// Waits for a wish, and takes it.
    fn next(&self) -> Wish {
        let mut wish = self.wish();
        while *wish == Wish::Sleep {
            wish = self
                .changed
                .wait(wish)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match *wish {
            Wish::End => Wish::End,
            _ => std::mem::take(&mut *wish),
        }
    }

    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the thread, and waits for its end, when it is dropped.
#[derive(Debug)]
pub(crate) struct UpkeepThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl UpkeepThread {
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let working = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("storage-fs".into())
            .spawn(move || {
                while working.wakeup.next() == Wish::KeepUp {
                    let kept_up = catch_unwind(AssertUnwindSafe(|| working.keep_up()));
                    if kept_up.is_err() {
                        // Half a compaction is nothing to go on from.
                        working.fail(&Error::new(ErrorKind::Internal, "upkeep panicked"));
                    }
                }
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }
}

impl Drop for UpkeepThread {
    fn drop(&mut self) {
        self.shared.wakeup.end();
        if let Some(thread) = self.thread.take() {
            // It catches its panics.
            let _ = thread.join();
        }
    }
}
