//! The import that is killed.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Workshop, manifest::Survey};
use crate::{
    failure::{Failure, Result},
    progress::Progress,
};

const SIGKILL: i32 = 9;
const BATCH_ENTRIES_MAX: u64 = 256;
/// A small tree still makes several batches, so that there is a middle.
const BATCHES_MIN: u64 = 16;

/// What the store had acknowledged when the import was killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interrupted {
    pub(super) files: u64,
    /// Of keys and values.
    pub(super) bytes: u64,
    pub(super) elapsed: Duration,
}

/// Imports in a child process, and kills it once half of the files, or half of
/// the bytes, are acknowledged.
pub(super) fn import_until_killed(
    workshop: &Workshop,
    root: &Path,
    survey: &Survey,
) -> Result<Interrupted> {
    let started = Instant::now();
    let mut child = spawn(workshop, root, survey)?;
    let progress = Progress::of_bytes("importing, to be killed half-way", survey.bytes);
    let mut interrupted = Interrupted {
        files: 0,
        bytes: 0,
        elapsed: Duration::ZERO,
    };
    let mut killed = false;
    // What the child said before it was killed is read to the end: that much
    // was acknowledged.
    let stdout = child.stdout.take();
    for line in stdout
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let line = line.map_err(|error| Failure::io("listen to the import", &error))?;
        let Some((files, bytes)) = acknowledgement(&line) else {
            continue;
        };
        progress.reach(bytes);
        interrupted = Interrupted {
            files,
            bytes,
            elapsed: started.elapsed(),
        };
        if !killed && (files * 2 >= survey.files || bytes >= survey.bytes / 2) {
            child
                .kill()
                .map_err(|error| Failure::io("kill the import", &error))?;
            killed = true;
        }
    }
    let status = child
        .wait()
        .map_err(|error| Failure::io("wait for the import", &error))?;
    if status.signal() == Some(SIGKILL) {
        Ok(interrupted)
    } else {
        Err(Failure::new(
            crate::status::Status::Other,
            format!("the import ended before it was killed: {status}"),
        ))
    }
}

fn spawn(workshop: &Workshop, root: &Path, survey: &Survey) -> Result<Child> {
    let program = env::current_exe().map_err(|error| Failure::io("find this program", &error))?;
    let batch_entries = (survey.files / BATCHES_MIN).clamp(1, BATCH_ENTRIES_MAX);
    Command::new(program)
        .args(["--store", workshop.url(), "demo-import", "--manifest"])
        .arg(workshop.manifest_path())
        .arg("--root")
        .arg(root)
        .args(["--batch-entries", &batch_entries.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::io("start the import", &error))
}

fn acknowledgement(line: &str) -> Option<(u64, u64)> {
    let (files, bytes) = line.split_once(' ')?;
    Some((files.parse().ok()?, bytes.parse().ok()?))
}
