//! Records what a process does to the files below a directory.
//!
//! The process stops itself ([`submit`]), is seized with `ptrace`, and then lets
//! a filter in the kernel stop it at each system call that is not known to be
//! harmless. A call that changes files is followed to
//! its end, and while it runs every other thread that wants to change files is
//! held. So the order of the changes is known, and only syncs run beside them.
//!
//! What cannot be modelled ends the recording with an error that names it.
//! And so that nothing is missed, the recording is played back with everything
//! kept: the result must be the directory as the process left it.

mod calls;
mod change;
mod content;
mod error;
mod filter;
mod memory;
mod names;
mod recorder;
#[cfg(test)]
mod tests;
mod tracer;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

pub(in crate::proof) use self::{error::RecordError, filter::submit};
use self::{recorder::Recorder, tracer::Tracer};
use super::{event::Event, loss::after, tree::Tree};

/// How long a process may take to end when its time is over.
const GRACE: Duration = Duration::from_secs(5);

/// What a process did to a directory.
#[derive(Clone, Debug)]
pub(in crate::proof) struct Recording {
    /// The directory before. All of it counts as durable.
    pub(in crate::proof::power_loss) base: Tree,
    /// What happened, in order.
    pub(in crate::proof::power_loss) events: Vec<Event>,
}

/// Runs `command`, which must call [`submit`] first, to its end, and records
/// what it does to the files below `root`. Files whose names end in one of
/// `mapped` may be mapped into memory for writing; their content is not
/// recorded. After `at_most` the process's standard input ends, and the process
/// should do so too, or it is killed, which is an error.
pub(in crate::proof) fn record(
    command: &mut Command,
    root: &Path,
    mapped: &[&str],
    at_most: Duration,
) -> Result<Recording, RecordError> {
    // The tracer is one thread: the kernel ties the traced process to it.
    thread::scope(|scope| {
        let tracing = scope.spawn(|| record_here(command, root, mapped, at_most));
        tracing.join().unwrap_or(Err(RecordError::Panicked))
    })
}

fn record_here(
    command: &mut Command,
    root: &Path,
    mapped: &[&str],
    at_most: Duration,
) -> Result<Recording, RecordError> {
    let root = root.canonicalize()?;
    let (base, nodes) = Tree::load(&root)?;
    let recorder = Recorder::new(root.clone(), nodes, mapped)?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    let (ends, ended) = mpsc::channel::<()>();
    let process = Pid::from_raw(child.id().cast_signed());
    let watch = thread::spawn(move || {
        // Either the recording is over or it is time that it was.
        let _ = ended.recv_timeout(at_most);
        drop(input);
        // Its end may be what it hangs at, so in the end nobody asks it.
        let is_overdue = ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout);
        is_overdue && kill(process, Signal::SIGKILL).is_ok()
    });
    // What is written there is seen as it is written.
    let output = drain(child.stdout.take());
    let complaints = drain(child.stderr.take());
    let traced = Tracer::seize(child.id(), recorder).and_then(Tracer::run);
    drop(ends);
    let was_killed = watch.join().unwrap_or_default();
    let _ = output.join();
    let complaints = complaints.join().unwrap_or_default();
    let events = if was_killed {
        Err(RecordError::overdue(at_most.saturating_add(GRACE)))
    } else {
        traced
    };
    let events = events.map_err(|error| error.with_complaints(&complaints))?;
    let recording = Recording { base, events };
    let (found, _) = Tree::load(&root)?;
    let played = after(&recording.base, &recording.events, &BTreeMap::new());
    let differences = played.differences(&found, |path| is_mapped(path, mapped));
    if differences.is_empty() {
        Ok(recording)
    } else {
        Err(RecordError::Incomplete(differences))
    }
}

/// Reads all that a process writes, so that it need not wait.
fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is all that can be shown.
            let _ = pipe.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// Whether the name of a file allows it to be mapped for writing.
fn is_mapped(path: &Path, mapped: &[&str]) -> bool {
    let name = path
        .file_name()
        .map(OsStr::to_string_lossy)
        .unwrap_or_default();
    mapped.iter().any(|suffix| name.ends_with(suffix))
}
