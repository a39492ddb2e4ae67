//! How much smaller small records are stored: with the layer's dictionaries, and without.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use storage::{
    ReadExt, Stack, Store, StoreExt,
    blocking::block_on,
    compress::{CodecStats, CompressConfig, CompressControl, CompressLayer, CompressStats},
    memory::MemoryConfig,
};
use storage_testkit::json::{Kind, Records};

/// How many records pass before it is measured: the samples of the first dictionary.
const LEARNT_FROM: u32 = 1_000;

/// How long the first dictionary may take.
const TRAINING_MAX: Duration = Duration::from_mins(1);

/// How many are measured.
const RECORDS: u32 = 20_000;

/// One line of the report.
#[derive(Debug, Serialize)]
pub(super) struct SavingRow {
    workload: String,
    trained: Saving,
    plain: Saving,
    ratio_min: f64,
    holds: bool,
}

/// What the layer makes of records.
#[derive(Debug, Serialize)]
struct Saving {
    /// How many bytes one stored byte stands for.
    ratio: f64,
    /// Mean times of the codec.
    compress_ns: f64,
    decompress_ns: f64,
}

/// Measures records of 200 B and 1 KB.
pub(super) fn measure(seed: u64) -> Result<Vec<SavingRow>> {
    let mut rows = Vec::new();
    let kinds: [(&str, Kind, f64); 2] = [
        ("records of 200 b", Records::account, 1.9),
        ("records of 1 kb", Records::order, 2.8),
    ];
    for (workload, make, ratio_min) in kinds {
        let config = CompressConfig::new();
        let plain = saving(seed, make, config.clone().dictionaries(None))?;
        let trained = saving(seed, make, config)?;
        rows.push(SavingRow {
            workload: workload.into(),
            holds: trained.ratio >= ratio_min,
            trained,
            plain,
            ratio_min,
        });
    }
    Ok(rows)
}

fn saving(seed: u64, make: Kind, config: CompressConfig) -> Result<Saving> {
    let is_training = config.dictionaries.is_some();
    block_on(async {
        let store = Stack::on(MemoryConfig::new().open())
            .with(CompressLayer::new(config))
            .open()
            .await?;
        let control: &CompressControl = store.find().context("there is no layer")?;
        let records = Records::new(seed);
        for number in 0..LEARNT_FROM {
            store.put(&number.to_be_bytes(), make(&records)).await?;
        }
        let begun = Instant::now();
        while is_training && control.stats().dictionaries.known == 0 {
            ensure!(
                begun.elapsed() < TRAINING_MAX,
                "no dictionary was made of {LEARNT_FROM} records"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        let before = control.stats();
        for number in 0..RECORDS {
            store.put(&number.to_be_bytes(), make(&records)).await?;
        }
        for number in 0..RECORDS {
            store.get(&number.to_be_bytes()).await?;
        }
        let after = control.stats();
        store.close().await?;
        Ok(Saving::between(&before, &after))
    })
}

impl Saving {
    fn between(before: &CompressStats, after: &CompressStats) -> Self {
        let logical = after.logical_bytes - before.logical_bytes;
        let stored = after.stored_bytes - before.stored_bytes;
        let codec = match after.dictionaries.codec {
            none if none.tried == 0 => after.zstd,
            some => some,
        };
        let CodecStats {
            tried,
            compressing,
            decompressed,
            decompressing,
            ..
        } = codec;
        Self {
            ratio: quotient(logical, stored),
            compress_ns: quotient(nanoseconds(compressing), tried),
            decompress_ns: quotient(nanoseconds(decompressing), decompressed),
        }
    }
}

impl fmt::Display for SavingRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workload,
            trained,
            plain,
            ratio_min,
            holds,
        } = self;
        write!(
            f,
            "{workload}: {trained} with dictionaries, {plain} without; at least {ratio_min}: {}",
            if *holds { "holds" } else { "FAILS" }
        )
    }
}

impl fmt::Display for Saving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ratio,
            compress_ns,
            decompress_ns,
        } = self;
        write!(
            f,
            "{ratio:.3} times smaller ({compress_ns:.0} and {decompress_ns:.0} ns)"
        )
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures for people need no more than 52 bits"
)]
fn quotient(a: u64, b: u64) -> f64 {
    a as f64 / (b as f64).max(1.0)
}
