//! `cargo xtask test`: every test of the workspace, and one closing line that counts them.
//!
//! Plain `cargo test` is used, which needs nothing but Rust and a linker and runs the examples in
//! the documentation too. It runs in a process group of its own, so that whatever the tests start
//! is stopped when they end, fail or are interrupted.

mod engine;
mod extra;
mod proved;
mod tally;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;

pub(crate) use self::engine::Engine;
use self::proved::{Difference, RECORD_VARIABLE};
use self::tally::Tally;
use crate::interrupts::Interrupts;
use crate::process_group::ProcessGroup;
use crate::workspace::Workspace;
use crate::{install, tool};

/// The environment variable in which the tests read the engines to run over; all of them if it is
/// not set.
const ENGINES_VARIABLE: &str = "STORAGE_TEST_ENGINES";

/// What to run.
#[derive(Debug, Default, Args)]
pub(crate) struct TestArgs {
    /// Run the tests that run over every engine over these only, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "ENGINE")]
    engines: Vec<Engine>,
    /// Run the tests of these servers besides, which take long to install, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "SERVER")]
    with: Vec<extra::Extra>,
    /// Run only the tests whose name contains this.
    #[arg(long, value_name = "STR")]
    filter: Option<String>,
    /// Write `docs/engines.md` anew from what the tests have proved.
    #[arg(long, conflicts_with_all = ["engines", "filter"])]
    write_engines_page: bool,
}

impl TestArgs {
    /// Whether nothing is left out.
    fn is_complete(&self) -> bool {
        self.engines.is_empty() && self.filter.is_none()
    }

    fn difference(&self) -> Difference {
        if self.write_engines_page {
            Difference::Write
        } else {
            Difference::Refuse
        }
    }
}

/// Runs the tests; the last line printed is `N passed, N failed, N skipped`.
pub(crate) fn run(args: &TestArgs) -> Result<ExitCode> {
    let mut needed = install::needed_to_test(&args.engines);
    needed.extend(args.with.iter().flat_map(|extra| extra.requirements()));
    install::missing(&needed)?;

    let interrupts = Interrupts::catch()?;
    let record = NamedTempFile::new().context("cannot make a file for what the tests prove")?;
    let mut main = cargo_test(args);
    main.env(RECORD_VARIABLE, record.path());
    let extras = args.with.iter().map(|extra| extra.cargo_test(args));
    let mut tally = Tally::default();
    let mut status = ExitStatus::default();
    for mut command in std::iter::once(main).chain(extras) {
        let ended = run_one(&mut command, &interrupts, &mut tally)?;
        if !ended.success() {
            status = ended;
        }
        if interrupts.any() {
            break;
        }
    }

    if tally.is_mid_line() {
        println!();
    }
    let complaint = if interrupts.any() {
        Some("interrupted".to_owned())
    } else {
        complaint(&tally, status).map(str::to_owned)
    };
    let complaint = complaint.or_else(|| {
        let is_settled = if args.is_complete() {
            settle(record.path(), args.difference())
        } else {
            Ok(())
        };
        is_settled.err().map(|error| format!("{error:#}"))
    });
    Ok(conclude(complaint.as_deref(), &tally))
}

/// Runs the tests of one command, whose output is piped; the last line is that of [`run`].
pub(crate) fn run_alone(mut command: Command) -> Result<ExitCode> {
    let interrupts = Interrupts::catch()?;
    let mut tally = Tally::default();
    let status = run_one(&mut command, &interrupts, &mut tally)?;
    let complaint = if interrupts.any() {
        Some("interrupted")
    } else {
        complaint(&tally, status)
    };
    Ok(conclude(complaint, &tally))
}

fn conclude(complaint: Option<&str>, tally: &Tally) -> ExitCode {
    if let Some(complaint) = complaint {
        eprintln!("error: {complaint}");
    }
    println!("{tally}");
    complaint.map_or(ExitCode::SUCCESS, |_| ExitCode::FAILURE)
}

/// Runs a command to its end, and counts the tests that it runs.
fn run_one(
    command: &mut Command,
    interrupts: &Interrupts,
    tally: &mut Tally,
) -> Result<ExitStatus> {
    let mut group = ProcessGroup::spawn(command)?;
    interrupts.stop_group(group.id());
    let stdout = group
        .take_stdout()
        .context("the output of cargo is piped")?;
    thread::scope(|scope| {
        let reader = scope.spawn(move || stream(stdout, tally));
        let status = group.finish(interrupts)?;
        reader
            .join()
            .map_err(|_panic| anyhow!("reading the output of cargo panicked"))??;
        Ok(status)
    })
}

fn settle(record: &Path, difference: Difference) -> Result<()> {
    proved::settle(&Workspace::load()?.root, record, difference)
}

/// Why a run that came to its end is not a success, if it is none.
fn complaint(tally: &Tally, status: ExitStatus) -> Option<&'static str> {
    if tally.failed() > 0 {
        Some("tests failed")
    } else if !status.success() {
        Some("cargo test did not succeed, so not every test has run")
    } else if tally.ran() == 0 {
        Some("no test ran")
    } else {
        None
    }
}

