//! What the recorder sees of a process.
//!
//! The recorded process is this test program again, which runs the one test
//! that is no test unless it is asked to be recorded.

mod endings;
mod names;

use std::{
    env,
    ffi::CString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::fd::{AsFd, AsRawFd},
    os::unix::ffi::OsStringExt,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use nix::{
    fcntl, libc,
    unistd::{self, Pid},
};

use super::{
    RecordError, Recording,
    memory::{Call, Stopped},
    record,
    recorder::Recorder,
    submit,
};
use crate::proof::power_loss::{
    event::{Event, FileOperation, Scope},
    tree::Tree,
    unsynced::unsynced,
};

const DEED: &str = "STORAGE_RECORDED_DEED";

type Deed = fn(&Path) -> io::Result<()>;

const DEEDS: [(&str, Deed); 14] = [
    ("appends", appends),
    ("positions", positions),
    ("vectors", vectors),
    ("sizes", sizes),
    ("names", names::names),
    ("copies", copies),
    ("syncs", syncs),
    ("threads", threads),
    ("synchronous", synchronous),
    ("spawns", spawns),
    ("fails", fails),
    ("links", names::links),
    ("stops", endings::stops),
    ("hangs", endings::hangs),
];

#[test]
fn the_recorded_process() {
    let (Ok(deed), Ok(root)) = (env::var(DEED), env::var("STORAGE_RECORDED_ROOT")) else {
        return;
    };
    submit().unwrap();
    let (_, deed) = DEEDS.iter().find(|(name, _)| *name == deed).unwrap();
    deed(Path::new(&root)).unwrap();
    // What the test runner does afterwards is of no interest.
    std::process::exit(0);
}

fn recorded(deed: &str) -> Result<Recording, RecordError> {
    recorded_within(deed, Duration::from_mins(1))
}

fn recorded_within(deed: &str, at_most: Duration) -> Result<Recording, RecordError> {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("old"), b"0123456789").unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "--test-threads=1", "--nocapture"])
        .arg("proof::power_loss::record::tests::the_recorded_process")
        .env(DEED, deed)
        .env("STORAGE_RECORDED_ROOT", root.path());
    record(&mut command, root.path(), &["-shm"], at_most)
}

/// The writes of a recording: where, and what.
fn writes(recording: &Recording) -> Vec<(u64, &[u8])> {
    operations(recording)
        .filter_map(|operation| match operation {
            FileOperation::Write { offset, bytes, .. } => Some((*offset, bytes.as_slice())),
            _ => None,
        })
        .collect()
}

fn operations(recording: &Recording) -> impl Iterator<Item = &FileOperation> {
    recording.events.iter().filter_map(|event| match event {
        Event::Operation(operation) => Some(operation),
        _ => None,
    })
}

fn appends(root: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(root.join("old"))?;
    file.write_all(b"ab")?;
    file.write_all(b"cd")?;
    // Linux appends, whatever offset is given.
    file.write_all_at(b"ef", 3)
}

#[test]
fn an_append_is_recorded_where_the_file_ended() {
    let recording = recorded("appends").unwrap();
    let expected: [(u64, &[u8]); 3] = [(10, b"ab"), (12, b"cd"), (14, b"ef")];
    assert_eq!(writes(&recording), expected);
}

fn positions(root: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(root.join("old"))?;
    file.read_exact(&mut [0; 2])?;
    file.write_all(b"ab")?;
    file.seek(SeekFrom::Start(7))?;
    file.try_clone()?.write_all(b"cd")?;
    file.write_all_at(b"ef", 0)?;
    file.write_all(b"g")
}

#[test]
fn a_write_is_recorded_at_the_position_of_its_descriptor() {
    let recording = recorded("positions").unwrap();
    let expected: [(u64, &[u8]); 4] = [(2, b"ab"), (7, b"cd"), (0, b"ef"), (9, b"g")];
    assert_eq!(writes(&recording), expected);
}

