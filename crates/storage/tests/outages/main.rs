//! PostgreSQL is killed under load, behind cache, resilience and fallback: what was
//! served, refused, accepted, written back, and lost.
//!
//! Run as a test, it takes some seconds. For longer:
//! `cargo xtask chaos --engine pg --stack --minutes 2 --json`.

mod arguments;
mod load;
mod report;
mod server;
mod stack;

use std::{env, error::Error, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use libtest_mimic::{Arguments, Trial};
use storage::{SeededRandom, SharedStore, Store, StoreExt, fallback::FallbackControl};
use tokio::time::{Instant, sleep, timeout};

use self::{
    arguments::{COMMAND, Command},
    load::{Task, Traffic},
    report::Report,
    server::Server,
};

/// How long it takes as a test, and from which seed.
const TEST_DURATION: Duration = Duration::from_secs(12);
const TEST_SEED: u64 = 1;

const TASKS: u16 = 24;

/// A server that was started again must be found, and have everything, within this.
const RECOVERY_MAX: Duration = Duration::from_secs(30);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() != Some(COMMAND) {
        return check();
    }
    let Command::Chaos(arguments) = Command::parse();
    let seed = arguments.seed.unwrap_or_else(drawn_seed);
    match play(seed, arguments.minutes) {
        Ok(report) => {
            report.print(arguments.json);
            if report.faults().is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            report::complain(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The test that this program is without a command.
fn check() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = Trial::test("pg::outages_lose_nothing_that_was_acknowledged", || {
        if !is_chosen() {
            return Ok(());
        }
        let report = play(TEST_SEED, TEST_DURATION)?;
        match report.faults() {
            faults if faults.is_empty() => Ok(()),
            faults => Err(format!("{}\n{}", faults.join("\n"), report.to_json()).into()),
        }
    });
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// Whether the engines that tests are narrowed to have PostgreSQL among them.
fn is_chosen() -> bool {
    env::var("STORAGE_TEST_ENGINES").map_or(true, |engines| {
        engines.split(',').any(|engine| engine.trim() == "pg")
    })
}

fn drawn_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |now| u64::from(now.subsec_nanos()))
}

fn play(seed: u64, duration: Duration) -> Result<Report> {
    report::complain(&format!("pg: {duration:?} from seed {seed}"));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(campaign(seed, duration))
}

async fn campaign(seed: u64, duration: Duration) -> Result<Report> {
    let server = Server::start()?;
    let store = stack::open(&server).await?;
    let control = store
        .find::<FallbackControl>()
        .cloned()
        .ok_or("the stack has a fallback")?;
    let mut report = Report::new(seed, &store.describe().to_string());
    let traffic = Arc::new(Traffic::default());
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let task = Task::new(number, seed, store.clone(), Arc::clone(&traffic));
            tokio::spawn(task.work())
        })
        .collect();
    let dice = SeededRandom::new(seed);
    let between = |low: u64, high: u64| Duration::from_millis(low + dice.next_u64() % (high - low));
    let ends = Instant::now() + duration;
    while Instant::now() < ends {
        sleep(between(700, 2_000)).await;
        server.kill()?;
        traffic.begin_outage();
        sleep(between(700, 2_500)).await;
        report.outages += 1;
        report.pending_max = report.pending_max.max(control.pending());
        traffic.end_outage();
        server.start_again()?;
        let back = Instant::now();
        timeout(RECOVERY_MAX, recovered(&store, &control))
            .await
            .map_err(|_| "the store has not come back")?;
        report.recovered_in(back.elapsed());
    }
    traffic.end();
    let mut ledgers = Vec::new();
    for task in tasks {
        ledgers.push(task.await?);
    }
    timeout(RECOVERY_MAX, control.returned())
        .await
        .map_err(|_| "what was accepted is not written back")?;
    report.standby(control.stats());
    store.close().await?;
    let last = server.open_engine().await?;
    for ledger in ledgers {
        report.judge(ledger, &last, &traffic).await?;
    }
    last.close().await?;
    Ok(report)
}

/// Waits until the primary has all that was accepted, and takes a durable commit.
async fn recovered(store: &SharedStore, control: &FallbackControl) {
    control.returned().await;
    while store.put("recovered", "").await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
}
