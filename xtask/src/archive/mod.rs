//! `cargo xtask archive`: how much smaller compression and deduplication make what there is
//! a lot of on every machine that builds this workspace, the sources of its dependencies.
//!
//! Every crate in `Cargo.lock` is unpacked once and stored file by file by the facade's example
//! `archive`; then the same files again, a few of them edited. What comes back must be what went
//! in, and what the archive takes is what its directory takes after it was closed.

mod report;
mod tree;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::{fs, io};

use anyhow::{Context, Result};
use clap::Args;
use tempfile::TempDir;

use self::report::{Report, Stored};
use self::tree::Tree;
use crate::interrupts::Interrupts;
use crate::test::Engine;
use crate::workspace::Workspace;
use crate::{install, process_group, tool};

/// How to edit, and how to say what came of it.
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// What is drawn from it: which files are edited, and where.
    #[arg(long, default_value_t = 8)]
    seed: u64,
    /// How many of a hundred files are edited.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(..=100))]
    edited: u8,
    /// End with one line of JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Imports, exports, compares and measures; success is that nothing changed and every bar is met.
pub(crate) fn run(args: &ArchiveArgs) -> Result<ExitCode> {
    install::missing(&install::needed_to_build(&[Engine::Fjall]))?;
    let work = Work::begin()?;
    work.unpack()?;
    let sources = Tree::of(&work.sources())?;
    let first = work.store("sources", &sources)?;
    let files_edited = sources.edit(args.edited, args.seed)?;
    let second = work.store("edited", &Tree::of(&work.sources())?)?;
    work.archive(&["usage"], None)?;
    let report = Report {
        first,
        second,
        files_edited,
    };
    report.print(args.json);
    Ok(if report.is_met() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is worked with. Its directory is gone when it is.
struct Work {
    root: PathBuf,
    scratch: TempDir,
    interrupts: Interrupts,
}

impl Work {
    fn begin() -> Result<Self> {
        let mut scratch = tempfile::Builder::new();
        let scratch = scratch.prefix("storage-archive-").tempdir();
        Ok(Self {
            root: Workspace::load()?.root,
            scratch: scratch.context("cannot make a directory to work in")?,
            interrupts: Interrupts::catch()?,
        })
    }

    fn sources(&self) -> PathBuf {
        self.scratch.path().join("sources")
    }

    fn archived(&self) -> PathBuf {
        self.scratch.path().join("archive")
    }

    /// Unpacks each crate of `Cargo.lock` that comes from a registry into a directory of its own.
    fn unpack(&self) -> Result<()> {
        let mut vendor = tool::cargo();
        vendor.current_dir(&self.root).arg("vendor");
        vendor.args(["--quiet", "--locked", "--versioned-dirs"]);
        // What it prints is for a configuration that is not wanted.
        vendor.arg(self.sources()).stdout(Stdio::null());
        process_group::run_one(&mut vendor, &self.interrupts)?;
        for unpacked in fs::read_dir(self.sources()).context("cannot list what was unpacked")? {
            // cargo's own, about the other files.
            let checksums = unpacked?.path().join(".cargo-checksum.json");
            fs::remove_file(&checksums)
                .with_context(|| format!("cannot remove {}", checksums.display()))?;
        }
        Ok(())
    }

    /// Stores the sources as they are now, and looks at what comes back.
    fn store(&self, name: &str, sources: &Tree) -> Result<Stored> {
        let exported = self.scratch.path().join("exported");
        let before = tree::disk_bytes(&self.archived())?;
        self.archive(&["import", name], Some(&self.sources()))?;
        let after = tree::disk_bytes(&self.archived())?;
        self.archive(&["export", name], Some(&exported))?;
        sources.ensure_same_as(&exported)?;
        fs::remove_dir_all(&exported).context("cannot remove what was exported")?;
        Ok(Stored {
            files: sources.files(),
            bytes: sources.bytes(),
            disk_bytes_added: after.saturating_sub(before),
        })
    }

    /// Runs the example on the archive.
    fn archive(&self, task: &[&str], directory: Option<&Path>) -> Result<()> {
        let mut command = tool::cargo();
        command.current_dir(&self.root);
        command.args(["run", "--quiet", "--package", "storage"]);
        command.args(["--features", "compress,dedup", "--example", "archive", "--"]);
        command.arg(self.archived()).args(task).args(directory);
        // Our output is for the report.
        command.stdin(Stdio::null()).stdout(io::stderr());
        process_group::run_one(&mut command, &self.interrupts)
    }
}
