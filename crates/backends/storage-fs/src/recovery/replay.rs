//! Replaying logs: every commit since the base, in order.

use std::{
    fs::File,
    io::{BufReader, Read},
    sync::Arc,
};

use storage_core::{Mark, Result};

use super::Found;
use crate::{
    base::Base,
    error::{damaged, failed},
    files::{FileName, Folder},
    index::Index,
    log::{
        self,
        frame::{Chain, Frames, HEADER_BYTES, Next},
        record::{Changes, LogHeader, LoggedChange, MAGIC, Record, StoreTag},
    },
    version::{Version, VersionId},
    wire::as_u64,
};

/// How much of a log is read at a time.
const BUFFER_BYTES: usize = 1 << 20;

/// What base and logs come to.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) store: StoreTag,
    pub(super) index: Index,
    pub(super) next: VersionId,
    /// Versions from here on are in the logs.
    pub(super) first_logged: VersionId,
    pub(super) settled: VersionId,
    /// Versions before it are in the base or the logs, or will never be.
    pub(super) floor: VersionId,
    pub(super) dead: Vec<(FileName, u64)>,
    /// Versions that were put after they were settled, in the order of the log.
    pub(super) unsettled: Vec<Unsettled>,
    /// The logs that were replayed.
    pub(super) logs: Vec<(u64, Arc<File>)>,
    /// Where each but the last ends, together.
    pub(super) earlier_bytes: u64,
    pub(super) changes: u64,
    /// Where the last log ends, as far as it is whole.
    pub(super) end: (u64, Chain),
    /// Whether something follows.
    pub(super) is_cut: bool,
    /// Whether a clean close is the last that is in the log.
    pub(super) is_closed: bool,
    pub(super) base_bytes: u64,
}

/// A version whose file may not be durable.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) key: Vec<u8>,
    pub(super) version: Version,
    /// The record that put it.
    pub(super) at: Mark,
    /// Where in that log the content of the file is, if it is there.
    pub(super) content: Option<u64>,
}

/// Replays the logs in `data`, at most up to `limit`.
pub(super) fn replay(
    data: &Folder,
    found: &Found,
    mark: Option<Mark>,
    limit: Option<Mark>,
) -> Result<Replayed> {
    let (base, base_bytes) = found.read_base(data)?;
    let log_chain = base.log_chain;
    let mut replay = Replay {
        state: Replayed::of(base, base_bytes),
        mark,
        limit,
    };
    let mut expected = Expected::AfterBase(log_chain);
    for number in found.base.. {
        if !found.logs.contains(&number) {
            if number == found.base {
                return Err(damaged(&log::name(number), "is missing"));
            }
            break;
        }
        let file = data.write(&log::name(number));
        let file = file.map_err(|error| failed("reading", &log::name(number), error))?;
        if !replay.log(number, &Arc::new(file), expected)? || replay.state.is_cut {
            break;
        }
        expected = Expected::After(replay.state.end);
    }
    replay.end_is_as_promised()?;
    let last = replay.last_log();
    replay.state.is_cut |= found.logs.iter().any(|number| *number > last);
    Ok(replay.state)
}

struct Replay {
    state: Replayed,
    mark: Option<Mark>,
    limit: Option<Mark>,
}

/// What the header of a log must say.
#[derive(Clone, Copy)]
enum Expected {
    AfterBase(Chain),
    After((u64, Chain)),
}

impl Replay {
    /// Replays a log; says whether it is one that belongs there.
    fn log(&mut self, number: u64, file: &Arc<File>, expected: Expected) -> Result<bool> {
        let name = log::name(number);
        let reading = |error| failed("reading", &name, error);
        let length = file.metadata().map_err(reading)?.len();
        let input = BufReader::with_capacity(BUFFER_BYTES, &**file);
        let frames = Frames::new(input, MAGIC, length).map_err(reading)?;
        let mut frames = match self.begun(number, frames, expected)? {
            Some(frames) => frames,
            None if matches!(expected, Expected::After(_)) && !self.is_promised(number, 0) => {
                // It was begun, and nothing that was written to it is durable.
                return Ok(false);
            }
            None => return Err(damaged(&name, "does not begin as it should")),
        };
        if !self.state.logs.is_empty() {
            self.state.earlier_bytes += self.state.end.0;
        }
        self.state.logs.push((number, Arc::clone(file)));
        loop {
            let at = Mark {
                log: number,
                position: frames.tail().0,
            };
            self.state.end = frames.tail();
            if self.limit.is_some_and(|limit| at >= limit) {
                self.state.is_cut = true;
                return Ok(true);
            }
            match frames.next().map_err(reading)? {
                Next::Frame(payload) => self.record(at, &payload).ok_or_else(|| {
                    let place = at.position;
                    damaged(&name, format!("holds what is no record at byte {place}"))
                })?,
                Next::End => return Ok(true),
                Next::Broken if self.is_promised(number, at.position) => {
                    return Err(damaged(
                        &name,
                        format!("is damaged at byte {}", at.position),
                    ));
                }
                Next::Broken => {
                    self.state.is_cut = true;
                    return Ok(true);
                }
            }
        }
    }

