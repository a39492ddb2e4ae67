//! Runs a case on a runtime of its own, and turns a failure into a panic: the
//! one place where this crate does.

use std::{env, time::Duration};

use tokio::{runtime, time::timeout};

use crate::{Bench, CaseResult, Failure, Subject, bench::Recording, record};

/// The engines to test, separated by commas; all of them where it is not set.
const ENGINES_VARIABLE: &str = "STORAGE_TEST_ENGINES";

/// A case that takes longer hangs.
const TIME_MAX: Duration = Duration::from_mins(3);

/// Runs the case called `name` on a new subject, and panics if the store fails
/// it. Tests of engines that `STORAGE_TEST_ENGINES` leaves out say so and end.
///
/// # Panics
/// If the store fails the case.
pub fn run<S: Subject>(name: &str, subject: S, case: impl AsyncFnOnce(&Bench<S>) -> CaseResult) {
    if is_chosen(S::ENGINE, name) {
        let answer = judge(&Bench::with(subject, Recording::On), case);
        report(S::ENGINE, name, answer);
    }
}

/// What a case says of a store, without panicking.
pub fn verdict<S: Subject>(
    subject: S,
    case: impl AsyncFnOnce(&Bench<S>) -> CaseResult,
) -> CaseResult {
    judge(&Bench::new(subject), case)
}

fn judge<S: Subject>(
    bench: &Bench<S>,
    case: impl AsyncFnOnce(&Bench<S>) -> CaseResult,
) -> CaseResult {
    drive(in_time(async { case(bench).await }))
}

/// Gives up on a case that hangs.
pub(crate) async fn in_time(case: impl Future<Output = CaseResult>) -> CaseResult {
    timeout(TIME_MAX, case)
        .await
        .unwrap_or_else(|_| Err(Failure::new(format!("no answer within {TIME_MAX:?}"))))
}

/// Runs a future to its end on a runtime of its own.
pub(crate) fn drive<T>(work: impl Future<Output = CaseResult<T>>) -> CaseResult<T> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime to run the case on: {error}")))?;
    let answer = runtime.block_on(work);
    runtime.shutdown_background();
    answer
}

/// Whether this run tests `engine`. Says so if it does not.
#[expect(clippy::print_stderr, reason = "a test that does not run must say so")]
pub(crate) fn is_chosen(engine: &str, name: &str) -> bool {
    let Ok(engines) = env::var(ENGINES_VARIABLE) else {
        return true;
    };
    let chosen = engines.split(',').any(|chosen| chosen.trim() == engine);
    if !chosen {
        eprintln!(
            "{name} does not run: {ENGINES_VARIABLE} is {engines}, which leaves out {engine}"
        );
    }
    chosen
}

/// Panics if the answer is a failure, else records that the case was passed.
#[expect(clippy::panic, reason = "this is how a test says that it failed")]
pub(crate) fn report(subject: &str, name: &str, answer: CaseResult) {
    match answer {
        Ok(()) => record::passed(subject, name),
        Err(failure) => panic!("\n{subject} fails the case {name}:\n  {failure}\n"),
    }
}
