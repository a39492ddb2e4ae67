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
    rows.extend(synced((64, 1), Figure::Throughput, least(8.0)));
    #[cfg(feature = "rocks")]
    rows.extend(embedded(Engine::Rocks));
    rows.extend(embedded(Engine::Sled));
    rows.extend(embedded(Engine::Sqlite));
    rows.extend(embedded(Engine::Fs));
    rows
}

/// The rows of an engine that is measured as a store and a `SharedStore` alone:
/// what layers cost is the same over all of them.
fn embedded(engine: Engine) -> Vec<Comparison<Cell>> {
    let unsynced_put = match engine {
        // What sled does not sync stays in the process.
        Engine::Sled => Workload::VolatilePut,
        _ => Workload::BufferedPut,
    };
    let mut rows = Vec::new();
    for (workload, most_time) in [
        (Workload::Get, 1.15),
        (Workload::Scan, 1.15),
        (unsynced_put, 1.25),
    ] {
        for tasks in [1, 64] {
            let bars = most(most_time, most_time);
            rows.extend(family(engine, workload, (tasks, tasks), Figure::Time, bars));
        }
    }
    let gain = match engine {
        // Each put of the raw way syncs two files.
        Engine::Fs => 3.0,
        _ => 8.0,
    };
    let synced = |raw, figure, bars| family(engine, Workload::SyncedPut, (64, raw), figure, bars);
    rows.extend(synced(1, Figure::Throughput, least(gain)));
    rows.extend(
        synced(64, Figure::Throughput, least(0.95)).map(|row| Comparison {
            baseline: Cell {
                access: Access::RawThreads,
                ..row.baseline
            },
            ..row
        }),
    );
    rows.retain(|row| matches!(row.subject.access, Access::Store | Access::Shared));
    rows.extend(in_turn(engine, unsynced_put));
    rows
}

/// What it costs the raw engine that the puts of many tasks take effect one after
/// the other, as those of a store do. It has no bar: it tells how much of the
/// row of the store is due to that. The file engine makes files before it puts
/// commits in order, so it is no such floor there.
fn in_turn(engine: Engine, workload: Workload) -> Option<Comparison<Cell>> {
    let cell = |access| Cell {
        engine,
        workload,
        access,
        tasks: 64,
    };
    (engine != Engine::Fs).then(|| Comparison {
        subject: cell(Access::RawInTurn),
        baseline: cell(Access::Raw),
        figure: Figure::Time,
        bar: None,
    })
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

const fn least(throughput: f64) -> Bars {
    Bars {
        layered: Bar::AtLeast(throughput),
        shared: Bar::AtLeast(throughput),
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

/// What the row of a comparison is called.
pub(crate) fn labels(comparison: &Comparison<Cell>) -> Labels {
    let (subject, baseline) = (comparison.subject, comparison.baseline);
    Labels {
        workload: comparison
            .figure
            .of_work(&name(&subject.workload), subject.tasks),
        engine: name(&subject.engine),
        subject: name(&subject.access),
        baseline: match (baseline.engine, baseline.access, baseline.tasks) {
            (Engine::Memory, _, _) => "map".to_owned(),
            (_, Access::RawThreads, threads) => format!("raw, {threads} threads"),
            (_, _, 1) => "raw, 1 task".to_owned(),
            (_, _, tasks) => format!("raw, {tasks} tasks"),
        },
    }
}
