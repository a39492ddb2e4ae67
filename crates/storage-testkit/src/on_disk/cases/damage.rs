//! Damaged files of a closed store: whoever opens and reads it is told, or
//! misses nothing.

use std::{
    collections::BTreeMap,
    fs,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use storage_core::{Entry, ErrorKind, OwnedKey, ReadExt, Result, Store, StoreExt, WriteBatch};
use tokio::time::timeout;

use super::{compact_unless, noise};
use crate::{
    CaseResult, Failure,
    dice::Dice,
    failure::ensure,
    on_disk::{
        OnDisk, Scene, close,
        damage::Damage,
        ledger::{all, unless},
        tree,
    },
};

type Content = BTreeMap<Bytes, Bytes>;

/// A flipped bit in any file, which a disk that ages may show.
pub async fn a_flipped_bit_in_any_file_is_reported_or_harmless<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    /// In a file of no more bytes, each is flipped.
    const SMALL_BYTES: u64 = 64;
    let dice = Dice::new(7);
    let flips = |length: u64| {
        let places = length.min(SMALL_BYTES);
        let flip = |index| Damage::Flip {
            place: if length <= SMALL_BYTES {
                index
            } else {
                dice.below(length)
            },
            bit: 1 << dice.small(8),
        };
        (0..places).map(flip).collect()
    };
    try_damages(scene, flips).await
}

/// A file that ends early, as after a copy that was cut off.
pub async fn a_file_cut_off_anywhere_is_reported_or_harmless<S: OnDisk>(
    scene: &Scene<S>,
) -> CaseResult {
    const SAMPLES: u64 = 12;
    let dice = Dice::new(8);
    let cuts = |length: u64| {
        let Some(last) = length.checked_sub(1) else {
            return Vec::new();
        };
        let sampled = (0..SAMPLES).map(|_| dice.below(length));
        let lengths = [0, last, length / 2].into_iter().chain(sampled);
        lengths.map(|length| Damage::Cut { length }).collect()
    };
    try_damages(scene, cuts).await
}

/// A file that is gone.
pub async fn a_missing_file_is_reported_or_harmless<S: OnDisk>(scene: &Scene<S>) -> CaseResult {
    try_damages(scene, |_| vec![Damage::Removal]).await
}

/// Tries the damages that `plan` has for a file of each length on every file of
/// a store, one at a time, each on a fresh copy. The first of each file come
/// first; those after them are left out once it has taken long enough.
async fn try_damages<S: OnDisk>(scene: &Scene<S>, plan: impl Fn(u64) -> Vec<Damage>) -> CaseResult {
    const ROUNDS_MIN: usize = 4;
    const LONG_ENOUGH: Duration = Duration::from_secs(8);
    let whole = Whole::make(scene).await?;
    let mut plans = Vec::new();
    for file in sample(tree::files(&whole.path)?) {
        let name = file.strip_prefix(&whole.path).unwrap_or(&file).to_owned();
        plans.push((name, plan(fs::metadata(&file)?.len())));
    }
    let rounds = plans.iter().map(|(_, damages)| damages.len()).max();
    let began = Instant::now();
    let mut unreported = Vec::new();
    for round in 0..rounds.unwrap_or(0) {
        if round >= ROUNDS_MIN && began.elapsed() > LONG_ENOUGH {
            break;
        }
        for (name, damages) in &plans {
            let Some(damage) = damages.get(round) else {
                continue;
            };
            if let Err(failure) = whole.try_damage(scene, name, *damage).await {
                unreported.push(format!("{} {damage}: {failure}", name.display()));
            }
        }
    }
    ensure!(
        unreported.is_empty(),
        "{} damages go unreported or are reported wrongly:\n  {}",
        unreported.len(),
        unreported.join("\n  ")
    );
    Ok(())
}

/// Some of the files of each directory that has many: an engine that keeps a
/// file for each value has hundreds that are alike.
fn sample(files: Vec<PathBuf>) -> Vec<PathBuf> {
    const SAMPLED: usize = 12;
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let folder = file.parent().unwrap_or(&file).to_owned();
        folders.entry(folder).or_default().push(file);
    }
    let sampled = folders.into_values().flat_map(|files| {
        let step = files.len().div_ceil(SAMPLED).max(1);
        files.into_iter().step_by(step)
    });
    sampled.collect()
}

/// A store that is well, and closed.
struct Whole {
    path: PathBuf,
    /// What it held after each commit.
    states: Vec<Content>,
}

