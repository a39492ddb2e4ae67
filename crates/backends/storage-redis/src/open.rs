//! What is under the prefix: nothing, a store, or what belongs to somebody else.

use std::num::NonZeroU16;

use deadpool_redis::redis::{Cmd, RedisResult, cmd, from_redis_value};
use storage_core::{Components, Durability, Error, ErrorKind, Result, Sequence};
use tokio::time::Instant;
use uuid::Builder;

use crate::{
    Eviction, RedisConfig, RedisCreation,
    error::{corrupt, unexpected},
    failure::Failure,
    partition::Partition,
    script::{self, Keys},
    session::{Command, Session, within},
};

/// The version of what is stored; `docs/formats/redis.md` describes it.
const FORMAT: &str = "1";

/// The field of the header with the number of partitions.
const PARTITIONS: &str = "partitions";

/// A store that is there.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) store: String,
    pub(crate) last: Sequence,
}

/// Opens what is under the prefix, or makes it.
///
/// # Errors
/// As [`RedisConfig::open`].
pub(crate) async fn prepare(
    session: &mut Session,
    keys: &Keys,
    config: &RedisConfig,
    part_of: Option<&str>,
    components: &Components,
    deadline: Instant,
) -> Result<Header, Failure> {
    judge(session, config).map_err(Failure::before)?;
    let store = if let Some(store) = part_of {
        store.to_owned()
    } else {
        let mut id = [0; 16];
        components.random.fill(&mut id).map_err(Failure::before)?;
        Builder::from_random_bytes(id).into_uuid().to_string()
    };
    let mut found = find(session, keys, &store, Absent::Look, deadline).await?;
    if matches!(found, Found::Absent) {
        if config.creation == RedisCreation::Never {
            return Err(Failure::before(Error::new(
                ErrorKind::Invalid,
                format!("there is no store at {}", config.location()),
            )));
        }
        let of_others = within(deadline, key_of_others(session, &keys.start));
        let key = of_others.await?;
        // Another process may have made the store meanwhile.
        let absent = match key {
            None => Absent::Make,
            Some(_) => Absent::Look,
        };
        found = find(session, keys, &store, absent, deadline).await?;
        if let (Found::Absent, Some(key)) = (&found, key) {
            return Err(Failure::before(foreign(&key)));
        }
    }
    let Found::Ours { format, header } = found else {
        return Err(Failure::before(corrupt(
            "the store was removed while it was opened",
        )));
    };
    demand_ours(&format, &header, keys, part_of).map_err(Failure::before)?;
    Ok(header)
}

/// # Errors
/// `Unsupported` if this version does not know the format; `Invalid` if it is to be a
/// part of another store.
fn demand_ours(format: &str, header: &Header, keys: &Keys, part_of: Option<&str>) -> Result<()> {
    if format != FORMAT {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("the store has the format {format}, this takes {FORMAT}; use a newer version"),
        ));
    }
    match part_of {
        Some(store) if store != header.store => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the keys below `{}` belong to another store; choose another prefix",
                keys.start
            ),
        )),
        _ => Ok(()),
    }
}

/// How many partitions a store in a cluster has, as its first one says; none if it
/// was not made to its end.
pub(crate) async fn partitions(
    partition: &Partition,
    deadline: Instant,
) -> Result<Option<NonZeroU16>> {
    let mut ask = cmd("HGET");
    ask.arg(&partition.keys().meta).arg(PARTITIONS);
    let count: Option<u16> = partition.ask(&Command::new(ask), deadline).await?;
    count
        .map(|count| NonZeroU16::new(count).ok_or_else(damaged))
        .transpose()
}

/// Says in the first partition that all of them are there.
pub(crate) async fn complete(
    partition: &Partition,
    partitions: NonZeroU16,
    deadline: Instant,
) -> Result<()> {
    let mut set = cmd("HSETNX");
    set.arg(&partition.keys().meta)
        .arg(PARTITIONS)
        .arg(partitions.get());
    partition.ask(&Command::<u64>::new(set), deadline).await?;
    match self::partitions(partition, deadline).await? {
        Some(there) if there == partitions => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Invalid,
            "another process has made the store with another number of partitions meanwhile; open \
             it again",
        )),
    }
}

/// Judges what the server is set to do.
fn judge(session: &Session, config: &RedisConfig) -> Result<()> {
    let (info, persistence) = (&session.facts.info, &session.facts.persistence);
    if info.evicts() && config.eviction == Eviction::Refused {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the server may throw the store away when its memory is full: maxmemory-policy is \
                 {}; set noeviction, or open the store with eviction allowed",
                info.text("maxmemory_policy")
            ),
        ));
    }
    match (config.durability, &persistence.missing) {
        (Some(Durability::Synced), Some(missing)) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("the server does not make commits Synced: {missing}"),
        )),
        _ => Ok(()),
    }
}

/// What to do if there is nothing.
#[derive(Clone, Copy)]
enum Absent {
    Look,
    Make,
}

enum Found {
    Absent,
    Ours { format: String, header: Header },
}

async fn find(
    session: &mut Session,
    keys: &Keys,
    store: &str,
    absent: Absent,
    deadline: Instant,
) -> Result<Found, Failure> {
    let add = |call: &mut Cmd| {
        call.arg(store).arg(match absent {
            Absent::Look => "look",
            Absent::Make => "make",
        });
    };
    let prepared = async {
        let prepared = script::PREPARE.run(session, keys, add).await?;
        let words: Vec<String> = from_redis_value(prepared)?;
        Ok(words)
    };
    let words = match within(deadline, prepared).await {
        Ok(words) => words,
        // Rights cannot be tried on a server that is full. What is there can be
        // read all the same, and deleted.
        Err(Failure { error, .. }) if error.kind() == ErrorKind::Full => {
            within(deadline, header_of(session, keys)).await?
        }
        Err(failure) => return Err(failure),
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["absent"] => Ok(Found::Absent),
        ["foreign", key] => Err(Failure::before(foreign(key))),
        ["ours", format, store, last] => Ok(Found::Ours {
            format: format.to_owned(),
            header: Header {
                store: store.to_owned(),
                last: last
                    .parse()
                    .map(Sequence::new)
                    .map_err(|_| Failure::before(damaged()))?,
            },
        }),
        _ => Err(Failure::before(damaged())),
    }
}

async fn header_of(session: &mut Session, keys: &Keys) -> RedisResult<Vec<String>> {
    let mut read = cmd("HMGET");
    read.arg(&keys.meta).arg(&["format", "store", "last"]);
    let fields: Vec<Option<String>> = session.ask(&read).await?;
    let fields: Option<Vec<_>> = fields.into_iter().collect();
    let fields = fields.ok_or_else(|| unexpected("the header is not whole"))?;
    Ok(std::iter::once("ours".to_owned()).chain(fields).collect())
}

/// A key that begins with the prefix, though there is no store.
async fn key_of_others(session: &mut Session, start: &str) -> RedisResult<Option<String>> {
    let mut cursor: u64 = 0;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{start}*"));
        scan.arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<Vec<u8>>) = session.ask(&scan).await?;
        if let Some(key) = keys.first() {
            return Ok(Some(String::from_utf8_lossy(key).into_owned()));
        }
        if next == 0 {
            return Ok(None);
        }
        cursor = next;
    }
}

fn foreign(key: &str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!(
            "`{}` belongs to another application, or to a store whose header the server has \
             evicted; choose another prefix or database, or delete what is below this one",
            key.escape_debug()
        ),
    )
}

fn damaged() -> Error {
    corrupt("the header of the store is damaged")
}
