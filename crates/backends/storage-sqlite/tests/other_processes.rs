//! Other processes at the same database: they may read it at any time, and
//! whoever writes there takes the write lock.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use rusqlite::Connection;
use storage_core::{
    Durability, Error, ErrorKind, KeyRange, Outcome, ReadExt, Retry, ScanOptions, Store, StoreExt,
    WriteBatch, WriteOptions,
};
use storage_sqlite::{SqliteBackend, SqliteConfig};
use tempfile::{TempDir, tempdir};

const BUFFERED: WriteOptions = WriteOptions::new().durability(Durability::Buffered);

/// The database that the other process is to open, in whose environment it is.
const DATABASE: &str = "STORAGE_TEST_SQLITE_DATABASE";

/// Another process that runs the statements it is given, line by line, and
/// answers each with a line.
struct Shell {
    process: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

impl Shell {
    /// Starts this program again, as `serve`.
    fn open(store: &Path) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "serve", "--nocapture"])
            .env(DATABASE, store.join("data/store.sqlite"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: process.stdin.take().unwrap(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    /// The first column of the rows that a statement yields, one after the other.
    fn run(&mut self, statement: &str) -> String {
        const MARK: &str = "answer: ";
        writeln!(self.input, "{statement}").unwrap();
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "the other process has ended");
            // The test runner has lines of its own.
            if let Some((_, answer)) = line.split_once(MARK) {
                return answer.trim_end().to_owned();
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The other process. As a test of its own it does nothing.
#[test]
fn serve() {
    let Some(database) = env::var_os(DATABASE) else {
        return;
    };
    let connection = Connection::open(database).unwrap();
    connection.busy_timeout(Duration::ZERO).unwrap();
    for statement in std::io::stdin().lines() {
        let statement = statement.unwrap();
        let mut statement = connection.prepare(&statement).expect(&statement);
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut answer = String::new();
        while let Some(row) = rows.next().unwrap() {
            if columns > 0 {
                answer += &row.get::<_, String>(0).unwrap();
            }
        }
        let mut output = std::io::stdout().lock();
        writeln!(output, "answer: {answer}").unwrap();
        output.flush().unwrap();
    }
}

fn put(key: &str) -> WriteBatch {
    WriteBatch::new().put(key, "value")
}

#[tokio::test]
async fn others_read_what_is_committed_while_the_store_is_open() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    let mut shell = Shell::open(directory.path());
    store.commit_with(put("buffered"), &BUFFERED).await.unwrap();
    store.put("large", "x".repeat(5_000)).await.unwrap();
    let names = shell.run("SELECT key FROM entries_as_text WHERE space = 'user' ORDER BY key");
    assert_eq!(names, "bufferedlarge");
    let value = shell.run("SELECT value FROM entries_as_text WHERE key = 'large'");
    assert_eq!(value, "x".repeat(5_000));
    // Nor does whoever reads keep the store from anything.
    shell.run("BEGIN");
    shell.run("SELECT key FROM entries_as_text");
    store.put("beside", "a reader").await.unwrap();
    store.close().await.unwrap();
    assert_eq!(shell.run("SELECT 'still here'"), "still here");
}

#[tokio::test]
async fn a_write_lock_of_another_process_makes_commits_unavailable_and_nothing_else() {
    let directory = tempdir().unwrap();
    let mut config = SqliteConfig::new(directory.path());
    config.busy_timeout = Duration::from_millis(300);
    let store = config.open().await.unwrap();
    store.put("before", "value").await.unwrap();
    let mut shell = Shell::open(directory.path());
    shell.run("BEGIN IMMEDIATE");

    for round in 0..2 {
        for options in [BUFFERED, WriteOptions::new()] {
            let error = store
                .commit_with(put("locked"), &options)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error}");
            assert!(matches!(error.retry(), Retry::After(_)), "{error}");
        }
        let issues = store.health().await.unwrap().issues;
        assert!(
            issues.iter().any(|issue| issue.name == "write_lock"),
            "{round}: {issues:?}"
        );
        assert!(store.exists("before").await.unwrap());
        assert!(!store.exists("locked").await.unwrap());
        let snapshot = store.snapshot().await.unwrap();
        assert_eq!(snapshot.count(KeyRange::all()).await.unwrap(), 1);
    }

    shell.run("ROLLBACK");
    store.put("after", "value").await.unwrap();
    assert!(store.health().await.unwrap().is_well());
}

#[tokio::test]
async fn a_commit_that_waits_for_a_lock_keeps_no_async_thread() {
    let directory = tempdir().unwrap();
    let mut config = SqliteConfig::new(directory.path());
    config.busy_timeout = Duration::from_mins(1);
    let store = config.open().await.unwrap();
    store.put("before", "value").await.unwrap();
    let mut shell = Shell::open(directory.path());
    shell.run("BEGIN IMMEDIATE");

    // All tasks of this test share one thread.
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.commit_with(put("waited"), &BUFFERED).await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(store.exists("before").await.unwrap());
        let page = store.scan(KeyRange::all(), ScanOptions::new());
        assert_eq!(page.collect().await.unwrap().len(), 1);
    }
    assert!(!waiting.is_finished());
    shell.run("ROLLBACK");
    waiting.await.unwrap().unwrap();
    assert!(store.exists("waited").await.unwrap());
}

#[tokio::test]
async fn what_others_write_is_read_only_if_it_is_as_the_store_writes() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    store.put("a", "1").await.unwrap();
    store.put("b", "2").await.unwrap();
    let mut shell = Shell::open(directory.path());
    shell.run("DELETE FROM entries WHERE key = CAST('a' AS BLOB)");
    assert!(!store.exists("a").await.unwrap());
    shell.run("UPDATE entries SET value = CAST('3' AS BLOB) WHERE space = 1");
    let error = store.get("b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    store.put("b", "4").await.unwrap();
    assert_eq!(store.get("b").await.unwrap().unwrap().value(), "4");
}

/// Begins a commit while another process is about to commit `statement`, and
/// returns what became of it.
async fn overtaken(batch: WriteBatch, statement: &str) -> (SqliteBackend, TempDir, Error) {
    let directory = tempdir().unwrap();
    let mut config = SqliteConfig::new(directory.path());
    config.busy_timeout = Duration::from_mins(1);
    let store = config.open().await.unwrap();
    store.put("key", "value").await.unwrap();
    let mut shell = Shell::open(directory.path());
    shell.run("BEGIN IMMEDIATE");
    shell.run(statement);
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.commit_with(batch, &BUFFERED).await }
    });
    // For long enough that it is judged, and waits for the lock.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    shell.run("COMMIT");
    let error = waiting.await.unwrap().unwrap_err();
    (store, directory, error)
}

#[tokio::test]
async fn a_commit_is_not_applied_if_another_process_wrote_after_its_guards_were_judged() {
    let guarded = || WriteBatch::new().present("key").put("key", "changed");
    let delete = "DELETE FROM entries WHERE key = CAST('key' AS BLOB)";
    let (store, _directory, error) = overtaken(guarded(), delete).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(error.outcome(), Some(Outcome::NotApplied), "{error}");
    assert!(matches!(error.retry(), Retry::After(_)), "{error}");
    assert!(error.message().contains("another process wrote"), "{error}");
    assert!(!store.exists("key").await.unwrap());
    let error = store.commit(guarded()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn what_others_write_between_commits_refuses_none() {
    let directory = tempdir().unwrap();
    let store = SqliteConfig::new(directory.path()).open().await.unwrap();
    let mut shell = Shell::open(directory.path());
    for round in 0..5_u8 {
        store.put("key", vec![round; 10]).await.unwrap();
        shell.run("DELETE FROM entries WHERE space = 1");
        let batch = WriteBatch::new().absent("key");
        store
            .commit_with(batch.put("key", "again"), &BUFFERED)
            .await
            .unwrap();
    }
}
