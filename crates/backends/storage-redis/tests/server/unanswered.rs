//! Commits that are done, and whose answers never arrive. They wait in the server until
//! the rest is prepared, so that no machine is too slow for that.

use std::{sync::Arc, time::Duration};

use storage_core::{Committed, Result, StoreExt, WriteBatch};
use storage_redis::RedisBackend;
use storage_testkit::servers::{Direction, Proxy, RedisServer};
use tokio::{task::JoinHandle, time::timeout};

use crate::blocking;

/// For how long answers are held back: until their connections are cut.
const HELD: Duration = Duration::from_secs(25);

/// For how long writes wait at most.
const MILLISECONDS_MAX: &str = "60000";

/// A commit whose answer is on its way, and never arrives.
pub(crate) struct Unanswered {
    proxy: Arc<Proxy>,
    writing: JoinHandle<Result<Committed>>,
}

impl Unanswered {
    /// Commits what conflicts with itself if it is done twice, and waits until the
    /// server behind the proxy, which is the first, and those who are to follow have it.
    pub(crate) async fn begin(
        store: &RedisBackend,
        proxy: &Arc<Proxy>,
        servers: &[&RedisServer],
    ) -> Self {
        let first = *servers.first().unwrap();
        let before: Vec<_> = servers.iter().map(|server| changes_of(server)).collect();
        // Held back too early, answers to what comes before the commit would be late:
        // a session that has rested is asked whether it lives.
        hold_writes(first);
        let mut writing = tokio::spawn({
            let store = store.clone();
            let batch = WriteBatch::new().absent("k").put("k", "v");
            async move { store.commit(batch).await }
        });
        while !holds_one(first) {
            is_unanswered_yet(&mut writing).await;
        }
        proxy.delay(Direction::ToClient, HELD);
        let_writes_go(first);
        for (server, before) in servers.iter().zip(before) {
            while changes_of(server) == before {
                is_unanswered_yet(&mut writing).await;
            }
        }
        Self {
            proxy: Arc::clone(proxy),
            writing,
        }
    }

    /// What is said of the commit once its answer is lost.
    pub(crate) async fn lost(self) -> Result<Committed> {
        let Self { proxy, writing } = self;
        assert!(!writing.is_finished(), "it was answered");
        blocking(move || {
            proxy.cut().unwrap();
            proxy.heal().unwrap();
        })
        .await;
        writing.await.unwrap()
    }
}

/// Waits a moment, in which the commit is not answered.
async fn is_unanswered_yet(writing: &mut JoinHandle<Result<Committed>>) {
    let early = timeout(Duration::from_millis(10), writing).await;
    assert!(early.is_err(), "{early:?}");
}

/// How much was written to a server since it was started.
fn changes_of(server: &RedisServer) -> String {
    let info = server.call(&["INFO", "persistence"]).unwrap();
    let mut lines = info.lines();
    let changes = lines.find(|line| line.starts_with("rdb_changes_since_last_save"));
    changes.unwrap().to_owned()
}

/// From now on, what may write waits in the server. All else is answered.
pub(crate) fn hold_writes(server: &RedisServer) {
    let hold = ["CLIENT", "PAUSE", MILLISECONDS_MAX, "WRITE"];
    server.call(&hold).unwrap();
}

/// Whether a commit waits.
pub(crate) fn holds_one(server: &RedisServer) -> bool {
    let clients = server.call(&["CLIENT", "LIST"]).unwrap();
    // What sentinels publish waits, too.
    let mut clients = clients.lines().map(|client| client.split(' '));
    clients.any(|mut words| {
        let is_blocked = |word: &str| word.starts_with("flags=") && word.contains('b');
        words.clone().any(is_blocked) && words.any(|word| word.starts_with("cmd=eval"))
    })
}

/// What waits is done, and nothing is held any more.
fn let_writes_go(server: &RedisServer) {
    server.call(&["CLIENT", "UNPAUSE"]).unwrap();
}