    /// The frames behind the header of a log, if it has the one that it must
    /// have.
    fn begun<R: Read>(
        &self,
        number: u64,
        frames: Option<Frames<R>>,
        expected: Expected,
    ) -> Result<Option<Frames<R>>> {
        let Some(mut frames) = frames else {
            return Ok(None);
        };
        let next = frames.next();
        let next = next.map_err(|error| failed("reading", &log::name(number), error))?;
        let Next::Frame(payload) = next else {
            return Ok(None);
        };
        let Some(header) = LogHeader::parse(&payload) else {
            return Ok(None);
        };
        let follows = match expected {
            Expected::AfterBase(chain) => frames.tail().1 == chain,
            Expected::After(end) => (header.previous_end, header.previous_chain) == end,
        };
        let belongs = follows && header.store == self.state.store && header.number == number;
        Ok(belongs.then_some(frames))
    }

    /// Whether the log was durable beyond a place in it.
    fn is_promised(&self, log: u64, position: u64) -> bool {
        self.mark.is_some_and(|mark| Mark { log, position } < mark)
    }

    fn last_log(&self) -> u64 {
        self.state.logs.last().map_or(0, |(number, _)| *number)
    }

    fn end_is_as_promised(&self) -> Result<()> {
        let (end, _) = self.state.end;
        let last = self.last_log();
        if self.is_promised(last, end) {
            let mark = self.mark.unwrap_or_default();
            return Err(damaged(
                &log::name(mark.log),
                format!(
                    "was durable up to byte {}, but log {last} ends at byte {end} and none follows",
                    mark.position
                ),
            ));
        }
        Ok(())
    }

    fn record(&mut self, at: Mark, payload: &[u8]) -> Option<()> {
        let record = Record::parse(payload)?;
        self.state.is_closed = matches!(record, Record::Closed);
        match record {
            Record::Commit(changes) => return self.commit(at, payload.len(), changes),
            Record::Settled(below) => {
                self.settled(below);
                self.state.floor = below;
            }
            Record::Closed => {
                self.settled(self.state.next);
                self.state.floor = self.state.next;
                self.state.dead.clear();
            }
        }
        Some(())
    }

    fn settled(&mut self, below: VersionId) {
        let state = &mut self.state;
        state.settled = state.settled.max(below);
        state.unsettled.retain(|entry| entry.version.id >= below);
    }

    fn commit(&mut self, at: Mark, payload_bytes: usize, mut changes: Changes<'_>) -> Option<()> {
        while let Some(change) = changes.next() {
            self.state.changes += 1;
            match change? {
                LoggedChange::Delete { key } => {
                    let old = self.state.index.remove(key);
                    self.bury(key, old);
                }
                LoggedChange::Put {
                    key,
                    version,
                    content,
                } => {
                    let begin = payload_bytes - changes.left() - content.map_or(0, <[u8]>::len);
                    let begin = as_u64(HEADER_BYTES + begin);
                    self.put(key, version, at, content.map(|_| at.position + begin));
                }
            }
        }
        Some(())
    }

    fn put(&mut self, key: &[u8], version: Version, at: Mark, content: Option<u64>) {
        let state = &mut self.state;
        state.next = state.next.max(version.id.next());
        if version.file().is_some() {
            state.unsettled.push(Unsettled {
                key: key.to_vec(),
                version,
                at,
                content,
            });
        }
        let old = state.index.put(key, &version);
        self.bury(key, old);
    }

    /// Takes note of a version that no key refers to any more.
    fn bury(&mut self, key: &[u8], old: Option<Version>) {
        if let Some((version, file)) = old.and_then(|old| Some((old, old.file()?))) {
            let name = FileName::new(key, version.id, file.codec);
            self.state.dead.push((name, file.bytes));
        }
    }
}

impl Replayed {
    fn of(base: Base, base_bytes: u64) -> Self {
        Self {
            store: base.store,
            index: base.index,
            next: base.next,
            first_logged: base.next,
            settled: base.next,
            floor: base.next,
            dead: base.dead.into_iter().map(|name| (name, 0)).collect(),
            unsettled: Vec::new(),
            logs: Vec::new(),
            earlier_bytes: 0,
            changes: 0,
            end: (0, Chain::default()),
            is_cut: false,
            is_closed: false,
            base_bytes,
        }
    }
}
