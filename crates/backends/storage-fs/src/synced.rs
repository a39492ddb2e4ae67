//! How far the log is durable, and making it so.

use std::{
    fs::File,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use storage_core::{Mark, Watermark};

use crate::files::{Folder, ValueFiles};

/// Makes commits durable. Only reads what commits have published, so a sync
/// waits for no commit, and no commit for a sync.
#[derive(Debug)]
pub(crate) struct Synced {
    logs: Mutex<Logs>,
    durable: Mutex<Mark>,
    watermark: Watermark,
    /// Held while files or logs are synced: whoever finds nothing to sync must
    /// be sure that it is synced.
    turn: Mutex<()>,
}

/// The logs that are not durable to their ends, in order; the last is appended
/// to.
#[derive(Debug)]
struct Logs {
    files: Vec<LogFile>,
    end: Mark,
}

#[derive(Clone, Debug)]
struct LogFile {
    number: u64,
    file: Arc<File>,
    naming: Naming,
}

/// Whether the name of a log is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    Durable,
    New,
}

impl Synced {
    /// Nothing of the logs is known to be durable, the last of which ends at
    /// `end`.
    pub(crate) fn new(watermark: Watermark, logs: Vec<(u64, Arc<File>)>, end: Mark) -> Self {
        let files = logs.into_iter().map(|(number, file)| LogFile {
            number,
            file,
            naming: Naming::New,
        });
        Self {
            logs: Mutex::new(Logs {
                files: files.collect(),
                end,
            }),
            durable: Mutex::default(),
            watermark,
            turn: Mutex::default(),
        }
    }

    /// Takes note that the log ends at `end` now.
    pub(crate) fn grown(&self, end: Mark) {
        self.logs().end = end;
    }

    /// Takes note of a new log, which ends at `end`.
    pub(crate) fn begun(&self, file: Arc<File>, end: Mark) {
        let mut logs = self.logs();
        logs.files.push(LogFile {
            number: end.log,
            file,
            naming: Naming::New,
        });
        logs.end = end;
    }

    /// Up to where the log is durable.
    pub(crate) fn durable(&self) -> Mark {
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything durable that was committed before the call.
    pub(crate) fn sync(&self, data: &Folder, files: &ValueFiles) -> io::Result<()> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (logs, end) = {
            let logs = self.logs();
            (logs.files.clone(), logs.end)
        };
        if end <= self.durable() {
            return Ok(());
        }
        files.sync_bare()?;
        for log in &logs {
            match log.naming {
                Naming::Durable => log.file.sync_data()?,
                Naming::New => {
                    log.file.sync_all()?;
                    data.sync()?;
                }
            }
        }
        let mut now = self.logs();
        now.files.retain(|log| log.number >= end.log);
        for log in now.files.iter_mut().filter(|log| log.number == end.log) {
            log.naming = Naming::Durable;
        }
        drop(now);
        *self.durable.lock().unwrap_or_else(PoisonError::into_inner) = end;
        drop(turn);
        // An old mark only tells less.
        let _ = self.watermark.raise(end);
        Ok(())
    }

    /// Makes the files durable whose content is not in the log.
    pub(crate) fn sync_bare(&self, files: &ValueFiles) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        files.sync_bare()
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
