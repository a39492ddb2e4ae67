//! Running the real `storage` command.

use std::{
    fs,
    io::Write,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
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

/// The command, without the environment's store.
pub(crate) fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_remove("STORAGE_URL");
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
