//! All of it: stores are opened, tasks work, faults are played, and what is left
//! is judged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use storage_core::Store;
use tokio::runtime;

use super::{
    director::Director,
    history::{Clock, History},
    judge::{Evidence, judge},
    last_look::LastLook,
    site::Site,
    summary::Summary,
    task::{Task, Wire},
};
use crate::{dice::Dice, proof::Part};

/// How many tasks work at once.
const TASKS: u16 = 32;

/// On so many stores, each as a process of its own would have it.
const STORES: u16 = 4;

/// What a campaign found.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) summary: Summary,
    /// All that is wrong, in words.
    pub(super) findings: Vec<String>,
    /// How calls failed, for people.
    pub(super) failures: Vec<String>,
}

/// Puts a site under chaos for `duration`, drawn from `seed`.
pub(super) fn run<S: Site>(
    engine: &'static str,
    mut site: S,
    seed: u64,
    duration: Duration,
    tell: &dyn Fn(&str),
) -> Result<Report> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the threads")?;
    let mut stores = Vec::new();
    for _ in 0..STORES {
        let store = runtime.block_on(site.open()).context("opening a store")?;
        stores.push(Arc::new(store));
    }
    let reads = stores
        .first()
        .context("there is a store")?
        .capabilities()
        .reads;
    let wire = Arc::new(Wire::new(Clock::start()));
    let tasks: Vec<_> = (0..TASKS)
        .zip(stores.iter().cycle())
        .map(|(number, store)| {
            let dice = Dice::new(Part::Task(number).seed(seed));
            let (store, wire) = (Arc::clone(store), Arc::clone(&wire));
            let task = Task::new(store, number, dice, S::TIME_LIMIT, wire);
            runtime.spawn(task.work())
        })
        .collect();
    let dice = Dice::new(Part::Plan.seed(seed));
    let played = Director::new(&mut site, &wire, dice).play(duration, tell);
    wire.end();
    let mut history = History::default();
    for task in tasks {
        history.add(runtime.block_on(task).context("a task panicked")?);
    }
    let mut look = LastLook::default();
    let left = played.and_then(|played| {
        let began = Instant::now();
        let left = runtime.block_on(look.take(&site, stores))?;
        let (keys, took) = (look.keys, began.elapsed().as_secs_f64());
        tell(&format!(
            "{keys} keys are left, which took {took:.1} s to read"
        ));
        Ok((played, left))
    });
    runtime.shutdown_background();
    let (played, left) = left.with_context(|| failures(&history).join("\n"))?;
    let failures = failures(&history).into_iter().chain(look.told()).collect();
    let evidence = Evidence {
        attempts: history.attempts,
        sightings: history.sightings,
        left,
        cut_off: played.cut_off.clone(),
        reads,
    };
    let verdict = judge(&evidence);
    let mut summary = Summary::new(engine, S::TIME_LIMIT);
    summary.count(&evidence.attempts, &verdict);
    summary.played(&played);
    let longest_call = history.longest_call.max(look.longest_call);
    summary.calls(longest_call, history.inexcusable.len());
    Ok(Report {
        summary,
        findings: verdict
            .findings
            .into_iter()
            .chain(history.inexcusable)
            .collect(),
        failures,
    })
}

fn failures(history: &History) -> Vec<String> {
    let lines = history.failures.iter();
    lines
        .map(|(kind, (count, example))| format!("{count} × {kind}, such as: {example}"))
        .collect()
}