impl Whole {
    /// Makes a store with data in all kinds of files: some compacted, some in a
    /// log, if the engine has these.
    async fn make<S: OnDisk>(scene: &Scene<S>) -> CaseResult<Self> {
        let path = scene.path("whole");
        let store = scene.open(&path).await?;
        let mut states = vec![Content::new()];
        write_batches(&store, "sorted", &mut states).await?;
        compact_unless(&[], &store).await?;
        write_batches(&store, "logged", &mut states).await?;
        close(store).await?;
        // An engine may tidy up what it finds after the first close.
        close(scene.open(&path).await?).await?;
        Ok(Self { path, states })
    }

    async fn try_damage<S: OnDisk>(
        &self,
        scene: &Scene<S>,
        name: &Path,
        damage: Damage,
    ) -> CaseResult {
        const TIME_MAX: Duration = Duration::from_secs(30);
        let path = scene.path("damaged");
        tree::copy(&self.path, &path)?;
        damage.inflict(&path.join(name))?;
        let is_exempt = scene
            .subject()
            .exemptions()
            .iter()
            .any(|exemption| name.to_string_lossy().ends_with(exemption.file));
        let acceptable = if is_exempt {
            &*self.states
        } else {
            self.states.last().map_or(&[][..], std::slice::from_ref)
        };
        if matches!(damage, Damage::Removal) && name == Path::new("STORAGE") {
            // Without it the directory is not a store, and refused as such.
            scene.refuses(&path, ErrorKind::Invalid).await?;
            return Ok(());
        }
        // Twice: to look at a damaged store must not make it pass for a sound one.
        for look in ["", "at the second look, "] {
            let looking = no_panic(judge(scene, &path, acceptable));
            timeout(TIME_MAX, looking)
                .await
                .unwrap_or_else(|_| Err(Failure::new(format!("no answer within {TIME_MAX:?}"))))
                .map_err(|failure| failure.within(look))?;
        }
        Ok(())
    }
}

/// Opens a store and reads it in every way. It must say that it is damaged, or
/// show one of the acceptable contents.
async fn judge<S: OnDisk>(scene: &Scene<S>, path: &Path, acceptable: &[Content]) -> CaseResult {
    let Some(store) = unless_corrupt(scene.open(path).await)? else {
        return Ok(());
    };
    let scanned = unless_corrupt(all(&store).await)?;
    let mut got = Some(Content::new());
    for key in acceptable.last().into_iter().flat_map(BTreeMap::keys) {
        let Some(found) = unless_corrupt(store.get(key).await)? else {
            got = None;
            continue;
        };
        let found = found.map(Entry::into_value);
        ensure!(
            acceptable
                .iter()
                .any(|content| content.get(key) == found.as_ref()),
            "a get shows {}, without a word",
            match &found {
                Some(_) => "a value that was never put",
                None => "nothing",
            }
        );
        if let (Some(got), Some(found)) = (&mut got, found) {
            got.insert(key.clone(), found);
        }
    }
    let report = unless_corrupt(store.check().await)?;
    unless_corrupt(store.close().await)?;

    for (content, reader) in [(&scanned, "a scan shows"), (&got, "gets of all keys show")] {
        if let Some(content) = content {
            ensure!(
                acceptable.contains(content),
                "{reader} other entries than were put, {} of {}, without a word",
                content.len(),
                acceptable.last().map_or(0, BTreeMap::len)
            );
        }
    }
    if let (Some(scanned), Some(got)) = (&scanned, &got) {
        ensure!(scanned == got, "a scan and gets of all keys differ");
    }
    let is_met = scanned.is_none() || got.is_none();
    let is_found = report.is_none_or(|report| !report.damages.is_empty());
    ensure!(
        is_found || !is_met,
        "a read meets damage that a check does not find"
    );
    Ok(())
}

fn unless_corrupt<T>(answer: Result<T>) -> CaseResult<Option<T>> {
    unless(&[ErrorKind::Corrupt], answer)
}

async fn write_batches(store: &impl Store, name: &str, states: &mut Vec<Content>) -> CaseResult {
    for part in 0..10_u8 {
        let mut batch = WriteBatch::new();
        let mut content = states.last().cloned().unwrap_or_default();
        for number in 0..10_u8 {
            let key = format!("{name}/{part:02}/{number:02}");
            let value = match number {
                0 => noise(part.into(), 3_000),
                1 => key.repeat(400).into_bytes(),
                _ => key.repeat(3).into_bytes(),
            };
            let (key, value) = (Bytes::from(key), Bytes::from(value));
            content.insert(key.clone(), value.clone());
            batch = batch.put(OwnedKey::from(key), value);
        }
        store.commit(batch).await?;
        states.push(content);
    }
    Ok(())
}

/// Awaits `work`; a panic of it is a failure.
async fn no_panic(work: impl Future<Output = CaseResult>) -> CaseResult {
    let mut work = pin!(work);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|_| Err(Failure::new("the engine panics")).into())
    })
    .await
}
