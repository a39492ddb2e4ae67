//! Figures, health, and what a check finds.

use std::collections::HashSet;

use deadpool_redis::redis::{Cmd, RedisResult, cmd, from_redis_value};
use futures_util::future::join_all;
use storage_core::{
    CheckReport, Damage, Durability, Error, ErrorKind, Health, MaintenanceReport, Result, Stats,
    Timestamp, Unit, WriteBatch,
};
use tokio::time::Instant;

use crate::{
    RedisEngine,
    info::{Info, Persistence},
    partition::Partition,
    script::{self, Keys},
    session::{Facts, Question, Session},
};

/// Of its memory, a server should not use more than this many in a thousand.
const MEMORY_PERMILLE_MAX: u64 = 900;

impl RedisEngine {
    pub(crate) async fn figures(&self, deadline: Instant) -> Result<Stats> {
        let all = self.partitions.iter().map(async |partition| {
            let figures = Figures(partition.keys());
            partition.ask(&figures, deadline).await
        });
        let all: Result<Vec<_>> = join_all(all).await.into_iter().collect();
        let all = all?;
        // Of a cluster, the node that has the first partition.
        let info = all
            .first()
            .map(|first| first.info.clone())
            .unwrap_or_default();
        let sum = |of: fn(&FiguresFound) -> u64| all.iter().map(of).sum();
        let counts = self
            .partitions
            .iter()
            .map(|partition| partition.pool.counts());
        let (sessions, idle) = counts.fold((0, 0), |(sessions, idle), (more, idle_more)| {
            (sessions + more, idle + idle_more)
        });
        let mut stats = Stats::default();
        stats.entries_estimate = Some(sum(|figures| figures.entries));
        Ok([
            (
                "entries_memory",
                sum(|figures| figures.entries_memory),
                Unit::Bytes,
            ),
            (
                "index_memory",
                sum(|figures| figures.index_memory),
                Unit::Bytes,
            ),
            ("server_memory", info.number("used_memory"), Unit::Bytes),
            ("server_memory_max", info.number("maxmemory"), Unit::Bytes),
            ("server_log", info.number("aof_current_size"), Unit::Bytes),
            ("connections", info.number("connected_clients"), Unit::Count),
            ("connections_max", info.number("maxclients"), Unit::Count),
            ("replicas", info.number("connected_slaves"), Unit::Count),
            ("sessions", count(sessions), Unit::Count),
            ("idle_sessions", count(idle), Unit::Count),
        ]
        .into_iter()
        .fold(stats, |stats, (name, value, unit)| {
            stats.with(name, value, unit)
        }))
    }

    pub(crate) async fn issues(&self, deadline: Instant) -> Result<Health> {
        let mut health = Health::default();
        let all = self
            .partitions
            .iter()
            .map(|partition| judged_state(partition, deadline));
        // Each server is asked for all of its partitions.
        let mut told = HashSet::new();
        for state in join_all(all).await {
            let facts = match state {
                Ok(facts) => facts,
                Err(error) => {
                    if told.insert(error.to_string()) {
                        health = health.with("unreachable", error.to_string());
                    }
                    continue;
                }
            };
            if told.insert(facts.server().to_owned()) {
                health = issues_of(health, &facts.info);
            }
            if let Some(detail) = not_durable(&facts.persistence)
                && told.insert(format!("{} {detail}", facts.server()))
            {
                health = health.with("not_durable", detail);
            }
        }
        Ok(health)
    }

    /// Looks for entries that no scan would find.
    pub(crate) async fn check_index(&self) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        for partition in &self.partitions {
            let keys = partition.keys();
            let mut cursor = b"0".to_vec();
            loop {
                let deadline = Instant::now() + self.time_limit;
                let step = CheckStep {
                    keys,
                    cursor: &cursor,
                };
                let mut found = partition.ask(&step, deadline).await?.into_iter();
                cursor = found.next().unwrap_or_default();
                report.damages.extend(found.map(|key| {
                    let place = format!("{}[{}]", keys.entries, key.escape_ascii());
                    Damage::new(place, "the index does not name this entry")
                }));
                if cursor == b"0" || cursor.is_empty() {
                    break;
                }
            }
        }
        Ok(report)
    }

    /// Commits nothing, but does so durably: what came before is durable too then.
    pub(crate) async fn flush(&self) -> Result<MaintenanceReport> {
        if self.durability_max != Durability::Synced {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the server syncs when it likes; only its administrator can change that",
            ));
        }
        let empty = WriteBatch::new();
        let group = [&empty];
        let deadline = Instant::now() + self.time_limit;
        let never = Timestamp::from_unix_milliseconds(0);
        for partition in &self.partitions {
            let committer = &partition.committer;
            let flushing = committer.commit(&group, Durability::Synced, never, deadline);
            for answer in flushing.await? {
                answer?;
            }
        }
        Ok(MaintenanceReport::default())
    }
}

