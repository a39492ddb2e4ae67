//! Where a case works: a directory of its own, and how to open stores in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use storage_core::{
    Components, Error, ErrorKind, ManualClock, Result, Retry, SeededRandom, Store, Timestamp,
};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{
    Disk, OnDisk, Site, close,
    enclosure::{Enclosed, Enclosure},
    ledger::Ledger,
    tree::Tree,
};
use crate::{
    CaseResult,
    child::Child,
    failure::{ensure, ensure_eq},
    fixture::refused,
};

/// A subject, and a place to open its stores in.
#[derive(Debug)]
pub struct Scene<S> {
    subject: S,
    pub(super) site: Site,
    clock: ManualClock,
    place: PathBuf,
    /// The process this is, unless it is the one that the tests run in.
    enclosed: Option<Enclosed>,
    /// Removes the place, where this process made it.
    _directory: Option<TempDir>,
}

impl<S: OnDisk> Scene<S> {
    /// What the clock of all stores shows.
    pub(super) const NOON: Timestamp = Timestamp::from_unix_milliseconds(1_700_000_000_000);

    pub(super) fn new(site: Site, subject: S, enclosed: Option<Enclosed>) -> CaseResult<Self> {
        let (place, directory) = if let Some(enclosed) = &enclosed {
            (enclosed.place.clone(), None)
        } else {
            let directory = tempfile::tempdir()?;
            // Names as the operating system gives them back.
            (directory.path().canonicalize()?, Some(directory))
        };
        Ok(Self {
            subject,
            site,
            clock: ManualClock::at(Self::NOON),
            place,
            enclosed,
            _directory: directory,
        })
    }

    pub(super) const fn subject(&self) -> &S {
        &self.subject
    }

    /// A path in the directory of the case.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// Opens the store at `path`.
    ///
    /// # Errors
    /// What the subject says.
    pub async fn open(&self, path: &Path) -> Result<S::Store> {
        let components = Components::default()
            .with_clock(self.clock.clone())
            .with_random(SeededRandom::new(7));
        self.subject.open(path, components).await
    }

    /// Makes a store with a few entries at `path`, and closes it.
    pub(super) async fn make(&self, path: &Path) -> CaseResult<Ledger> {
        let store = self.open(path).await?;
        let mut ledger = Ledger::default();
        for number in 0..5_u8 {
            ledger.must_put(&store, &[number], b"value").await?;
        }
        close(store).await?;
        Ok(ledger)
    }

    /// Checks that the store at `path` does not open but says that it is `kind`,
    /// which changes nothing there.
    pub(super) async fn refuses(&self, path: &Path, kind: ErrorKind) -> CaseResult<Error> {
        let before = Tree::of(path)?;
        let error = refused(self.open(path).await, kind)?;
        ensure_eq!(
            Tree::of(path)?,
            before,
            "an open that is refused as {kind} changes nothing"
        );
        Ok(error)
    }

    /// Checks that the store at `path` is refused because somebody has it open.
    pub(super) async fn is_in_use(&self, path: &Path) -> CaseResult {
        let error = refused(self.open(path).await, ErrorKind::Unavailable)?;
        ensure!(
            matches!(error.retry(), Retry::After(_)),
            "a store that is in use may be free later, but its error says never: {error}"
        );
        Ok(())
    }

    /// Checks that the store at `path` opens, holds what the ledger says, and
    /// takes more.
    pub(super) async fn holds(&self, path: &Path, ledger: &mut Ledger) -> CaseResult {
        let store = self.open(path).await?;
        ledger.check(&store).await?;
        let report = store.check().await?;
        ensure!(
            report.damages.is_empty(),
            "a sound store has damages: {report:?}"
        );
        ledger.must_put(&store, b"later", b"value").await?;
        close(store).await?;
        let store = self.open(path).await?;
        ledger.check(&store).await?;
        close(store).await
    }

    /// A disk of so many bytes, called `name`. Nobody else sees it: the case goes
    /// on in a process of its own, and where this is `None`, it has come to its
    /// end there.
    ///
    /// # Errors
    /// If the case fails in that process, or there can be no disk.
    pub fn disk(&self, name: &str, size_bytes: u64) -> CaseResult<Option<Disk>> {
        if !self.is_inside(Enclosure::Mounts)? {
            return Ok(None);
        }
        Disk::mount(self.path(name), size_bytes).map(Some)
    }

    /// Whether this is the process of the case's own. If not, the case has gone
    /// on to its end in such a process when this returns.
    pub(super) fn is_inside(&self, enclosure: Enclosure) -> CaseResult<bool> {
        if self.is_enclosed(enclosure) {
            return Ok(true);
        }
        enclosure.run(self.site, &self.place)?;
        Ok(false)
    }

    /// Whether this is a process that the case started.
    pub(super) fn is_enclosed(&self, enclosure: Enclosure) -> bool {
        self.enclosed
            .as_ref()
            .is_some_and(|enclosed| enclosed.enclosure == enclosure)
    }

    /// Starts a process of the case's own beside this one.
    pub(super) fn start(&self, enclosure: Enclosure) -> CaseResult<Child> {
        enclosure.start(self.site, &self.place)
    }

    /// Tells the other process of the case that something is done.
    pub(super) fn signal(&self, name: &str) -> io::Result<()> {
        fs::write(self.path(name), "")
    }

    /// Waits until a process that the case started signals.
    pub(super) async fn await_signal(&self, name: &str, from: &mut Child) -> CaseResult {
        while !self.path(name).exists() {
            ensure!(
                !from.ends_within(Duration::from_millis(10))?,
                "the other process ended before it was told to"
            );
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}
