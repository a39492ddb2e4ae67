//! Removing what a crash left behind: the torn end of the log, and files that no
//! record names.

use std::{collections::HashSet, sync::Arc};

use storage_core::{Mark, Result};

use super::{Cut, Found, Recovered, replay::Replayed};
use crate::{
    error::{damaged, failed},
    files::{Folder, Listed, Shard, VALUES, ValueFiles},
    log::{self, Log},
    version::VersionId,
};

pub(super) fn tidy(
    data: &Folder,
    files: &ValueFiles,
    found: &Found,
    mut replayed: Replayed,
) -> Result<Recovered> {
    let (number, file) = match replayed.logs.last() {
        Some((number, file)) => (*number, Arc::clone(file)),
        None => return Err(damaged(&log::name(found.base), "is missing")),
    };
    let (end, _) = replayed.end;
    let at = Mark {
        log: number,
        position: end,
    };
    let cut = if replayed.is_cut {
        cut_off(data, found, at, &file)?
    } else {
        None
    };
    for leftover in &found.leftovers {
        data.remove(leftover)
            .map_err(|error| failed("removing", leftover, error))?;
    }
    let next = remove_orphans(files, &replayed)?;
    let is_closed = replayed.is_closed && next == replayed.next;
    replayed.next = next;
    let unsettled = replayed.unsettled.iter().map(|entry| entry.version.id);
    let unsettled = unsettled.chain([replayed.settled]).min();
    files.unsettle(unsettled.unwrap_or_default(), replayed.next);
    Ok(Recovered {
        log: Log::new(file, replayed.store, number, replayed.end),
        index: replayed.index,
        next: replayed.next,
        first_logged: replayed.first_logged,
        logs: replayed.logs,
        log_bytes: replayed.earlier_bytes + end,
        log_changes: replayed.changes,
        base_number: found.base,
        base_bytes: replayed.base_bytes,
        dead: replayed.dead,
        is_closed,
        cut,
    })
}

/// Ends the log at `at`, durably: what is appended must not be followed by what
/// was there before.
fn cut_off(data: &Folder, found: &Found, at: Mark, file: &std::fs::File) -> Result<Option<Cut>> {
    let name = log::name(at.log);
    let cutting = |error| failed("cutting off", &name, error);
    let length = file.metadata().map_err(cutting)?.len();
    let mut bytes = length.saturating_sub(at.position);
    file.set_len(at.position)
        .and_then(|()| file.sync_all())
        .map_err(cutting)?;
    for later in found.logs.iter().filter(|number| **number > at.log) {
        let name = log::name(*later);
        let removing = |error| failed("removing", &name, error);
        let log = data.read(&name).map_err(removing)?;
        bytes += log.metadata().map_err(removing)?.len();
        data.remove(&name).map_err(removing)?;
    }
    data.sync().map_err(cutting)?;
    Ok((bytes > 0).then_some(Cut { at, bytes }))
}

/// Removes the files of versions that were never committed. Gives the first
/// version that no file has.
fn remove_orphans(files: &ValueFiles, replayed: &Replayed) -> Result<VersionId> {
    let Replayed { floor, next, .. } = *replayed;
    let named = if floor < next {
        named_from(floor, replayed)
    } else {
        HashSet::new()
    };
    let mut orphans = Vec::new();
    let mut free = next;
    files
        .for_each(Shard::of(floor.min(next)), |listed| {
            if let Listed::Value { id, shard, name } = listed
                && (id >= next || id >= floor && !named.contains(&id))
            {
                free = free.max(id.next());
                orphans.push((shard, name));
            }
        })
        .map_err(|error| failed("reading", VALUES, error))?;
    for (shard, name) in orphans {
        files
            .remove_listed(shard, &name)
            .map_err(|error| failed("removing a file in", VALUES, error))?;
    }
    Ok(free)
}

/// Versions from `first` on whose files are needed, or known to be dead.
fn named_from(first: VersionId, replayed: &Replayed) -> HashSet<VersionId> {
    let dead = replayed.dead.iter().map(|(name, _)| name.id());
    let mut named: HashSet<_> = dead.filter(|id| *id >= first).collect();
    replayed.index.for_each(|_, version| {
        if version.id >= first {
            named.insert(version.id);
        }
    });
    named
}
