//! Concurrent histories: whatever several clients do to a store at once, there
//! is one order that explains every answer.
//!
//! A store whose capabilities declare
//! [`Linearizable`](storage_core::ReadSupport::Linearizable) reads behaves as if
//! each operation took effect at one instant between its call and its answer.
//! Clients read, put, delete, swap, commit batches and take snapshots of a few
//! keys, from several tasks; each records when it called, when it was answered,
//! and what the answer says ([`Operation`]). Two judges that share no code look
//! for an order of all operations that an ordered map would have answered the
//! same way ([`judge`]). If there is none, the store is wrong, and the failure
//! shows the few operations that it takes to see that.
//!
//! What the answers are taken to promise:
//!
//! - a page, and all that is read from one snapshot, is one state; each key of
//!   `get_many` is read at its own instant, and so is each key of a page where
//!   batches change one key;
//! - a batch takes effect as one, and its guards held just before it;
//! - a commit whose answer is `Unknown`, that timed out or whose future was
//!   dropped may take effect at any later time, or never;
//! - a commit that was not applied never takes effect. A conflict over `Absent`
//!   or `Present` tells how the key was; one over a stamp tells nothing, since
//!   the stored form may change where the value does not.
//!
//! Where a store declares [less](storage_core::ReadSupport)
//! reads, the histories are the same, but what only reads may show any state
//! from before its answer. Such a store still fails if it shows a state that
//! never was: half a batch, or a value from nowhere.
//!
//! A judge finds fault with answers only, so a run also fails over too few of
//! them: nearly all reads and changes must be answered, and nearly all commits
//! applied whose stamp no change had outdated. Now and then all clients meet in
//! the middle of a step, so operations overlap however quickly the store answers
//! and however busy the machine is.
//!
//! Processes that share a store may each [record](Workload::record) their own
//! history, write it down as [lines](History::to_lines), and have the
//! [merged](History::merge) history judged: [`history_of_processes`] does so.

mod client;
mod config;
mod coverage;
mod exchange;
mod history;
mod judge;
mod meeting;
mod moment;
mod operation;
mod probe;
mod processes;
mod reduce;
mod step;
mod timeline;
mod workload;

use std::sync::Arc;

use storage_core::{ReadSupport, Store};

pub use self::{
    config::LinearizabilityConfig,
    history::{History, LineError},
    judge::{Dispute, Verdict, judge},
    moment::Moment,
    operation::{ClientId, Condition, Operation, OperationKind},
    processes::{Errand, PROCESSES, history_of_processes, one_of_many_gets_an_absent_key},
    workload::Workload,
};
use self::{coverage::Coverage, reduce::reduced, timeline::Timeline};
use crate::{Bench, CaseResult, Failure, Subject, failure::ensure, model, runner};

/// Records concurrent histories of a store, and panics at the first that no
/// order explains.
///
/// # Panics
/// If a history is rejected. The message shows the operations that it takes.
pub fn run<S: Subject>(subject: S, config: &LinearizabilityConfig) {
    const NAME: &str = "concurrent_histories_are_linearizable";
    if runner::is_chosen(S::ENGINE, NAME) {
        runner::report(S::ENGINE, NAME, check(subject, config));
    }
}

/// What concurrent histories say of a store, without panicking.
pub fn check<S: Subject>(subject: S, config: &LinearizabilityConfig) -> CaseResult {
    runner::drive(async {
        let bench = Bench::new(subject);
        let store = Arc::new(bench.open().await?);
        let reads = store.capabilities().reads;
        probe::a_fresh_stamp_holds(&*store).await?;
        let mut coverage = Coverage::default();
        for number in 0..config.histories {
            let seed = config.seed.wrapping_add(number);
            let workload = Workload {
                prefix: format!("{{history {number}}}/").into(),
                process: 0,
                clients: config.clients,
                operations: config.operations,
                seed,
            };
            let (history, covered) = workload.record_covered(&store).await?;
            ensure!(
                covered.has_answers(),
                "no step of a whole history was answered"
            );
            coverage.add(&covered);
            accept(&history, reads).map_err(|failure| failure.within(origin(seed)))?;
        }
        store.close().await?;
        coverage.suffices()
    })
}

/// Fails if the judges reject the history, or cannot tell.
fn accept(history: &History, reads: ReadSupport) -> CaseResult {
    match judge(history, reads) {
        Verdict::Linearizable => Ok(()),
        Verdict::NotLinearizable(_) => Err(rejection(history, reads)),
        Verdict::Undecided => Err(Failure::new(
            "there are too many orders to try: record fewer clients or operations at a time",
        )),
        Verdict::Disagreement => Err(Failure::new(format!(
            "the two judges disagree, so one of them is wrong, and not the store. The history:\n{}",
            lines(history)
        ))),
    }
}

fn rejection(history: &History, reads: ReadSupport) -> Failure {
    let small = reduced(history, reads);
    let Some(dispute) = judge::dispute(&small, reads) else {
        return Failure::new("the history is rejected as a whole, but not its operations");
    };
    Failure::new(format!(
        "no order explains {} of its {} operations:\n\n{}\n  as lines, for History::from_lines:\n{}",
        small.operations().len(),
        history.operations().len(),
        Timeline::new(&small, &dispute),
        lines(&small),
    ))
}

fn lines(history: &History) -> String {
    history.to_lines().unwrap_or_else(|error| error.to_string())
}

/// Which history it is, and how to look for it again.
fn origin(seed: u64) -> String {
    format!(
        "the history of seed {seed} is wrong; {}={seed} {}=1000 cargo test concurrent_histories \
         draws its steps again, but the tasks meet differently each time, so it may take some runs",
        model::SEED_VARIABLE,
        config::HISTORIES_VARIABLE,
    )
}