fn vectors(root: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(root.join("old"))?;
    let parts = [
        io::IoSlice::new(b"ab"),
        io::IoSlice::new(b""),
        io::IoSlice::new(b"cde"),
    ];
    assert_eq!((&file).write_vectored(&parts)?, 5);
    nix::sys::uio::pwritev(&file, &parts, 20)?;
    Ok(())
}

#[test]
fn a_vector_of_buffers_is_one_write() {
    let recording = recorded("vectors").unwrap();
    let expected: [(u64, &[u8]); 2] = [(0, b"abcde"), (20, b"abcde")];
    assert_eq!(writes(&recording), expected);
}

fn sizes(root: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(root.join("old"))?;
    file.set_len(4)?;
    unistd::truncate(&root.join("old"), 6)?;
    fcntl::fallocate(&file, fcntl::FallocateFlags::empty(), 0, 9000)?;
    let hole =
        fcntl::FallocateFlags::FALLOC_FL_PUNCH_HOLE | fcntl::FallocateFlags::FALLOC_FL_KEEP_SIZE;
    fcntl::fallocate(&file, hole, 1, 2)?;
    File::create(root.join("old"))?;
    Ok(())
}

#[test]
fn every_way_to_change_a_size_is_recorded() {
    let recording = recorded("sizes").unwrap();
    let sizes: Vec<String> = operations(&recording)
        .map(|operation| match operation {
            FileOperation::Resize { size, .. } => size.to_string(),
            FileOperation::Zero { range, .. } => format!("{range:?}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(sizes, ["4", "6", "9000", "1..3", "0"]);
}

fn copies(root: &Path) -> io::Result<()> {
    fs::copy(root.join("old"), root.join("copy"))?;
    let source = File::open(root.join("old"))?;
    let target = OpenOptions::new().append(true).open(root.join("copy"))?;
    nix::sys::sendfile::sendfile(&target, &source, None, 4)
        .map(drop)
        .or_else(|error| {
            // Not every kernel sends to a descriptor that appends.
            if error == nix::errno::Errno::EINVAL {
                Ok(())
            } else {
                Err(error)
            }
        })?;
    Ok(())
}

#[test]
fn what_the_kernel_copies_is_recorded_too() {
    let recording = recorded("copies").unwrap();
    assert_eq!(writes(&recording)[0], (0, b"0123456789".as_slice()));
}

fn syncs(root: &Path) -> io::Result<()> {
    let file = File::create(root.join("new"))?;
    file.write_all_at(b"new", 0)?;
    file.sync_data()?;
    // As notes are written: past the buffer, by another descriptor.
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    File::from(output).write_all(b"synced\n")?;
    File::open(root)?.sync_all()?;
    unistd::syncfs(&file)?;
    unistd::sync();
    Ok(())
}

#[test]
fn syncs_and_marks_stand_where_they_happened() {
    let recording = recorded("syncs").unwrap();
    let mark = recording
        .events
        .iter()
        .position(|event| matches!(event, Event::Mark(text) if text == b"synced\n"))
        .unwrap();
    let pending = unsynced(&recording.events[..mark]);
    assert!(
        matches!(pending[..], [(_, FileOperation::Create { .. })]),
        "the name is not durable yet: {pending:?}"
    );
    assert_eq!(unsynced(&recording.events), vec![]);
    let scopes: Vec<Scope> = recording
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SyncBegins { scope, .. } => Some(*scope),
            _ => None,
        })
        .collect();
    assert!(matches!(
        scopes[..],
        [Scope::Node(_), Scope::Node(_), Scope::All, Scope::All]
    ));
}

fn threads(root: &Path) -> io::Result<()> {
    let file = OpenOptions::new().append(true).open(root.join("old"))?;
    thread::scope(|scope| {
        for thread in 0..4_u8 {
            let (mut file, root) = (&file, root);
            scope.spawn(move || {
                for _ in 0..50 {
                    file.write_all(&[b'a' + thread; 3]).unwrap();
                    file.sync_data().unwrap();
                }
                fs::write(root.join(thread.to_string()), b"done").unwrap();
            });
        }
    });
    Ok(())
}

#[test]
fn the_changes_of_all_threads_add_up() {
    let recording = recorded("threads").unwrap();
    let appended: Vec<u64> = writes(&recording)
        .iter()
        .filter(|(_, bytes)| bytes.len() == 3)
        .map(|(offset, _)| *offset)
        .collect();
    let expected: Vec<u64> = (0..200).map(|index| 10 + 3 * index).collect();
    assert_eq!(appended, expected);
}

fn synchronous(root: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .custom_flags(libc::O_DSYNC)
        .open(root.join("old"))?;
    file.write_all_at(b"kept", 0)
}

#[test]
fn a_write_through_a_synchronous_descriptor_is_durable() {
    let recording = recorded("synchronous").unwrap();
    assert_eq!(writes(&recording).len(), 1);
    assert_eq!(unsynced(&recording.events), vec![]);
}

fn spawns(_: &Path) -> io::Result<()> {
    Command::new("/bin/true").status().map(drop)
}

#[test]
fn another_process_is_refused_by_name() {
    let error = recorded("spawns").unwrap_err().to_string();
    assert!(
        error.contains("fork") || error.contains("execve"),
        "{error}"
    );
}

/// What the recorder says of a call that this process could make.
fn refusal(root: &Path, number: libc::c_long, arguments: [u64; 6]) -> Option<String> {
    let (_, nodes) = Tree::load(root).unwrap();
    let mut recorder = Recorder::new(root.to_owned(), nodes, &["-shm"]).unwrap();
    let call = Call { number, arguments };
    let step = recorder.begin(Stopped(Pid::this()), &call);
    step.err().map(|error| error.to_string())
}

#[test]
fn a_file_mapped_for_writing_is_refused_unless_its_name_allows_it() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let [file, index] = ["store.db", "store.db-shm"].map(|name| {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true);
        options.open(root.join(name)).unwrap()
    });
    let map = |file: &File, protection: i32, kind: i32| {
        let word = |number: i32| u64::try_from(number).unwrap();
        let descriptor = word(file.as_raw_fd());
        let arguments = [0, 4096, word(protection), word(kind), descriptor, 0];
        refusal(&root, libc::SYS_mmap, arguments)
    };
    let writing = libc::PROT_READ | libc::PROT_WRITE;
    let refused = map(&file, writing, libc::MAP_SHARED).unwrap();
    assert!(refused.contains("mmap on "), "{refused}");
    assert!(refused.contains("store.db"), "{refused}");
    assert_eq!(map(&index, writing, libc::MAP_SHARED), None);
    assert_eq!(map(&file, writing, libc::MAP_PRIVATE), None);
    assert_eq!(map(&file, libc::PROT_READ, libc::MAP_SHARED), None);
}

