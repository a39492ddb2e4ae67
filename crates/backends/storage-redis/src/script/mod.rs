//! The scripts that run inside of Redis, by their hashes.

use std::sync::LazyLock;

use deadpool_redis::redis::{self, Cmd, ErrorKind, RedisResult, ServerErrorKind, Value, cmd};

use crate::session::Session;

/// A script. Its keys are those of a store, in the order of [`Keys`].
#[derive(Debug)]
pub(crate) struct Script {
    code: &'static str,
    hash: LazyLock<String>,
}

/// Applies a group of commits.
pub(crate) static COMMIT: Script = Script::new(
    concat!(include_str!("live.lua"), include_str!("commit.lua")),
    || hash(COMMIT.code),
);

/// Reads a page of a scan.
pub(crate) static SCAN: Script = Script::new(
    concat!(include_str!("live.lua"), include_str!("scan.lua")),
    || hash(SCAN.code),
);

/// Says what became of a commit, and makes that as durable as a commit.
pub(crate) static FIND: Script = Script::new(include_str!("find.lua"), || hash(FIND.code));

/// Tries everything that the other scripts do, and makes the header of a store
/// that has none.
pub(crate) static PREPARE: Script = Script::new(include_str!("prepare.lua"), || hash(PREPARE.code));

/// Looks for entries that the index does not name.
pub(crate) static CHECK: Script = Script::new(include_str!("check.lua"), || hash(CHECK.code));

/// Removes a few of the notes that nobody asks for any more.
pub(crate) static FORGET: Script = Script::new(include_str!("forget.lua"), || hash(FORGET.code));

/// The keys of a store.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) entries: String,
    pub(crate) index: String,
    pub(crate) meta: String,
    pub(crate) notes: String,
    /// What they begin with.
    pub(crate) start: String,
}

impl Keys {
    /// The keys that begin with a prefix and a colon.
    pub(crate) fn below(prefix: &str) -> Self {
        Self::with(format!("{prefix}:"))
    }

    /// Those of one partition in a cluster, which has them all in one slot.
    pub(crate) fn of_partition(prefix: &str, partition: usize) -> Self {
        Self::with(format!("{{{}}}:", Self::tag(prefix, partition)))
    }

    /// What the keys of a partition have in common.
    pub(crate) fn tag(prefix: &str, partition: usize) -> String {
        format!("{prefix}:{partition}")
    }

    fn with(start: String) -> Self {
        let key = |name| format!("{start}{name}");
        Self {
            entries: key("entries"),
            index: key("index"),
            meta: key("meta"),
            notes: key("notes"),
            start,
        }
    }

    pub(crate) fn all(&self) -> [&str; 4] {
        [&self.entries, &self.index, &self.meta, &self.notes]
    }
}

impl Script {
    const fn new(code: &'static str, hash: fn() -> String) -> Self {
        Self {
            code,
            hash: LazyLock::new(hash),
        }
    }

    /// Runs the script with arguments that `add` adds, which may be called twice:
    /// a server that does not know the script is sent it.
    pub(crate) async fn run(
        &self,
        session: &mut Session,
        keys: &Keys,
        add: impl Fn(&mut Cmd) + Sync,
    ) -> RedisResult<Value> {
        let call = |name: &str, script: &str| {
            let mut call = cmd(name);
            call.arg(script).arg(keys.all().len()).arg(&keys.all()[..]);
            add(&mut call);
            call
        };
        let known = call("EVALSHA", &self.hash);
        match session.ask(&known).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                session.ask(&call("EVAL", self.code)).await
            }
            answer => answer,
        }
    }
}

fn hash(code: &str) -> String {
    redis::Script::new(code).get_hash().to_owned()
}
