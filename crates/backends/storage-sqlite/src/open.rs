//! Opening a store: its directory, its tables, and what a crash left.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use rusqlite::{Connection, wal::CheckpointMode};
use storage_core::{
    Direction, Error, ErrorKind, KeyRange, Projection, Result, Space, StoreDirectory, durable,
};

use crate::{
    SqliteConfig,
    connection::{DATABASE, LOG_SUFFIX, Opener},
    engine::ENGINE,
    error::{corrupt, from_sqlite},
    log::{End, Log, read_salt, verify_recovered},
    read::Cursor,
    report::damages,
    schema,
    seal::{self, LastClose, Seal},
    writer::Writer,
};

/// SQLite takes 512 bytes, with the names below the directory and what it adds
/// to them.
const PATH_BYTES_MAX: usize = 480;

/// What an open store is made of.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) directory: StoreDirectory,
    pub(crate) database: PathBuf,
    pub(crate) opener: Opener,
    pub(crate) writer: Writer,
    pub(crate) log: Log,
    pub(crate) seal: Seal,
}

impl Opened {
    /// Opens the store that `config` names, or makes one there.
    pub(crate) fn open(config: &SqliteConfig) -> Result<Self> {
        check_length(&config.path)?;
        let directory = StoreDirectory::claim(&config.path, ENGINE, schema::VERSION, |new| {
            create(&new.join(DATABASE), config)
        })?;
        // SQLite opens further connections wherever the directory is by then.
        let data = directory.anchored_data();
        let database = data.join(DATABASE);
        let log_path = data.join(format!("{DATABASE}{LOG_SUFFIX}"));
        // Before SQLite has the file open: to close it here takes SQLite's locks
        // away.
        let last_close = seal::compare(directory.anchored_path(), &database)?;
        let (watermark, mark) = directory.watermark()?;
        let opener = Opener::new(database.clone(), config)?;
        let connection = opener.writer()?;
        connection
            .busy_timeout(config.busy_timeout)
            .map_err(from_sqlite)?;
        schema::verify(&connection)?;
        if last_close == LastClose::Changed {
            verify_all(&connection)?;
        }
        settle_mode(&connection)?;
        let page_bytes = settle(&connection, config).map_err(schema::unreadable)?;

        let generation = noted_generation(&connection).map_err(schema::unreadable)?;

        // Now the file is there, and SQLite has recovered what is in it.
        let opening = |error| Error::io(format!("opening {DATABASE}{LOG_SUFFIX}"), error);
        let file = File::open(&log_path).map_err(opening)?;
        let end = End {
            generation,
            salt: read_salt(&file).map_err(opening)?,
            frames: recovered_frames(&connection).map_err(from_sqlite)?,
            // The first commit notes another.
            is_noted: false,
        };
        if let Some(mark) = mark {
            verify_recovered(page_bytes, mark, end)?;
        }
        // Its own name may be new.
        durable::sync_directory(&data).map_err(opening)?;
        seal::break_seal(directory.anchored_path())?;

        let frames_max = config.checkpoint_bytes / u64::from(page_bytes);
        let frames_max = u32::try_from(frames_max.max(1)).unwrap_or(u32::MAX);
        let log = Log::new(file, watermark, end, frames_max);
        let mut writer = Writer::new(connection, end.generation).map_err(schema::unreadable)?;
        let marked = mark.map_or(0, |mark| i64::try_from(mark.log).unwrap_or(i64::MAX));
        writer.begin_generation_behind(marked);
        let frames = log.frames();
        writer
            .when_committed(move |count| frames.store(count, Ordering::Release))
            .map_err(from_sqlite)?;
        Ok(Self {
            opener,
            writer,
            log,
            seal: Seal {
                directory: directory.anchored_path().to_owned(),
                database: database.clone(),
                log: log_path,
                bytes_max: config.sealed_bytes_max,
            },
            database,
            directory,
        })
    }
}

/// Refuses a path that is too long for SQLite, which follows the links in it.
fn check_length(path: &Path) -> Result<()> {
    let whole = std::path::absolute(path)
        .map_err(|error| Error::io(format!("looking at {}", path.display()), error))?;
    // What is missing has no links.
    let length = whole.ancestors().find_map(|above| {
        let found = fs::canonicalize(above).ok()?;
        let missing = whole.as_os_str().len() - above.as_os_str().len();
        Some(found.as_os_str().len() + missing)
    });
    let length = length.unwrap_or(0);
    if length <= PATH_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!(
            "the path, without links, has {length} bytes, and SQLite takes {PATH_BYTES_MAX}; use a shorter one"
        ),
    ))
}

/// Looks at every page and every row.
fn verify_all(connection: &Connection) -> Result<()> {
    let damages = damages(connection)?;
    if let Some(damage) = damages.first() {
        return Err(corrupt(&format!("{DATABASE} is damaged ({damage})")));
    }
    for space in [Space::System, Space::User] {
        let range = KeyRange::all().in_space(space);
        let mut cursor =
            Cursor::begin(connection, &range, Direction::Forward, Projection::Entries)?;
        while let Some(item) = cursor.step() {
            item?;
        }
    }
    Ok(())
}

/// Makes the database of a new store, durably.
fn create(path: &Path, config: &SqliteConfig) -> Result<()> {
    let connection = Connection::open(path).map_err(from_sqlite)?;
    schema::create(&connection, config).map_err(from_sqlite)?;
    connection
        .close()
        .map_err(|(_, error)| from_sqlite(error))?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::io(format!("making {}", path.display()), error))
}

/// Has commits go to the log: somebody may have used the database otherwise.
fn settle_mode(connection: &Connection) -> Result<()> {
    let settled = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
    match settled.map_err(schema::unreadable)?.as_str() {
        "wal" => Ok(()),
        mode => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "SQLite keeps no log here, but is in {mode} mode; use a file system that is not across a network"
            ),
        )),
    }
}

/// Bounds what is left of the log, and tells the size of a page.
fn settle(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<u32> {
    // So large it may be after the next time that it begins anew.
    let log_bytes = i64::try_from(config.checkpoint_bytes).unwrap_or(i64::MAX);
    connection.pragma_update(None, "journal_size_limit", log_bytes)?;
    connection.pragma_query_value(None, "page_size", |row| row.get(0))
}

/// The generation of the log that the last commit noted.
fn noted_generation(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT generation FROM log", [], |row| row.get(0))
}

/// How many frames SQLite has recovered from the log.
fn recovered_frames(connection: &Connection) -> rusqlite::Result<u32> {
    let (frames, _) = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP)?;
    Ok(u32::try_from(frames).unwrap_or(0))
}
