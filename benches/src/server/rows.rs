//! What is compared with what, and the bars.

use super::{
    Engine,
    cell::{Cell, Side},
};
use crate::{
    measure::{Bar, Comparison, Figure, Labels, Rounds, median_wall},
    overhead::{Workload, name},
};

/// How many connections plain clients have; the best counts.
const POOLS: [u32; 4] = [8, 16, 32, 64];

/// How many tasks call at once, when many do.
const MANY: u32 = 64;

/// The kinds of work, by how many tasks, and their bars.
const fn work(engine: Engine) -> [(Workload, u32, Figure, Bar); 4] {
    let (lone_put, many_gets, many_puts) = match engine {
        Engine::Pg => (1.15, 4.0, 2.5),
        // A put keeps the order of keys, too, and a note of itself.
        Engine::Redis => (1.4, 2.5, 1.5),
    };
    let lone = Figure::Time;
    let many = Figure::Throughput;
    [
        (Workload::Get, 1, lone, Bar::AtMost(1.15)),
        (Workload::SyncedPut, 1, lone, Bar::AtMost(lone_put)),
        (Workload::Get, MANY, many, Bar::AtLeast(many_gets)),
        (Workload::SyncedPut, MANY, many, Bar::AtLeast(many_puts)),
    ]
}

/// The cells to measure in each round: the store once, each pool twice.
pub(super) fn cells(engine: Engine) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (workload, tasks, ..) in work(engine) {
        cells.push(store(engine, workload, tasks));
        for plain in plain(engine, workload, tasks) {
            cells.extend([plain, plain]);
        }
    }
    cells
}

/// Every row, in the order in which they are printed. The baseline is the pool
/// that was the fastest by its median.
pub(super) fn all(engine: Engine, rounds: &Rounds<Cell>) -> Vec<Comparison<Cell>> {
    let rows = work(engine)
        .into_iter()
        .filter_map(|(workload, tasks, figure, bar)| {
            let plain = plain(engine, workload, tasks);
            let fastest = |one: &Cell, other: &Cell| {
                median_wall(rounds, one).total_cmp(&median_wall(rounds, other))
            };
            Some(Comparison {
                subject: store(engine, workload, tasks),
                baseline: plain.into_iter().min_by(fastest)?,
                figure,
                bar: Some(bar),
            })
        });
    rows.collect()
}

/// What the row of a comparison is called.
pub(super) fn labels(comparison: &Comparison<Cell>) -> Labels {
    let (subject, baseline) = (comparison.subject, comparison.baseline);
    Labels {
        workload: comparison
            .figure
            .of_work(&name(&subject.workload), subject.tasks),
        engine: name(&subject.engine),
        subject: name(&subject.side),
        baseline: format!("{}, pool {}", client(subject.engine), baseline.pool),
    }
}

const fn client(engine: Engine) -> &'static str {
    match engine {
        Engine::Pg => "sqlx",
        Engine::Redis => "deadpool-redis",
    }
}

fn store(engine: Engine, workload: Workload, tasks: u32) -> Cell {
    Cell {
        engine,
        workload,
        side: Side::Store,
        tasks,
        pool: 0,
    }
}

/// A lone task has one connection at a time, whatever the pool.
fn plain(engine: Engine, workload: Workload, tasks: u32) -> Vec<Cell> {
    let pools = POOLS.into_iter().filter(|pool| tasks > 1 || *pool == 8);
    let cell = |pool| Cell {
        side: Side::Plain,
        pool,
        ..store(engine, workload, tasks)
    };
    pools.map(cell).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::measure::Measurement;

    #[test]
    fn the_store_is_held_against_the_pool_that_was_the_fastest() {
        let measured = |cell: Cell| {
            let wall = match cell.pool {
                0 => 1.0,
                32 => 5.0,
                pool => 6.0 + f64::from(pool),
            };
            (cell, vec![Measurement { wall, cpu: wall }; 2])
        };
        let round: HashMap<_, _> = cells(Engine::Pg).into_iter().map(measured).collect();
        let rows = all(Engine::Pg, &vec![round; 3]);
        let pools: Vec<_> = rows.iter().map(|row| row.baseline.pool).collect();
        assert_eq!(pools, [8, 8, 32, 32]);
    }
}
