//! Playing rounds: every cell once in each, in shuffled order.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    fmt::Display,
    hash::Hash,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use storage::SeededRandom;

use super::{Comparison, Interrupt, Measurement, ratio::Ratios};

/// What was measured in each round, by cell.
pub(crate) type Rounds<C> = Vec<HashMap<C, Vec<Measurement>>>;

/// Measures the cells `count` times, each in a process of this program that is
/// given the cell's `arguments` and prints a [`Measurement`]. A cell that is
/// named twice is measured twice a round. Ends once it is interrupted.
pub(crate) fn play<C: Clone + Display + Eq + Hash>(
    cells: &[C],
    count: u32,
    seed: u64,
    interrupt: &Interrupt,
    arguments: impl Fn(&C) -> Vec<OsString>,
) -> Result<Rounds<C>> {
    let random = SeededRandom::new(seed);
    (1..=count)
        .map(|round| {
            let mut measured: HashMap<C, Vec<Measurement>> = HashMap::new();
            for cell in shuffled(cells, &random) {
                eprintln!("round {round}/{count}: {cell}");
                let measured_now = measure(&cell, arguments(&cell));
                interrupt.check()?;
                let measurement = measured_now?;
                measured.entry(cell).or_default().push(measurement);
            }
            Ok(measured)
        })
        .collect()
}

/// The median of all times by the clock that a cell took.
pub(crate) fn median_wall<C: Eq + Hash>(rounds: &Rounds<C>, cell: &C) -> f64 {
    let measured = rounds.iter().filter_map(|round| round.get(cell)).flatten();
    Ratios::of(measured.map(|measured| measured.wall)).median()
}

/// The cells to measure in each round: each subject once, each baseline twice.
pub(crate) fn cells<C: Copy + PartialEq>(comparisons: &[Comparison<C>]) -> Vec<C> {
    let mut cells = Vec::new();
    let mut add = |cell: C, times| {
        if !cells.contains(&cell) {
            cells.extend(std::iter::repeat_n(cell, times));
        }
    };
    for comparison in comparisons {
        add(comparison.baseline, 2);
        add(comparison.subject, 1);
    }
    cells
}

fn shuffled<C: Clone>(cells: &[C], random: &SeededRandom) -> Vec<C> {
    let mut ranked: Vec<(u64, &C)> = cells.iter().map(|cell| (random.next_u64(), cell)).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, cell)| cell.clone()).collect()
}

fn measure(cell: &impl Display, arguments: Vec<OsString>) -> Result<Measurement> {
    let program = env::current_exe().context("cannot find this program")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start the process for {cell}"))?;
    ensure!(
        output.status.success(),
        "the process for {cell} failed: {}",
        output.status
    );
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the process for {cell} printed no measurement"))
}
