//! What the engine, its snapshots and its thread share.

use std::{
    io,
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use storage_core::{Error, Result, Watermark};

use crate::{
    FsConfig,
    codec::Encoder,
    error::poisoned,
    files::{Folder, ValueFiles},
    index::Index,
    recovery::{Cut, Recovered},
    removal::{Dead, Removals, Turn},
    synced::Synced,
    upkeep::{Limits, Upkeep, Wakeup},
    version::VersionId,
    versions::Versions,
    writer::Writer,
};

/// An open store.
///
/// Locks are taken in the order of the fields: whoever has one takes only such
/// as come later.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The directory of base and logs.
    pub(crate) data: Folder,
    pub(crate) files: ValueFiles,
    /// Held by whoever compacts, settles, removes or checks.
    pub(crate) upkeep: Mutex<Upkeep>,
    /// Held while a commit is applied, or the log is changed for another.
    pub(crate) writer: Mutex<Writer>,
    pub(crate) versions: Versions,
    pub(crate) encoder: Encoder,
    /// Held to change it only for as long as it takes to show one commit.
    state: RwLock<State>,
    pub(crate) removals: Mutex<Removals>,
    /// Told of when files were removed.
    pub(crate) removed: Condvar,
    pub(crate) synced: Synced,
    pub(crate) wakeup: Wakeup,
    pub(crate) limits: Limits,
    /// The bytes of the logs since the base.
    pub(crate) log_bytes: AtomicU64,
    pub(crate) base_bytes: AtomicU64,
    /// How often the base was rewritten since the store was opened.
    pub(crate) compactions: AtomicU64,
    /// Whether the last commit took so long that it must have waited.
    pub(crate) is_slow: AtomicBool,
    /// Why the last upkeep failed, if it did.
    upkeep_failure: Mutex<Option<String>>,
    /// Whether the disk was full when something was written last.
    pub(crate) is_tight: AtomicBool,
    /// Why nothing is written any more.
    failure: OnceLock<String>,
    /// What was left out of the log when it was opened.
    pub(crate) cut: Option<Cut>,
}

/// What readers see: all commits up to one.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) index: Index,
    /// Versions from here on have not been committed.
    pub(crate) next: VersionId,
    pub(crate) turn: Turn,
    pub(crate) logged: Logged,
}

/// What the logs come to since the last compaction began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Logged {
    /// Puts and deletes.
    pub(crate) changes: u64,
    /// Versions from here on are in these logs.
    pub(crate) first: VersionId,
    /// How many of them a key still has.
    pub(crate) live: u64,
}

impl Shared {
    pub(crate) fn new(
        data: Folder,
        files: ValueFiles,
        watermark: Watermark,
        recovered: Recovered,
        config: &FsConfig,
    ) -> io::Result<Self> {
        let end = recovered.log.mark();
        let first = recovered.first_logged;
        let mut live = 0;
        recovered
            .index
            .for_each(|_, version| live += u64::from(version.id >= first));
        let mut removals = Removals::default();
        for (name, bytes) in recovered.dead {
            removals.add(Dead {
                name,
                bytes,
                since: Turn::default(),
                at: end,
            });
        }
        Ok(Self {
            data,
            files,
            upkeep: Mutex::new(Upkeep::new(recovered.base_number)),
            writer: Mutex::new(Writer::new(recovered.log, recovered.is_closed)),
            versions: Versions::new(recovered.next),
            encoder: Encoder::of(config)?,
            state: RwLock::new(State {
                index: recovered.index,
                next: recovered.next,
                turn: Turn::default(),
                logged: Logged {
                    changes: recovered.log_changes,
                    first,
                    live,
                },
            }),
            removals: Mutex::new(removals),
            removed: Condvar::new(),
            synced: Synced::new(watermark, recovered.logs, end),
            wakeup: Wakeup::default(),
            limits: Limits::of(config),
            log_bytes: AtomicU64::new(recovered.log_bytes),
            base_bytes: AtomicU64::new(recovered.base_bytes),
            compactions: AtomicU64::new(0),
            is_slow: AtomicBool::new(false),
            upkeep_failure: Mutex::default(),
            is_tight: AtomicBool::new(false),
            failure: OnceLock::new(),
            cut: recovered.cut,
        })
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what readers see, all at once.
    pub(crate) fn show(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn removals(&self) -> MutexGuard<'_, Removals> {
        self.removals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last upkeep failed, if it did.
    pub(crate) fn upkeep_failure(&self) -> MutexGuard<'_, Option<String>> {
        let failure = self.upkeep_failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner)
    }

    /// Why nothing is written any more, if that is so.
    pub(crate) fn check_failure(&self) -> Result<()> {
        match self.failure.get() {
            None => Ok(()),
            Some(cause) => Err(poisoned(cause)),
        }
    }

    /// Writes nothing any more: nobody knows what is on the disk.
    pub(crate) fn fail(&self, error: &Error) {
        // The first cause stands.
        let _ = self.failure.set(error.message().to_owned());
    }

    /// Makes everything durable that was committed before the call.
    ///
    /// # Errors
    /// From the operating system. From then on nothing is written.
    pub(crate) fn sync(&self) -> Result<()> {
        self.check_failure()?;
        self.surely("syncing", self.synced.sync(&self.data, &self.files))
    }

    /// What came of a sync. One that failed may not be repeated: the operating
    /// system forgets what it could not write.
    pub(crate) fn surely(&self, doing: &str, synced: io::Result<()>) -> Result<()> {
        synced.map_err(|error| {
            let error = crate::error::failed(doing, "", error);
            self.fail(&error);
            error
        })
    }

    /// The bytes of everything on the disk, files in whole blocks.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let files = self.state().index.totals().block_bytes;
        let (_, dead) = self.removals().waiting();
        files
            + dead
            + self.log_bytes.load(Ordering::Relaxed)
            + self.base_bytes.load(Ordering::Relaxed)
    }
}
