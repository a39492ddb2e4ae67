//! sled's files from the outside: made, opened and left so that a loss of power
//! at any moment harms nothing.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use sled::Db;
use storage_core::{Error, ErrorKind, Mark, Result};

use crate::{
    error::{corrupt, opening},
    log::{Examined, Gap, SEGMENT_BYTES, examine, log_file, mark, remove_unfinished_snapshots},
};

/// sled's settings file.
const SETTINGS_FILE: &str = "conf";

/// What a settings file says, before its checksum.
const SETTINGS: &[u8] = b"segment_size: 4194304\nuse_compression: false\nversion: 0.34\n";

/// Where sled keeps large values, if it has any.
const BLOBS: &str = "blobs";

/// A directory in place of a large value that was written later than any; sled
/// cannot remove it.
const STOP: &str = "9223372036854775807";

/// The name of the copies that are made of what cannot be read in the middle of
/// a log, before the place in the log.
const GAP_FILE: &str = "GAP-";

/// How long the lock on sled's files may still be held by threads that sled
/// leaves behind.
const RELEASE_MAX: Duration = Duration::from_secs(30);

/// Makes a database in `data`, whole on the disk.
pub(crate) fn create(data: &Path) -> Result<()> {
    drop(opening(|| settings(data).open())?);
    leave_snapshot(data)?;
    trim(data)?;
    let sync = || {
        for name in [SETTINGS_FILE, "db"] {
            File::open(data.join(name))?.sync_all()?;
        }
        Ok(())
    };
    sync().map_err(|error| Error::io(format!("syncing {}", data.display()), error))
}

/// Opens the database in `data`, of a store in `store`, once the log is known to
/// hold all that the mark promises.
///
/// # Errors
/// `Corrupt` for damaged files. Where the settings are damaged or the log ends
/// too early, they are left as they are.
pub(crate) fn open(
    store: &Path,
    data: &Path,
    promised: Option<Mark>,
    cache_bytes: u64,
) -> Result<Db> {
    check_settings(data)?;
    let Examined {
        snapshot,
        end,
        gaps,
        ..
    } = examine(data)?;
    if promised.is_some_and(|promised| mark(end) < promised) {
        return Err(corrupt(&format!(
            "the log in data/db ends at {end}, before what was synced"
        )));
    }
    remove_unfinished_snapshots(data)?;
    remove_stop(data)?;
    if end > snapshot {
        for gap in gaps {
            set_aside(store, data, gap)?;
        }
        leave_snapshot(data)?;
    }
    opening(|| settings(data).cache_capacity(cache_bytes).open())
}

/// Has sled take a snapshot of its page table, which tells the next open where
/// everything is, and makes that durable.
///
/// sled does so whenever it opens its files. But it goes on to wipe segments
/// that the new snapshot does not need, and the one before it may, without
/// making the new one durable first. So it is stopped halfway: by a directory
/// where it looks for large values to remove. All else is durable already.
fn leave_snapshot(data: &Path) -> Result<()> {
    let failed = |error| Error::io(format!("tidying up {}", data.display()), error);
    await_release(data)?;
    File::open(log_file(data))
        .and_then(|log| log.sync_all())
        .map_err(failed)?;
    let stop = data.join(BLOBS).join(STOP);
    fs::create_dir_all(&stop).map_err(failed)?;
    let stopped = opening(|| match settings(data).open() {
        Err(sled::Error::Io(error)) if is_stop(&error) => Ok(None),
        opened => opened.map(Some),
    })
    .map(drop);
    await_release(data)?;
    remove_stop(data)?;
    stopped?;
    File::open(data)
        .and_then(|data| data.sync_all())
        .map_err(failed)
}

/// Cuts off the zeros that sled has written behind the log, up to a segment of
/// them. It writes them again when it is opened.
fn trim(data: &Path) -> Result<()> {
    let Some(end) = examine(data)?.end_offset else {
        return Ok(());
    };
    let cut = || {
        let log = File::options().write(true).open(log_file(data))?;
        let segment_end = end.next_multiple_of(u64::try_from(SEGMENT_BYTES).unwrap_or(1));
        if log.metadata()?.len() <= segment_end {
            log.set_len(end)?;
        }
        Ok(())
    };
    cut().map_err(|error| Error::io("trimming sled's log", error))
}

