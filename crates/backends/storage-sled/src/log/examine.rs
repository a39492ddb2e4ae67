//! Looking at sled's log before sled does.
//!
//! sled takes the first message that it cannot read for the torn end of a crash,
//! wipes whatever comes after it, and says nothing. Reading the log as sled
//! will tells in time whether anything is missing that was promised to be there.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use storage_core::{Error, Result};

use super::format::{
    End, Place, SEGMENT_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, read_messages, segment_of,
    segment_start, within_segment,
};
use crate::{error::corrupt, files::files_named};

/// sled's log.
const LOG_FILE: &str = "db";

/// What sled calls its snapshots, before the place that they reach up to, in
/// hexadecimal digits.
const SNAPSHOT_FILE: &str = "snap.";

/// What sled calls a snapshot that is not finished.
const UNFINISHED: &str = ".generating";

/// Where sled's log is.
pub(crate) fn log_file(data: &Path) -> PathBuf {
    data.join(LOG_FILE)
}

/// What a look at the log found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Examined {
    /// Up to where sled has taken a snapshot of its page table.
    pub(crate) snapshot: Place,
    /// Where the log ends: nothing after it can be read.
    pub(crate) end: Place,
    /// Where in the file that is, if the log ends within a segment.
    pub(crate) end_offset: Option<u64>,
    /// What cannot be read before that.
    pub(crate) gaps: Vec<Gap>,
}

/// The rest of a segment that cannot be read, although later ones can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Where in the log it begins.
    pub(crate) start: Place,
    /// Where in the file.
    pub(crate) offset: u64,
    /// How far into the segment.
    within: usize,
}

impl Gap {
    /// What is there instead.
    pub(crate) fn read(&self, data: &Path) -> Result<Vec<u8>> {
        let segment = open_log(data)?.segment(self.offset)?;
        Ok(segment.get(self.within..).unwrap_or_default().to_vec())
    }
}

/// Reads the log in `data` from the last snapshot on.
///
/// # Errors
/// `Corrupt` if the log does not reach the snapshot; what the operating system
/// reports.
pub(crate) fn examine(data: &Path) -> Result<Examined> {
    let snapshot = newest_snapshot(data)?;
    let log = open_log(data)?;
    let segments = log.segments_from(segment_start(segment_of(snapshot)))?;
    // As far as any segment vouches for the log, sled takes it to be there.
    let vouched = segments.values().map(|(_, vouched)| *vouched);
    let vouched = vouched.max().unwrap_or(0).max(snapshot);
    let tail = segment_start(segment_of(vouched));

    let mut gaps = Vec::new();
    for (start, (offset, _)) in segments.range(..tail) {
        if let End::Unreadable(within) = log.messages(*offset, *start)? {
            gaps.push(Gap {
                start: *start + length(within),
                offset: *offset,
                within,
            });
        }
    }
    let mut end = None;
    let mut end_offset = None;
    for (expected, (start, (offset, _))) in (segment_of(tail)..).zip(segments.range(tail..)) {
        if *start != segment_start(expected) {
            break;
        }
        let messages = log.messages(*offset, *start)?;
        let (End::Full(within) | End::Unreadable(within)) = messages;
        end = Some(*start + length(within));
        if matches!(messages, End::Unreadable(_)) {
            end_offset = u64::try_from(within).ok().map(|within| offset + within);
            break;
        }
    }
    let end = match end {
        Some(end) if end >= snapshot => end,
        // A snapshot may reach up to where the next segment would begin.
        None if within_segment(snapshot) == 0 => snapshot,
        _ => {
            return Err(corrupt(&format!(
                "the log in data/db ends at {}, its snapshot reaches up to {snapshot}",
                end.unwrap_or(tail)
            )));
        }
    };
    Ok(Examined {
        snapshot,
        end,
        end_offset,
        gaps,
    })
}

/// Removes snapshots that a crash left unfinished: sled would take the newest
/// for whole, and not open.
///
/// # Errors
/// What the operating system reports.
pub(crate) fn remove_unfinished_snapshots(data: &Path) -> Result<()> {
    for path in files_named(data, SNAPSHOT_FILE)? {
        if path.to_string_lossy().ends_with(UNFINISHED) {
            fs::remove_file(&path)
                .map_err(|error| Error::io(format!("removing {}", path.display()), error))?;
        }
    }
    Ok(())
}

/// Up to where the newest snapshot in `data` reaches; zero if there is none.
fn newest_snapshot(data: &Path) -> Result<Place> {
    let reaches = files_named(data, SNAPSHOT_FILE)?
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            Place::from_str_radix(name.strip_prefix(SNAPSHOT_FILE)?, 16).ok()
        });
    Ok(reaches.max().unwrap_or(0))
}

/// A distance within a segment, as one in the log.
fn length(within: usize) -> Place {
    Place::try_from(within).unwrap_or(Place::MAX)
}

struct LogFile {
    path: PathBuf,
    file: File,
}

fn open_log(data: &Path) -> Result<LogFile> {
    let path = log_file(data);
    match File::open(&path) {
        Ok(file) => Ok(LogFile { path, file }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(corrupt("data/db is missing").with_source(error))
        }
        Err(error) => Err(Error::io(format!("opening {}", path.display()), error)),
    }
}

impl LogFile {
    /// The segments that begin at `least` or later in the log, by where they
    /// begin: where they are in the file, and what they vouch for.
    fn segments_from(&self, least: Place) -> Result<BTreeMap<Place, (u64, Place)>> {
        let bytes = self
            .file
            .metadata()
            .map_err(|error| self.failed(error))?
            .len();
        let mut segments = BTreeMap::new();
        let stride = u64::try_from(SEGMENT_BYTES).unwrap_or(u64::MAX);
        let mut offset = 0;
        while offset < bytes {
            let header = SegmentHeader::read(&self.read(offset, SEGMENT_HEADER_BYTES)?);
            if let Some(header) = header.filter(|header| header.start >= least) {
                let others = segments.insert(header.start, (offset, header.vouched));
                if let Some((other, _)) = others {
                    return Err(corrupt(&format!(
                        "bytes {other} and {offset} of data/db hold the same segment of the log"
                    )));
                }
            }
            offset += stride;
        }
        Ok(segments)
    }

    fn messages(&self, offset: u64, start: Place) -> Result<End> {
        Ok(read_messages(&self.segment(offset)?, segment_of(start)))
    }

    fn segment(&self, offset: u64) -> Result<Vec<u8>> {
        self.read(offset, SEGMENT_BYTES)
    }

    /// So many bytes, or as many as there are.
    fn read(&self, offset: u64, bytes: usize) -> Result<Vec<u8>> {
        let mut read = Vec::with_capacity(bytes);
        let limit = u64::try_from(bytes).unwrap_or(u64::MAX);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.take(limit).read_to_end(&mut read))
            .map_err(|error| self.failed(error))?;
        Ok(read)
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io(format!("reading {}", self.path.display()), error)
    }
}
