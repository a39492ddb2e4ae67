//! Processes that share a store: the one history that they make, and who of them
//! gets what there is one of.
//!
//! A test program is its own other processes. It runs itself with the name of a
//! test that does what its environment says, and nothing where that says nothing.

use std::{
    env,
    io::{Write, stdout},
    process::{Command, Stdio},
    sync::Arc,
};

use storage_core::{Guard, Store, StoreExt, WriteBatch};

use super::{History, Workload};
use crate::{CaseResult, Failure, failure::ensure_eq};

/// How many processes make a history.
pub const PROCESSES: u32 = 3;

/// How many clients each of them has, for so many steps.
const CLIENTS: u32 = 3;
const OPERATIONS: usize = 24;

/// The environment of a process that is sent somewhere.
const PLACE: &str = "STORAGE_TEST_PROCESS_PLACE";
const PROCESS: &str = "STORAGE_TEST_PROCESS";
const SEED: &str = "STORAGE_TEST_PROCESS_SEED";

/// What the lines of a history begin with, among all else that a test prints.
const MARK: &str = "history: ";

/// What a process was sent to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    place: String,
    workload: Workload,
}

impl Errand {
    /// What this process was sent to do; nothing if nobody sent it.
    ///
    /// # Errors
    /// If the environment is not one that [`history_of_processes`] made.
    pub fn received() -> CaseResult<Option<Self>> {
        let (Ok(place), Ok(process), Ok(seed)) =
            (env::var(PLACE), env::var(PROCESS), env::var(SEED))
        else {
            return Ok(None);
        };
        let number = |text: &str| text.parse().map_err(|_| Failure::new("no number"));
        let seed = number(&seed)?;
        let process = u32::try_from(number(&process)?);
        let process = process.map_err(|_| Failure::new("no number of a process"))?;
        Ok(Some(Self {
            place,
            workload: Workload {
                prefix: format!("{{history {seed}}}/").into(),
                process,
                clients: CLIENTS,
                operations: OPERATIONS,
                seed,
            },
        }))
    }

    /// Where the store is.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Works on the store, and tells who sent this process what came of it.
    ///
    /// # Errors
    /// As for [`Workload::record`].
    pub async fn run<S: Store>(&self, store: &Arc<S>) -> CaseResult {
        let history = Box::pin(self.workload.record(store)).await?;
        let lines = history.to_lines();
        let lines = lines.map_err(|error| Failure::new(error.to_string()))?;
        let mut output = stdout().lock();
        for line in lines.lines() {
            writeln!(output, "{MARK}{line}")?;
        }
        Ok(())
    }
}

/// Has three processes work on the store at `place` at once, in a part of it for
/// each `seed`, by the test of this program that takes [errands](Errand). Gives
/// the history of all.
///
/// # Errors
/// If a process fails, or tells nothing that could be understood.
pub fn history_of_processes(test: &str, place: &str, seed: u64) -> CaseResult<History> {
    let executable = env::current_exe()?;
    let start = |process: u32| {
        Command::new(&executable)
            .args(["--exact", test, "--nocapture"])
            .env(PLACE, place)
            .env(PROCESS, process.to_string())
            .env(SEED, seed.to_string())
            .stdout(Stdio::piped())
            .spawn()
    };
    let children = (0..PROCESSES).map(start).collect::<Result<Vec<_>, _>>()?;
    let mut merged = History::new();
    for child in children {
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(Failure::new("a process failed"));
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        let told = printed.lines().filter_map(|line| line.split_once(MARK));
        let lines: Vec<_> = told.map(|(_, line)| line).collect();
        let history = History::from_lines(&lines.join("\n"));
        merged.merge(history.map_err(|error| Failure::new(error.to_string()))?);
    }
    Ok(merged)
}

/// Has many tasks put a key if it is absent, through handles that were opened one
/// by one, as those of several processes are.
///
/// # Errors
/// If not exactly one of them is told that it did.
pub async fn one_of_many_gets_an_absent_key<S: Store + Clone>(stores: &[S]) -> CaseResult {
    const ROUNDS: u8 = 20;
    const RACERS: usize = 32;
    for round in 0..ROUNDS {
        let racing: Vec<_> = stores
            .iter()
            .cycle()
            .take(RACERS)
            .cloned()
            .enumerate()
            .map(|(racer, store)| {
                tokio::spawn(async move {
                    let guard = Guard::Absent(vec![round].into());
                    let batch = WriteBatch::new().guard(guard);
                    store
                        .commit(batch.put(vec![round], racer.to_string()))
                        .await
                })
            })
            .collect();
        let mut winners = 0;
        for racer in racing {
            winners += usize::from(racer.await?.is_ok());
        }
        ensure_eq!(winners, 1, "how many got a key in round {round}");
    }
    Ok(())
}