#[test]
fn what_is_not_known_is_refused_by_its_name_or_number() {
    let root = tempfile::tempdir().unwrap();
    let refused = refusal(root.path(), libc::SYS_io_uring_setup, [0; 6]).unwrap();
    assert!(refused.contains("io_uring_setup"), "{refused}");
    let refused = refusal(root.path(), 9_999, [0; 6]).unwrap();
    assert!(refused.contains("system call 9999"), "{refused}");
}

#[test]
fn a_file_moved_out_of_the_directory_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    let root = tempfile::tempdir().unwrap();
    let from = root.path().join("file");
    fs::write(&from, b"").unwrap();
    let [from, to] = [from, outside.path().join("file")]
        .map(|path| CString::new(path.into_os_string().into_vec()).unwrap());
    let address = |text: &CString| u64::try_from(text.as_ptr().addr()).unwrap();
    let arguments = [address(&from), address(&to), 0, 0, 0, 0];
    let refused = refusal(root.path(), libc::SYS_rename, arguments).unwrap();
    assert!(
        refused.contains("out of the recorded directory"),
        "{refused}"
    );
}

fn fails(_: &Path) -> io::Result<()> {
    Err(io::Error::other("the disk is made of cheese"))
}

#[test]
fn a_process_that_fails_says_why() {
    let error = recorded("fails").unwrap_err().to_string();
    assert!(error.contains("ended with status 101"), "{error}");
    assert!(error.contains("the disk is made of cheese"), "{error}");
}