/// What the server of a partition says now. Sessions that were made when commits were
/// synced would go on to say so, and are given up if they are not.
async fn judged_state(partition: &Partition, deadline: Instant) -> Result<Facts> {
    let mut facts = partition.ask(&State, deadline).await?;
    partition.pool.connector().judge_log(&mut facts);
    if facts.persistence.pending.is_some() {
        partition.pool.forget();
    }
    Ok(facts)
}

/// Why commits are less durable than they could be.
fn not_durable(persistence: &Persistence) -> Option<String> {
    let Persistence { missing, pending } = persistence;
    match (missing, pending) {
        (Some(missing), _) => Some(format!("commits are Volatile: {missing}")),
        (None, Some(pending)) => Some(format!("commits cannot be Synced for now: {pending}")),
        (None, None) => None,
    }
}

/// What else is wrong with a server.
fn issues_of(mut health: Health, info: &Info) -> Health {
    let (used, max) = (info.number("used_memory"), info.number("maxmemory"));
    if max > 0 && used.saturating_mul(1_000) / max >= MEMORY_PERMILLE_MAX {
        let detail = format!("{used} of {max} bytes of memory are used; raise maxmemory");
        health = health.with("memory", detail);
    }
    for (name, what) in [
        ("aof_last_write_status", "appending to the log"),
        ("aof_last_bgrewrite_status", "rewriting the log"),
        ("rdb_last_bgsave_status", "saving"),
    ] {
        if info.text(name) == "err" {
            let detail = format!("{what} failed on the server; see its disk and its log");
            health = health.with("persistence", detail);
        }
    }
    // A few are kept for administrators.
    let (clients, clients_max) = (info.number("connected_clients"), info.number("maxclients"));
    if clients_max > 0 && clients.saturating_add(5) >= clients_max {
        let detail = format!("{clients} of {clients_max} connections are in use; raise maxclients");
        health = health.with("connections", detail);
    }
    health
}

/// The figures of a partition and its server.
#[derive(Debug)]
struct Figures<'a>(&'a Keys);

#[derive(Debug)]
struct FiguresFound {
    info: Info,
    entries: u64,
    entries_memory: u64,
    index_memory: u64,
}

impl Question for Figures<'_> {
    type Answer = FiguresFound;

    async fn ask(&self, session: &mut Session) -> RedisResult<FiguresFound> {
        let Self(keys) = self;
        Ok(FiguresFound {
            info: info(session).await?,
            entries: session.ask(cmd("HLEN").arg(&keys.entries)).await?,
            entries_memory: memory(session, &keys.entries).await?,
            index_memory: memory(session, &keys.index).await?,
        })
    }
}

/// What a server tells of itself, and how it keeps what is written.
#[derive(Debug)]
struct State;

impl Question for State {
    type Answer = Facts;

    async fn ask(&self, session: &mut Session) -> RedisResult<Facts> {
        session.look_at_log().await?;
        Ok(session.facts.clone())
    }
}

/// Some entries that the index does not name, and where to go on.
#[derive(Debug)]
struct CheckStep<'a> {
    keys: &'a Keys,
    cursor: &'a [u8],
}

impl Question for CheckStep<'_> {
    type Answer = Vec<Vec<u8>>;

    async fn ask(&self, session: &mut Session) -> RedisResult<Self::Answer> {
        let add = |call: &mut Cmd| {
            call.arg(self.cursor);
        };
        let found = script::CHECK.run(session, self.keys, add).await?;
        Ok(from_redis_value(found)?)
    }
}

async fn info(session: &mut Session) -> RedisResult<Info> {
    let text: String = session.ask(&cmd("INFO")).await?;
    Ok(Info::parse(&text))
}

/// How many bytes of memory a key takes, by a sample of what is in it; 0 where
/// the user may not ask.
async fn memory(session: &mut Session, key: &str) -> RedisResult<u64> {
    let mut usage = cmd("MEMORY");
    usage.arg("USAGE").arg(key);
    match session.ask::<Option<u64>>(&usage).await {
        Ok(bytes) => Ok(bytes.unwrap_or_default()),
        Err(error) if error.code() == Some("NOPERM") => Ok(0),
        Err(error) => Err(error),
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