/// Removes what stopped sled, which a crash may have left behind.
fn remove_stop(data: &Path) -> Result<()> {
    let stop = data.join(BLOBS).join(STOP);
    match fs::remove_dir(&stop) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", stop.display()), error))
        }
        _ => Ok(()),
    }
}

/// What the attempt to remove a directory like a file ends in.
fn is_stop(error: &io::Error) -> bool {
    let kind = if cfg!(target_os = "linux") {
        io::ErrorKind::IsADirectory
    } else {
        io::ErrorKind::PermissionDenied
    };
    error.kind() == kind
}

fn settings(data: &Path) -> sled::Config {
    sled::Config::new()
        .path(data)
        .segment_size(SEGMENT_BYTES)
        // All is synced when it is asked for, and in time.
        .flush_every_ms(None)
}

/// sled makes settings anew that it cannot find, and believes damaged ones.
fn check_settings(data: &Path) -> Result<()> {
    let path = data.join(SETTINGS_FILE);
    let mut expected = SETTINGS.to_vec();
    expected.extend(crc32fast::hash(SETTINGS).to_le_bytes());
    match fs::read(&path) {
        Ok(found) if found == expected => Ok(()),
        Ok(_) => Err(corrupt("data/conf is not what sled wrote")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(corrupt("data/conf is missing").with_source(error))
        }
        Err(error) => Err(Error::io(format!("reading {}", path.display()), error)),
    }
}

/// Waits until sled's threads have let go of its files, which may be a while
/// after the database was dropped.
fn await_release(data: &Path) -> Result<()> {
    let path = log_file(data);
    let failed = |error| Error::io(format!("locking {}", path.display()), error);
    let began = Instant::now();
    loop {
        let file = match File::options().read(true).write(true).open(&path) {
            // There is no database yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        match file.try_lock() {
            // Closing the file would leave the lock to whatever process another
            // thread is just starting.
            Ok(()) => return file.unlock().map_err(failed),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if began.elapsed() > RELEASE_MAX => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    format!(
                        "{} is in use by something else than this store",
                        path.display()
                    ),
                )
                .with_retry_after(Duration::from_secs(1)));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Keeps what cannot be read in the middle of the log, before sled forgets it.
fn set_aside(store: &Path, data: &Path, gap: Gap) -> Result<()> {
    let path = store.join(format!("{GAP_FILE}{}", gap.start));
    let content = gap.read(data)?;
    let write = || {
        fs::write(&path, &content)?;
        File::open(&path)?.sync_all()?;
        File::open(store)?.sync_all()
    };
    write().map_err(|error| Error::io(format!("writing {}", path.display()), error))
}

/// What was set aside in `store` so far.
pub(crate) fn gap_files(store: &Path) -> Result<Vec<PathBuf>> {
    files_named(store, GAP_FILE)
}

/// The files in `directory` whose names begin with `prefix`.
pub(crate) fn files_named(directory: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let list = || {
        let paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
        paths.collect::<io::Result<Vec<_>>>()
    };
    let mut files =
        list().map_err(|error| Error::io(format!("reading {}", directory.display()), error))?;
    files.retain(|file| {
        let name = file.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| name.starts_with(prefix))
    });
    Ok(files)
}

/// Tidies up when it is dropped, which must be after the database was, so that
/// the next open finds a snapshot and the lock free.
#[derive(Debug)]
pub(crate) struct Closing {
    data: PathBuf,
    is_withheld: bool,
}

impl Closing {
    pub(crate) const fn new(data: PathBuf) -> Self {
        Self {
            data,
            is_withheld: false,
        }
    }

    /// Leaves the files as they are, as a crash does.
    pub(crate) const fn withhold(&mut self) {
        self.is_withheld = true;
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if !self.is_withheld && !thread::panicking() {
            // Otherwise the next open does it.
            let _ = leave_snapshot(&self.data).and_then(|()| trim(&self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_those_that_sled_writes() {
        let directory = tempfile::tempdir().unwrap();
        create(directory.path()).unwrap();
        check_settings(directory.path()).unwrap();
        assert!(!directory.path().join(BLOBS).join(STOP).exists());
    }
}
