//! Reading the demo's files back and comparing them with what was imported.

use std::time::{Duration, Instant};

use storage::{SharedStore, prelude::*};

use super::manifest::Sample;
use crate::{failure::Result, interrupts, progress::Progress};

/// What reading back found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) missing: u64,
    pub(super) mismatched: u64,
    pub(super) elapsed: Duration,
}

impl Verdict {
    pub(super) fn is_sound(&self) -> bool {
        self.missing == 0 && self.mismatched == 0
    }
}

/// Reads each sample from the store and compares its hash.
pub(super) async fn read_back(
    store: &SharedStore,
    samples: impl Iterator<Item = Result<Sample>>,
    task: &'static str,
) -> Result<Verdict> {
    let started = Instant::now();
    let progress = Progress::of_unknown(task);
    let mut verdict = Verdict::default();
    for sample in samples {
        interrupts::check()?;
        let sample = sample?;
        match store.get(&sample.key).await? {
            None => verdict.missing += 1,
            Some(entry) if blake3::hash(entry.value()) != sample.hash => verdict.mismatched += 1,
            Some(_) => {
                verdict.files += 1;
                verdict.bytes += sample.bytes;
            }
        }
        progress.add(sample.bytes);
    }
    verdict.elapsed = started.elapsed();
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_differs_is_counted() {
        storage::blocking::block_on(async {
            let store = storage::open("memory:").await.unwrap();
            store.put("sound", "1").await.unwrap();
            store.put("damaged", "2").await.unwrap();
            let samples = ["sound", "damaged", "lost"]
                .map(|key| Ok(Sample::of(key.as_bytes().to_vec(), b"1")));
            let verdict = read_back(&store, samples.into_iter(), "checking")
                .await
                .unwrap();
            assert_eq!(
                (verdict.files, verdict.missing, verdict.mismatched),
                (1, 1, 1)
            );
            assert!(!verdict.is_sound());
        });
    }
}
