//! Running the real `storage` command.

use std::{
    fs,
    io::Write,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_storage");

/// A directory with a store in it, and room for files.
pub(crate) struct Bench {
    directory: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn url(&self) -> String {
        format!("fjall:{}", self.path("store").display())
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs the command on this bench's store.
    pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Run {
        self.run_with_input(arguments, b"")
    }

    pub(crate) fn run_with_input<A: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: &[A],
        input: &[u8],
    ) -> Run {
        let mut command = command();
        command.arg("--store").arg(self.url()).args(arguments);
        run(command, input)
    }

    /// Runs the command, which must succeed, and gives its standard output.
    pub(crate) fn done<A: AsRef<std::ffi::OsStr>>(&self, arguments: &[A]) -> Vec<u8> {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{}", run.errors);
        run.output
    }

    /// Every entry, exactly.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let output = self.done(&["scan", "--json", "--hex"]);
        let lines = std::str::from_utf8(&output).unwrap().lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        let output = self.done(&["scan", "--keys-only"]);
        String::from_utf8(output)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

/// What a run of the command left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) output: Vec<u8>,
    pub(crate) errors: String,
}

impl Run {
    /// Checks the exit code, and that the error says each of `words`.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.errors);
        assert!(self.errors.starts_with("error: "), "{}", self.errors);
        for word in words {
            assert!(
                self.errors.contains(word),
                "`{word}` is not in {}",
                self.errors
            );
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            output: output.stdout,
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The command, without the environment's store and passwords.
pub(crate) fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    for name in ["STORAGE_URL", "PGPASSWORD", "PGPASSFILE"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn run(mut command: Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

/// Runs the command on the store at a URL.
pub(crate) fn at(url: &str, arguments: &[&str], input: &[u8]) -> Run {
    let mut at = command();
    at.args(["--store", url]).args(arguments);
    run(at, input)
}

/// As [`at`], which must succeed, and gives its standard output.
#[track_caller]
pub(crate) fn done_at(url: &str, arguments: &[&str]) -> Vec<u8> {
    let run = at(url, arguments, b"");
    assert_eq!(run.code, 0, "{arguments:?}: {}", run.errors);
    run.output
}

/// Everything in a tree: paths with contents, `None` for directories.
pub(crate) fn tree(root: &Path) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let mut found: Vec<_> = walkdir::WalkDir::new(root)
        .min_depth(1)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(root).unwrap();
            let content = entry
                .file_type()
                .is_file()
                .then(|| fs::read(entry.path()).unwrap());
            (path.as_os_str().as_bytes().to_vec(), content)
        })
        .collect();
    found.sort();
    found
}

/// Sends Ctrl-C to a process.
pub(crate) fn interrupt(child: &Child) {
    let process = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &process]).status();
    assert!(sent.unwrap().success());
}

/// Fills the store with entries `key-00000000` and so on.
pub(crate) fn many_entries(bench: &Bench, entries: usize, value_bytes: usize) {
    let mut lines = Vec::new();
    for number in 0..entries {
        let value = format!("{number:09} ").repeat(value_bytes.div_ceil(10));
        writeln!(lines, r#"{{"key":"key-{number:08}","value":"{value}"}}"#).unwrap();
    }
    let source = bench.write("entries.jsonl", lines);
    bench.done(&[std::ffi::OsStr::new("import"), source.as_os_str()]);
}

/// Flips a byte of a block of entries in each large sorted file: its index and
/// all that an open reads lie further behind.
pub(crate) fn damage_tables(bench: &Bench) {
    let mut damaged = 0;
    for entry in walkdir::WalkDir::new(bench.path("store/data")) {
        let entry = entry.unwrap();
        let is_table = entry.path().parent().unwrap().ends_with("tables");
        let is_large = entry.metadata().unwrap().len() > 10_000;
        if is_table && is_large {
            let mut bytes = fs::read(entry.path()).unwrap();
            let place = bytes.len() / 4;
            bytes[place] ^= 0xFF;
            fs::write(entry.path(), bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "there are tables");
}

/// Moments at which something is killed, from a seed that is printed.
pub(crate) struct Moments {
    state: u64,
}

impl Moments {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let given = std::env::var("STORAGE_TEST_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok());
        let state = seed.unwrap_or(u64::from(now.subsec_nanos()));
        println!("STORAGE_TEST_SEED={state}");
        Self { state }
    }

    /// A time of up to `limit`, by the generator splitmix64.
    pub(crate) fn next_up_to(&mut self, limit: Duration) -> Duration {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let limit = u64::try_from(limit.as_micros()).unwrap();
        Duration::from_micros(mixed % limit)
    }
}
