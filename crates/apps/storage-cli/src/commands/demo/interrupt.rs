//! The import that is killed.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    Workshop,
    manifest::{Manifest, Survey},
};
use crate::{
    failure::{Failure, Result},
    interrupts,
    progress::Progress,
};

const SIGKILL: i32 = 9;
const BATCH_ENTRIES_MAX: u64 = 256;
const BATCH_BYTES_MAX: u64 = 4 << 20;
/// A small tree still makes several batches, so that there is a middle.
const BATCHES_MIN: u64 = 16;

/// What the store had acknowledged when the import was killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interrupted {
    pub(super) files: u64,
    /// Of the files, without their paths.
    pub(super) bytes: u64,
    pub(super) elapsed: Duration,
}

/// Imports in a child process, and kills it once half of the bytes are
/// acknowledged.
pub(super) fn import_until_killed(
    workshop: &Workshop,
    manifest: &Manifest,
    root: &Path,
    survey: &Survey,
) -> Result<Interrupted> {
    let mut samples = manifest.read()?;
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
        let Ok(files) = line.parse::<u64>() else {
            continue;
        };
        while interrupted.files < files
            && let Some(sample) = samples.next()
        {
            interrupted.files += 1;
            interrupted.bytes += sample?.bytes;
        }
        interrupted.elapsed = started.elapsed();
        progress.reach(interrupted.bytes);
        let is_far_enough = interrupted.bytes >= survey.bytes / 2;
        if !killed && (is_far_enough || interrupts::arrived()) {
            child
                .kill()
                .map_err(|error| Failure::io("kill the import", &error))?;
            killed = true;
        }
    }
    let status = child
        .wait()
        .map_err(|error| Failure::io("wait for the import", &error))?;
    // Ctrl-C reaches the child too.
    interrupts::check()?;
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
    let batch_bytes = (survey.bytes / BATCHES_MIN).clamp(1, BATCH_BYTES_MAX);
    Command::new(program)
        // All users of the machine see what is on a command line.
        .env("STORAGE_URL", workshop.url().revealed())
        .args(["demo-import", "--manifest"])
        .arg(workshop.manifest_path())
        .arg("--root")
        .arg(root)
        .args(["--batch-entries", &batch_entries.to_string()])
        .args(["--batch-bytes", &batch_bytes.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::io("start the import", &error))
}
