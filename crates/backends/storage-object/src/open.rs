//! What an open does: finds or makes the store, and finds out what guards are
//! worth.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{ObjectStore, local::LocalFileSystem, memory::InMemory, path::Path};
use storage_core::{Components, Durability, Error, ErrorKind, Result, StoreDirectory};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    ObjectConditions, ObjectConfig, ObjectCreation,
    bucket::{Bucket, BucketKind, Content, Parts, PutIf},
    config::invalid,
    engine::{ENGINE, ObjectEngine, limits},
    failure::RETRY_AFTER,
    guarding::{Guarding, KeyLocks},
    name::Names,
    place::{PlaceSite, Promise},
    race::{Verdict, race},
    read::Tries,
    walk::Step,
};

/// What the marker of a store says: which format it has.
const MARKER: &[u8] = b"storage object 1\n";
const MARKER_START: &[u8] = b"storage object ";

/// The version of a directory with objects in it.
const DIRECTORY_VERSION: u32 = 1;

/// Objects of a race that are older were left by a process that died.
const RACE_AGE_MAX: Duration = Duration::from_hours(1);

/// What holds the objects, and what is known of it.
pub(crate) struct Holder {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) kind: BucketKind,
    pub(crate) promise: Promise,
    pub(crate) durability: Durability,
    pub(crate) directory: Option<Arc<StoreDirectory>>,
}

/// The engine of a valid configuration.
pub(crate) async fn engine(config: ObjectConfig, components: &Components) -> Result<ObjectEngine> {
    let deadline = Instant::now() + config.time_limit;
    let holder = Holder::of(&config, deadline).await?;
    engine_in(holder, config, components, deadline).await
}

/// The engine of the objects that something holds.
pub(crate) async fn engine_in(
    holder: Holder,
    config: ObjectConfig,
    components: &Components,
    deadline: Instant,
) -> Result<ObjectEngine> {
    let names = Names::below(config.root()?);
    let requests = config.requests_at_once;
    let bucket = Arc::new(Bucket {
        store: holder.store,
        kind: holder.kind,
        parts: Parts {
            bytes_min: config.parts.bytes_min,
            part_bytes: config.parts.part_bytes,
            at_once: config.parts.at_once.get(),
        },
        permits: Semaphore::new(requests.get()),
        executor: Arc::clone(&components.executor),
    });
    let location = config.location();
    let at_place = |error: Error| error.with_place(&location);
    claim(&bucket, &names, config.creation, deadline)
        .await
        .map_err(at_place)?;
    let guarding = guarding(&bucket, &names, config.conditions, components, deadline)
        .await
        .map_err(at_place)?;
    Ok(ObjectEngine {
        bucket,
        names,
        guarding,
        storage_classes: config.storage_classes,
        reads: config.reads.declared(holder.promise),
        durability: holder.durability,
        requests_at_once: requests.get(),
        random: Arc::clone(&components.random),
        limits: limits(requests)
            .queue_max(config.queue_max)
            .time_limit(config.time_limit),
        location,
        directory: holder.directory,
    })
}

impl Holder {
    async fn of(config: &ObjectConfig, deadline: Instant) -> Result<Self> {
        match config.place.site() {
            PlaceSite::Server(place) => {
                let client = place.connect(config.connect_timeout)?;
                if let Some(credentials) = client.credentials {
                    credentials
                        .take(deadline, config.connect_timeout)
                        .await
                        .map_err(|error| error.with_place(config.location()))?;
                }
                Ok(Self {
                    store: client.store,
                    kind: BucketKind::Server(client.deletes),
                    promise: client.promise,
                    durability: Durability::Synced,
                    directory: None,
                })
            }
            PlaceSite::Directory(path) => {
                if config.creation == ObjectCreation::Never && !path.join("STORAGE").exists() {
                    return Err(missing());
                }
                let directory = StoreDirectory::claim(path, ENGINE, DIRECTORY_VERSION, |_| Ok(()))?;
                let data = directory.data();
                let store = LocalFileSystem::new_with_prefix(&data)
                    .map_err(|error| {
                        Error::new(ErrorKind::Unavailable, "the directory cannot be used")
                            .with_source(error)
                    })?
                    .with_fsync(true);
                Ok(Self {
                    store: Arc::new(store),
                    kind: BucketKind::Directory(data),
                    promise: Promise::Strong,
                    durability: Durability::Synced,
                    directory: Some(Arc::new(directory)),
                })
            }
            PlaceSite::Memory => Ok(Self {
                store: Arc::new(InMemory::new()),
                kind: BucketKind::Memory,
                promise: Promise::Strong,
                durability: Durability::Volatile,
                directory: None,
            }),
        }
    }
}

