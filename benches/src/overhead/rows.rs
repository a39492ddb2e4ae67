//! What is compared with what, and the bars.

use super::cell::{Access, Cell, Engine, Workload, name};
use crate::measure::{Bar, Comparison, Figure, Labels};

const STATIC: [Access; 4] = [
    Access::Store,
    Access::Layers1,
    Access::Layers3,
    Access::Layers5,
];

/// Every row, in the order in which they are printed.
pub(crate) fn all() -> Vec<Comparison<Cell>> {
    let mut rows = Vec::new();
    rows.extend(family(
        Engine::Memory,
        Workload::Get,
        (1, 1),
        Figure::AddedTime,
        most(0.6, 1.2),
    ));
    for (workload, most) in [
        (Workload::Get, most(1.10, 1.15)),
        (Workload::Scan, most(1.10, 1.10)),
        (Workload::BufferedPut, most(1.20, 1.20)),
    ] {
        for tasks in [1, 64] {
            rows.extend(family(
                Engine::Fjall,
                workload,
                (tasks, tasks),
                Figure::Time,
                most,
            ));
        }
    }
    let synced =
        |tasks, figure, bar| family(Engine::Fjall, Workload::SyncedPut, tasks, figure, bar);
    rows.extend(synced((1, 1), Figure::Time, most(1.3, 1.3)));
    let least = Bars {
        layered: Bar::AtLeast(8.0),
        shared: Bar::AtLeast(8.0),
    };
    rows.extend(synced((64, 1), Figure::Throughput, least));
    rows
}

/// The bars of one kind of work, through static layers and as a `SharedStore`.
#[derive(Clone, Copy)]
struct Bars {
    layered: Bar,
    shared: Bar,
}

const fn most(layered: f64, shared: f64) -> Bars {
    Bars {
        layered: Bar::AtMost(layered),
        shared: Bar::AtMost(shared),
    }
}

/// Each way to call a store against the raw engine, with so many tasks each.
fn family(
    engine: Engine,
    workload: Workload,
    (tasks, raw_tasks): (u32, u32),
    figure: Figure,
    bars: Bars,
) -> impl Iterator<Item = Comparison<Cell>> {
    let cell = move |access, tasks| Cell {
        engine,
        workload,
        access,
        tasks,
    };
    let layered = STATIC.map(|access| (access, bars.layered));
    let shared = [(Access::Shared, bars.shared)];
    layered
        .into_iter()
        .chain(shared)
        .map(move |(access, bar)| Comparison {
            subject: cell(access, tasks),
            baseline: cell(Access::Raw, raw_tasks),
            figure,
            bar: Some(bar),
        })
}

/// The cells to measure in each round: each subject once, each baseline twice.
pub(crate) fn cells(comparisons: &[Comparison<Cell>]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut add = |cell, times| {
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

/// What the row of a comparison is called.
pub(crate) fn labels(comparison: &Comparison<Cell>) -> Labels {
    let (subject, baseline) = (comparison.subject, comparison.baseline);
    let what = match comparison.figure {
        Figure::Time => "time",
        Figure::AddedTime => "added time",
        Figure::Throughput => "throughput",
    };
    let tasks = match subject.tasks {
        1 => "1 task".to_owned(),
        tasks => format!("{tasks} tasks"),
    };
    Labels {
        workload: format!("{}, {tasks}, {what}", name(&subject.workload)),
        engine: name(&subject.engine),
        subject: name(&subject.access),
        baseline: match (baseline.engine, baseline.tasks) {
            (Engine::Memory, _) => "map".to_owned(),
            (_, 1) => "raw, 1 task".to_owned(),
            (_, tasks) => format!("raw, {tasks} tasks"),
        },
    }
}
