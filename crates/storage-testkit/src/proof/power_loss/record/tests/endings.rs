//! What the recorder sees of processes that stop, or do not end.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::FileExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{recorded, recorded_within, writes};

/// Stops and continues itself again and again while it writes.
pub(super) fn stops(root: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(root.join("old"))?;
    let stops = thread::spawn(|| {
        for _ in 0..STOPS {
            kill(Pid::this(), Signal::SIGSTOP).unwrap();
            kill(Pid::this(), Signal::SIGCONT).unwrap();
        }
    });
    let bytes = vec![b's'; 1 << 20];
    while !stops.is_finished() {
        file.write_all_at(&bytes, 0)?;
    }
    file.write_all_at(b"end", 0)
}

const STOPS: usize = 60;

#[test]
fn a_process_that_is_stopped_while_it_writes_is_followed_to_its_end() {
    let recording = recorded("stops").unwrap();
    let last = writes(&recording).pop();
    assert_eq!(last, Some((0, b"end".as_slice())));
}

/// Does not care whether anybody waits for its end.
pub(super) fn hangs(_: &Path) -> io::Result<()> {
    loop {
        thread::park();
    }
}

#[test]
fn a_process_that_does_not_end_is_killed_and_named() {
    let begun = Instant::now();
    let error = recorded_within("hangs", Duration::from_millis(100)).unwrap_err();
    assert!(error.to_string().contains("was killed"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(30));
}
