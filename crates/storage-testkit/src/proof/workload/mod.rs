//! What a child does to the store until it is killed.
//!
//! Tasks, from one to 64, each do one operation after the other: puts, deletes,
//! batches, range deletes and guarded batches on keys of their own, and
//! compare-and-swap on a few keys that they share, at every durability that the
//! store offers. A seed decides all of it, except for what contention decides.
//! Each operation is noted before it begins and after it was answered.

mod batch;
mod draw;
mod plan;
mod task;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use storage_core::SharedStore;
use tokio::task::JoinSet;

pub(crate) use self::plan::Plan;
use self::task::Task;
use super::{
    Keyspace,
    note::{Note, NoteWriter},
};

/// Lets the tasks of a workload end after the operations they are at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn now(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Works on `store` until `stop`, or until each task has ended for a reason of
/// its own.
///
/// # Errors
/// If a note cannot be written: the parent is gone.
pub(crate) async fn run(
    store: &SharedStore,
    keys: Keyspace,
    plan: &Plan,
    notes: &Arc<NoteWriter>,
    stop: &Stop,
) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    for number in 0..plan.tasks {
        let mut task = Task::new(number, store.clone(), keys, plan, Arc::clone(notes));
        let stop = stop.clone();
        tasks.spawn(async move {
            while !stop.is_asked_for() && task.step().await?.goes_on() {}
            io::Result::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(ended) => ended?,
            Err(panic) => notes.write(&Note::Failed {
                message: format!("a commit or read did not return: {panic}"),
            })?,
        }
    }
    Ok(())
}