/// Finds the marker of the store, or makes it where nobody else has anything.
async fn claim(
    bucket: &Bucket,
    names: &Names,
    creation: ObjectCreation,
    deadline: Instant,
) -> Result<()> {
    let path = names.marker();
    let mut tries = Tries::default();
    let marker = loop {
        match bucket.get(&path, None, deadline).await {
            Ok(marker) => break marker,
            Err(failed) => tries.again(failed).await?,
        }
    };
    if let Some(marker) = marker {
        return judge_marker(&marker.bytes);
    }
    let mut other = None;
    let mut visit = |object: object_store::ObjectMeta| {
        other = Some(object.location);
        Step::Enough
    };
    bucket
        .walk(names.root(), None, deadline, &mut visit)
        .await?;
    if let Some(other) = other
        // Somebody may have made the store meanwhile.
        && other != path
    {
        return Err(invalid(format!(
            "there is {other}, but no store; name a prefix that nothing else uses"
        )));
    }
    if creation == ObjectCreation::Never {
        return Err(missing());
    }
    let content = Content {
        pieces: [Bytes::from_static(MARKER), Bytes::new()],
        class: None,
    };
    // Several who do so at once write the same.
    bucket.put(&path, content, PutIf::Always, deadline).await?;
    Ok(())
}

fn judge_marker(marker: &[u8]) -> Result<()> {
    if marker == MARKER {
        return Ok(());
    }
    if marker.starts_with(MARKER_START) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the store has a newer format; use a newer version",
        ));
    }
    Err(invalid(
        "the object STORAGE is not that of a store; name a prefix that nothing else uses",
    ))
}

fn missing() -> Error {
    invalid("there is no store, and none is to be made; check bucket and prefix")
}

async fn guarding(
    bucket: &Bucket,
    names: &Names,
    conditions: ObjectConditions,
    components: &Components,
    deadline: Instant,
) -> Result<Guarding> {
    if !bucket.is_server() {
        return Ok(Guarding::Locks(KeyLocks::new()));
    }
    match conditions {
        ObjectConditions::Trusted => Ok(Guarding::Requests),
        ObjectConditions::Unused => Ok(Guarding::None {
            reason: "conditions are configured to be unused, so there are no guards".into(),
        }),
        ObjectConditions::Probed => {
            remove_old_races(bucket, names, deadline).await?;
            let verdict = race(bucket, names, &*components.random, deadline).await?;
            Ok(match verdict {
                Verdict::Honoured => Guarding::Requests,
                Verdict::Ignored(what) => Guarding::None {
                    reason: format!(
                        "the server does not honour conditions: {what}; there are no guards"
                    ),
                },
            })
        }
    }
}

async fn remove_old_races(bucket: &Bucket, names: &Names, deadline: Instant) -> Result<()> {
    let mut old: Vec<Path> = Vec::new();
    let now = std::time::SystemTime::now();
    let mut visit = |object: object_store::ObjectMeta| {
        let age = now.duration_since(object.last_modified.into());
        if age.is_ok_and(|age| age > RACE_AGE_MAX) {
            old.push(object.location);
        }
        Step::More
    };
    let races = names.races();
    bucket
        .walk(&races, None, deadline, &mut visit)
        .await
        .map_err(|failed| failed.error.with_retry_after(RETRY_AFTER))?;
    for path in old {
        bucket.delete(&path, deadline).await?;
    }
    Ok(())
}
