//! Syncing the log in the background, so that no commit stays unsynced for long.

use std::{
    sync::{
        Arc, Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use storage_core::{Error, ErrorKind, Outcome, Result};

/// A thread that syncs at intervals, and whenever so many bytes were written.
/// Dropping this ends it.
pub(crate) struct PeriodicSync {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// What the thread is asked for.
    asked: Mutex<Asked>,
    /// Told when `asked` changes.
    changed: Condvar,
    bytes_max: u64,
    /// Written since the last sync began.
    unsynced_bytes: AtomicU64,
    /// Why the thread ended, if a sync failed.
    failure: OnceLock<Error>,
}

#[derive(Debug, Default)]
struct Asked {
    to_sync: bool,
    to_end: bool,
}

impl PeriodicSync {
    /// Calls `sync` after each `interval`, and after each `bytes_max` bytes, if
    /// anything was written.
    ///
    /// # Errors
    /// `Unavailable` if the operating system gives no thread.
    pub(crate) fn start(
        interval: Duration,
        bytes_max: u64,
        sync: impl Fn() -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            asked: Mutex::default(),
            changed: Condvar::new(),
            bytes_max,
            unsynced_bytes: AtomicU64::new(0),
            failure: OnceLock::new(),
        });
        let thread = thread::Builder::new()
            .name("storage-log-sync".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.keep_syncing(interval, sync)
            })
            .map_err(|error| Error::io("starting the thread that syncs the log", error))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Takes note of a commit of so many bytes.
    pub(crate) fn wrote(&self, bytes: usize) {
        let shared = &self.shared;
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = shared.unsynced_bytes.fetch_add(bytes, Ordering::AcqRel);
        if before < shared.bytes_max && before.saturating_add(bytes) >= shared.bytes_max {
            shared.ask(|asked| asked.to_sync = true);
        }
    }

    /// Says why a sync failed, if one has.
    ///
    /// # Errors
    /// `Poisoned`: what reached the disk is unknown.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(failure) = self.shared.failure.get() else {
            return Ok(());
        };
        Err(Error::new(
            ErrorKind::Poisoned,
            format!(
                "a sync in the background failed ({}), so what reached the disk is unknown; reopen the store and read",
                failure.message()
            ),
        )
        .with_outcome(Outcome::NotApplied))
    }
}

impl Drop for PeriodicSync {
    fn drop(&mut self) {
        self.shared.ask(|asked| asked.to_end = true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed, and ends nothing else.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn ask(&self, what: impl FnOnce(&mut Asked)) {
        what(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    fn keep_syncing(&self, interval: Duration, sync: impl Fn() -> Result<()>) {
        while self.next_is_due(interval) {
            if self.unsynced_bytes.swap(0, Ordering::AcqRel) == 0 {
                continue;
            }
            if let Err(error) = sync() {
                // There is only one thread, and it ends here.
                let _ = self.failure.set(error);
                return;
            }
        }
    }

    /// Waits until a sync is due; `false` if there is to be none any more.
    fn next_is_due(&self, interval: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut asked, _) = self
            .changed
            .wait_timeout_while(asked, interval, |asked| !asked.to_sync && !asked.to_end)
            .unwrap_or_else(PoisonError::into_inner);
        asked.to_sync = false;
        !asked.to_end
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// So long that a test which has to wait for it fails by its own time-out.
    const NEVER: Duration = Duration::from_hours(1);

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn so_many_bytes_are_synced_without_waiting_for_the_interval() {
        let (synced, syncs) = mpsc::channel();
        let periodic = PeriodicSync::start(NEVER, 10, move || {
            let _ = synced.send(());
            Ok(())
        })
        .unwrap();
        for _ in 0..3 {
            periodic.wrote(9);
            assert!(syncs.try_recv().is_err());
            periodic.wrote(1);
            syncs.recv().unwrap();
        }
    }

    #[test]
    fn what_was_written_is_synced_after_the_interval_and_then_no_more() {
        let (synced, syncs) = mpsc::channel();
        let periodic = PeriodicSync::start(SOON, u64::MAX, move || {
            let _ = synced.send(());
            Ok(())
        })
        .unwrap();
        periodic.wrote(1);
        syncs.recv().unwrap();
        thread::sleep(SOON * 20);
        drop(periodic);
        assert!(syncs.recv().is_err());
    }

    #[test]
    fn a_failed_sync_is_told_from_then_on() {
        let periodic = PeriodicSync::start(SOON, u64::MAX, || {
            Err(Error::new(ErrorKind::Unavailable, "the disk is gone"))
        })
        .unwrap();
        periodic.check().unwrap();
        periodic.wrote(1);
        let error = loop {
            match periodic.check() {
                Ok(()) => thread::sleep(SOON),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Poisoned);
        assert_eq!(error.outcome(), Some(Outcome::NotApplied));
        assert!(error.message().contains("the disk is gone"), "{error}");
    }
}
