//! Several processes with one store.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
    sync::Arc,
};

use storage_core::{Guard, ReadExt, ReadSupport, Store, StoreExt, WriteBatch};
use storage_testkit::linearizability::{History, Verdict, Workload, judge};

use crate::{config, database, open};

/// The store that another process is to open, in whose environment it is, and
/// which of them it is.
const URL: &str = "STORAGE_TEST_REDIS_URL";
const PROCESS: &str = "STORAGE_TEST_REDIS_PROCESS";
const SEED: &str = "STORAGE_TEST_REDIS_SEED";

const PROCESSES: u32 = 3;
const MARK: &str = "history: ";

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
    let store = Arc::new(open(&url).await);
    let workload = workload(process.parse().unwrap(), seed.parse().unwrap());
    let history = Box::pin(workload.record(&store)).await.unwrap();
    let mut output = std::io::stdout().lock();
    for line in history.to_lines().unwrap().lines() {
        writeln!(output, "{MARK}{line}").unwrap();
    }
    drop(output);
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_three_processes_do_at_once_has_one_order() {
    let url = database();
    open(&url).await.close().await.unwrap();
    for seed in 0..6_u64 {
        let children: Vec<_> = (0..PROCESSES)
            .map(|process| {
                Command::new(env::current_exe().unwrap())
                    .args(["--exact", "processes::serve", "--nocapture"])
                    .env(URL, &url)
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
        assert!(history.operations().len() > 150, "too few operations");
        assert!(history.overlaps() > 50, "the processes did not meet");
        let verdict = judge(&history, ReadSupport::Linearizable);
        assert!(
            matches!(verdict, Verdict::Linearizable),
            "seed {seed}: {verdict:?}\n{}",
            history.to_lines().unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_an_absent_key_one_gets_it() {
    let url = database();
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(open(&url).await);
    }
    for round in 0..20_u8 {
        let racing: Vec<_> = (0..32_usize)
            .map(|racer| {
                let store = stores[racer % stores.len()].clone();
                tokio::spawn(async move {
                    let key = vec![round];
                    let guard = Guard::Absent(key.clone().into());
                    let batch = WriteBatch::new().guard(guard);
                    store.commit(batch.put(key, racer.to_string())).await
                })
            })
            .collect();
        let mut winners = 0;
        for racer in racing {
            winners += usize::from(racer.await.unwrap().is_ok());
        }
        assert_eq!(winners, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_open_an_empty_database_at_once_make_one_store() {
    let url = database();
    let opening: Vec<_> = (0..8).map(|_| tokio::spawn(config(&url).open())).collect();
    for (number, opening) in opening.into_iter().enumerate() {
        let store = opening.await.unwrap().unwrap();
        store.put(&number.to_string(), "v").await.unwrap();
    }
    let store = open(&url).await;
    let count = store.count(storage_core::KeyRange::all()).await.unwrap();
    assert_eq!(count, 8);
}