fn cargo_test(args: &TestArgs) -> Command {
    let mut command = tool::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    command.args(packages(&args.engines));
    finish(&mut command, args);
    if args.engines.is_empty() {
        command.env_remove(ENGINES_VARIABLE);
    } else {
        let names: Vec<_> = args.engines.iter().map(|engine| engine.name()).collect();
        command.env(ENGINES_VARIABLE, names.join(","));
    }
    command
}

/// What all runs of tests have at their end.
fn finish(command: &mut Command, args: &TestArgs) {
    if let Some(filter) = &args.filter {
        command.args(["--", filter]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
}

/// Everything; or all but the crates of engines that are left out and take long to build, or a
/// server to test.
fn packages(engines: &[Engine]) -> Vec<String> {
    let left_out = |engine: &&Engine| !engines.is_empty() && !engines.contains(engine);
    let all = Engine::value_variants().iter();
    let left_out: Vec<_> = all.filter(left_out).collect();
    let features = if left_out.iter().any(|engine| engine.is_slow_to_build()) {
        "--features=storage/cache,storage/fallback,storage-core/runtime,storage-core/networked,storage-testkit/servers"
    } else {
        "--all-features"
    };
    left_out
        .iter()
        .filter(|engine| engine.is_slow_to_build() || engine.server().is_some())
        .map(|engine| engine.package())
        .filter(|package| !engines.iter().any(|engine| engine.package() == *package))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|package| format!("--exclude={package}"))
        .chain([features.to_owned()])
        .collect()
}

/// Copies the output through as it comes, so that a test that hangs is seen to hang, and counts on
/// the way.
fn stream(mut from: ChildStdout, tally: &mut Tally) -> Result<()> {
    let mut chunk = [0; 8 * 1024];
    let mut to = io::stdout().lock();
    loop {
        let length = from
            .read(&mut chunk)
            .context("cannot read the output of cargo")?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        tally.feed(read);
        to.write_all(read)
            .and_then(|()| to.flush())
            .context("cannot write to the terminal")?;
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn changes_engines_to(command: &Command, value: Option<&str>) -> bool {
        let change = (OsStr::new(ENGINES_VARIABLE), value.map(OsStr::new));
        command.get_envs().any(|made| made == change)
    }

    #[test]
    fn chosen_engines_reach_the_tests_as_a_comma_list() {
        let args = TestArgs {
            engines: vec![Engine::Memory, Engine::Fjall],
            filter: None,
            ..TestArgs::default()
        };

        assert!(changes_engines_to(&cargo_test(&args), Some("memory,fjall")));
    }

    #[test]
    fn without_a_choice_an_inherited_list_of_engines_is_removed() {
        assert!(changes_engines_to(&cargo_test(&TestArgs::default()), None));
    }

    #[test]
    fn an_engine_that_is_slow_to_build_is_not_built_where_it_is_left_out() {
        let args = |engines| TestArgs {
            engines,
            filter: None,
            ..TestArgs::default()
        };

        let without = tool::command_line(&cargo_test(&args(vec![Engine::Fjall])));
        let with = tool::command_line(&cargo_test(&args(vec![Engine::Fjall, Engine::Rocks])));

        assert!(without.contains("--exclude=storage-rocks"), "{without}");
        assert!(!without.contains("--all-features"), "{without}");
        assert!(with.contains("--all-features"), "{with}");
    }

    #[test]
    fn an_engine_that_takes_a_server_is_not_tested_where_it_is_left_out() {
        let line = |engines| packages(engines).join(" ");

        assert_eq!(line(&[]), "--all-features");
        let excluded = "--exclude=storage-pg";
        assert!(line(&[Engine::Fjall]).contains(excluded));
        assert!(line(&[Engine::Rocks]).contains(excluded));
        assert!(!line(&[Engine::Pg]).contains(excluded));
        assert!(line(&[Engine::Pg]).contains("--exclude=storage-redis"));
        let cluster = line(&[Engine::RedisCluster]);
        assert!(!cluster.contains("storage-redis"), "{cluster}");
    }

    #[test]
    fn a_filter_is_given_to_the_test_programs() {
        let args = TestArgs {
            engines: vec![],
            filter: Some("scan".into()),
            ..TestArgs::default()
        };

        let line = tool::command_line(&cargo_test(&args));

        assert!(
            line.ends_with("test --workspace --no-fail-fast --all-features -- scan"),
            "{line}"
        );
    }

    /// The complaint about a run of cargo that printed this and ended with this wait status.
    fn complaint_about(output: &[u8], status: i32) -> Option<&'static str> {
        let mut tally = Tally::default();
        tally.feed(output);
        complaint(&tally, ExitStatus::from_raw(status))
    }

    #[test]
    fn only_a_run_in_which_something_passed_and_nothing_failed_is_a_success() {
        const FAILURE: i32 = 101 << 8;
        let passed = b"test result: ok. 1 passed; 0 failed; 0 ignored\n";
        let failed = b"test result: FAILED. 1 passed; 1 failed; 0 ignored\n";
        let skipped = b"test result: ok. 0 passed; 0 failed; 1 ignored\n";

        assert_eq!(complaint_about(passed, 0), None);
        assert_eq!(complaint_about(failed, FAILURE), Some("tests failed"));
        assert_eq!(complaint_about(skipped, 0), Some("no test ran"));
        let crashed = complaint_about(passed, FAILURE).unwrap();
        assert!(crashed.starts_with("cargo test did not succeed"));
    }
}
