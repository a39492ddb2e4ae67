//! Several processes with one store.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use storage_core::{ErrorKind, ReadExt, ReadSupport, Store, StoreExt};
use storage_testkit::linearizability::{History, Verdict, Workload, judge};

use crate::{bucket, config_of, open};

/// The store that another process is to open, in whose environment it is, and
/// which of them it is.
const URL: &str = "STORAGE_TEST_OBJECT_URL";
const PROCESS: &str = "STORAGE_TEST_OBJECT_PROCESS";
const SEED: &str = "STORAGE_TEST_OBJECT_SEED";

const PROCESSES: u32 = 3;
const INCREMENTS: u32 = 20;
const MARK: &str = "history: ";

/// What all processes count in.
pub(crate) const COUNTER: &str = "counter";

/// Adds one to the counter, and says how often somebody else was faster.
pub(crate) async fn increment<S: Store>(store: &S) -> u32 {
    let mut lost = 0;
    loop {
        let current = store.get(COUNTER).await.unwrap();
        let value = current.as_ref().map(|entry| entry.value().clone());
        let number: u32 = value.as_deref().map_or(0, |value| {
            std::str::from_utf8(value).unwrap().parse().unwrap()
        });
        let new = Bytes::from((number + 1).to_string());
        match store
            .compare_and_swap(COUNTER, value.as_deref(), Some(new))
            .await
        {
            Ok(_) => return lost,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
        lost += 1;
    }
}

fn workload(process: u32, seed: u64) -> Workload {
    Workload {
        prefix: format!("history {seed}/").into(),
        process,
        clients: 3,
        operations: 24,
        seed,
    }
}

/// Another process. As a test of its own it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn serve() {
    let (Ok(url), Ok(process), Ok(seed)) = (env::var(URL), env::var(PROCESS), env::var(SEED))
    else {
        return;
    };
    let store = Arc::new(config_of(&url).open().await.unwrap());
    for _ in 0..INCREMENTS {
        increment(&*store).await;
    }
    let workload = workload(process.parse().unwrap(), seed.parse().unwrap());
    let history = Box::pin(workload.record(&store)).await.unwrap();
    let mut output = std::io::stdout().lock();
    for line in history.to_lines().unwrap().lines() {
        writeln!(output, "{MARK}{line}").unwrap();
    }
    drop(output);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_three_processes_do_at_once_has_one_order_and_loses_no_update() {
    let bucket = tokio::task::spawn_blocking(bucket).await.unwrap();
    for seed in 0..3_u32 {
        let children: Vec<_> = (0..PROCESSES)
            .map(|process| {
                Command::new(env::current_exe().unwrap())
                    .args(["--exact", "processes::serve", "--nocapture"])
                    .env(URL, bucket.url("store"))
                    .env(PROCESS, process.to_string())
                    .env(SEED, seed.to_string())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut history = History::new();
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "a process failed");
            let text = String::from_utf8(output.stdout).unwrap();
            let lines: Vec<_> = text
                .lines()
                .filter_map(|line| line.split_once(MARK))
                .map(|(_, line)| line)
                .collect();
            history.merge(History::from_lines(&lines.join("\n")).unwrap());
        }
        assert!(history.operations().len() > 100, "too few operations");
        let verdict = judge(&history, ReadSupport::Linearizable);
        assert!(
            matches!(verdict, Verdict::Linearizable),
            "seed {seed}: {verdict:?}\n{}",
            history.to_lines().unwrap()
        );
        let store = open(&bucket).await;
        let counter = store.get(COUNTER).await.unwrap().unwrap();
        let expected = (seed + 1) * PROCESSES * INCREMENTS;
        assert_eq!(counter.value(), &expected.to_string());
    }
}
