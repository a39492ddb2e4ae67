//! What compressing through the layer costs, over memory: against the codec called
//! directly and a store of what it made, and against a plain store.

use std::{
    ffi::OsString,
    fmt::{self, Write as _},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use storage::{
    Kept, Random, ReadExt, SeededRandom, Stack, Store, WriteBatch, WriteOptions,
    compress::{CompressConfig, CompressLayer},
    fjall::FjallConfig,
    memory::MemoryConfig,
};
use tokio::runtime::Builder;
use zstd::{bulk, zstd_safe::compress_bound};

use crate::{
    measure::{Bar, Comparison, Figure, Labels, Measurement, Stopwatch},
    overhead::{directory_in, name},
};

/// What one process measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    subject: Subject,
    work: Work,
    size: Size,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Subject {
    /// The store under the layer.
    Compress,
    /// zstd with kept contexts, and the store for what it makes.
    Zstd,
    /// The store alone.
    Plain,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Work {
    /// Put JSON into memory.
    PutText,
    /// Get it.
    GetText,
    /// Put random bytes into fjall as its default is, synced.
    PutNoise,
    /// The same, buffered.
    PutNoiseBuffered,
}

/// How large values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Size {
    #[value(name = "1-kb")]
    Kb1,
    #[value(name = "16-kb")]
    Kb16,
    #[value(name = "1-mb")]
    Mb1,
}

impl Size {
    const fn bytes(self) -> usize {
        match self {
            Self::Kb1 => 1 << 10,
            Self::Kb16 => 16 << 10,
            Self::Mb1 => 1 << 20,
        }
    }
}

impl Work {
    /// Enough to take a fraction of a second to a few.
    const fn operations(self, size: Size) -> u32 {
        match (self, size) {
            (Self::PutText | Self::PutNoiseBuffered, Size::Kb1) => 50_000,
            (Self::PutText | Self::PutNoiseBuffered, Size::Kb16) => 10_000,
            (Self::PutText | Self::PutNoiseBuffered, Size::Mb1) => 150,
            (Self::GetText, Size::Kb1) => 150_000,
            (Self::GetText, Size::Kb16) => 30_000,
            (Self::GetText, Size::Mb1) => 500,
            (Self::PutNoise, Size::Mb1) => 100,
            (Self::PutNoise, _) => 600,
        }
    }
}

/// Every row, in the order in which they are printed.
pub(super) fn rows() -> Vec<Comparison<Cell>> {
    let mut rows = Vec::new();
    for (work, baseline, figure, bar) in [
        (
            Work::PutText,
            Subject::Zstd,
            Figure::Throughput,
            Some(Bar::AtLeast(0.9)),
        ),
        (
            Work::GetText,
            Subject::Zstd,
            Figure::Time,
            Some(Bar::AtMost(1.15)),
        ),
        (
            Work::PutNoise,
            Subject::Plain,
            Figure::Time,
            Some(Bar::AtMost(1.05)),
        ),
        (Work::PutNoiseBuffered, Subject::Plain, Figure::Time, None),
    ] {
        for size in Size::value_variants() {
            let cell = |subject| Cell {
                subject,
                work,
                size: *size,
            };
            rows.push(Comparison {
                subject: cell(Subject::Compress),
                baseline: cell(baseline),
                figure,
                bar,
            });
        }
    }
    rows
}

/// What the row of a comparison is called.
pub(super) fn labels(comparison: &Comparison<Cell>) -> Labels {
    let Cell {
        work,
        size,
        subject,
    } = comparison.subject;
    let workload = format!("{} of {}", name(&work), name(&size));
    Labels {
        workload: comparison.figure.of_work(&workload, 1),
        engine: match work {
            Work::PutText | Work::GetText => "memory".into(),
            Work::PutNoise | Work::PutNoiseBuffered => "fjall".into(),
        },
        subject: name(&subject),
        baseline: name(&comparison.baseline.subject),
    }
}

impl Cell {
    pub(super) fn arguments(self, directory: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["compress-cell".into()];
        for (option, value) in [
            ("--subject", name(&self.subject)),
            ("--work", name(&self.work)),
            ("--size", name(&self.size)),
        ] {
            arguments.extend([option.into(), value.into()]);
        }
        arguments.extend(["--directory".into(), directory.into()]);
        arguments
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            work,
            size,
        } = self;
        write!(f, "{} of {}, {}", name(work), name(size), name(subject))
    }
}

/// The cell to measure.
#[derive(Debug, Args)]
pub(crate) struct CompressCellArgs {
    #[arg(long)]
    subject: Subject,
    #[arg(long)]
    work: Work,
    #[arg(long)]
    size: Size,
    #[arg(long)]
    directory: std::path::PathBuf,
}

/// Measures a cell and prints the measurement.
pub(crate) fn run_cell(args: &CompressCellArgs) -> Result<()> {
    let directory = directory_in(&args.directory)?;
    let runtime = Builder::new_current_thread().build()?;
    let measurement = runtime.block_on(measure(args, &directory.path().join("store")))?;
    println!("{}", serde_json::to_string(&measurement)?);
    Ok(())
}

async fn measure(args: &CompressCellArgs, path: &Path) -> Result<Measurement> {
    // Against a codec that has none.
    let text = || CompressLayer::new(CompressConfig::new().dictionaries(None));
    let noise = || CompressLayer::new(CompressConfig::new());
    match (args.work, args.subject) {
        (Work::PutText | Work::GetText, Subject::Compress) => {
            let store = Stack::on(MemoryConfig::new().open())
                .with(text())
                .open()
                .await?;
            drive(args, &Layered(store)).await
        }
        (Work::PutText | Work::GetText, Subject::Zstd) => {
            drive(args, &Direct::new(MemoryConfig::new().open())).await
        }
        (Work::PutNoise | Work::PutNoiseBuffered, Subject::Compress) => {
            let stack = Stack::on(FjallConfig::new(path).open().await?).with(noise());
            drive(args, &Layered(stack.open().await?)).await
        }
        (_, Subject::Plain) => drive(args, &Layered(FjallConfig::new(path).open().await?)).await,
        (Work::PutNoise | Work::PutNoiseBuffered, Subject::Zstd) => {
            anyhow::bail!("nothing is compared with this")
        }
    }
}

/// How values get into a store and out of it.
trait Way {
    async fn put(&self, key: &[u8], value: &[u8], options: &WriteOptions) -> Result<()>;
    async fn get(&self, key: &[u8]) -> Result<usize>;
}

/// As they are, as far as the caller knows.
struct Layered<S>(S);

impl<S: Store> Way for Layered<S> {
    async fn put(&self, key: &[u8], value: &[u8], options: &WriteOptions) -> Result<()> {
        let batch = WriteBatch::new().put(key, value.to_vec());
        self.0.commit_with(batch, options).await?;
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let entry = self.0.get(key).await?.context("a key is missing")?;
        Ok(entry.value().len())
    }
}

/// Compressed by the caller, with contexts that are kept.
struct Direct<S> {
    store: S,
    compressors: Kept<bulk::Compressor<'static>>,
    decompressors: Kept<bulk::Decompressor<'static>>,
}

impl<S> Direct<S> {
    fn new(store: S) -> Self {
        Self {
            store,
            compressors: Kept::default(),
            decompressors: Kept::default(),
        }
    }
}

impl<S: Store> Way for Direct<S> {
    async fn put(&self, key: &[u8], value: &[u8], options: &WriteOptions) -> Result<()> {
        // As the caller of the layer has to.
        let value = value.to_vec();
        let make = || bulk::Compressor::new(1);
        let packed = self.compressors.lend(make, |compressor| {
            let mut packed = Vec::with_capacity(compress_bound(value.len()));
            compressor.compress_to_buffer(&value, &mut packed)?;
            Ok::<_, std::io::Error>(packed)
        })?;
        let batch = WriteBatch::new().put(key, packed);
        self.store.commit_with(batch, options).await?;
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let entry = self.store.get(key).await?.context("a key is missing")?;
        let packed = entry.value();
        let value = self.decompressors.lend(bulk::Decompressor::new, |zstd| {
            zstd.decompress(packed, Size::Mb1.bytes())
        })?;
        Ok(value.len())
    }
}

/// How many values there are: more than the caches of a processor forget.
const VALUES: u32 = 64;

async fn drive(args: &CompressCellArgs, way: &impl Way) -> Result<Measurement> {
    let (work, size) = (args.work, args.size);
    let values: Vec<Vec<u8>> = (0..VALUES)
        .map(|seed| match work {
            Work::PutText | Work::GetText => Ok(text(seed, size.bytes())),
            Work::PutNoise | Work::PutNoiseBuffered => noise(seed, size.bytes()),
        })
        .collect::<Result<_>>()?;
    let options = match work {
        Work::PutNoiseBuffered => WriteOptions::new().durability(storage::Durability::Buffered),
        _ => WriteOptions::new(),
    };
    for (key, value) in (0..VALUES).zip(&values) {
        way.put(&key.to_be_bytes(), value, &options).await?;
    }
    let operations = work.operations(size);
    let stopwatch = Stopwatch::start()?;
    for (number, value) in (0..operations).zip(values.iter().cycle()) {
        let key = (number % VALUES).to_be_bytes();
        if work == Work::GetText {
            ensure!(
                way.get(&key).await? == value.len(),
                "a value has another length"
            );
        } else {
            way.put(&key, value, &options).await?;
        }
    }
    stopwatch.stop(operations)
}

/// JSON of exactly so many bytes, with fields that repeat and values that do not.
fn text(seed: u32, bytes: usize) -> Vec<u8> {
    let random = SeededRandom::new(u64::from(seed));
    let mut text = String::new();
    while text.len() < bytes {
        let (a, b) = (random.next_u64(), random.next_u64());
        let _ = write!(
            text,
            "{{\"id\":{},\"name\":\"user-{}\",\"active\":{},\"balance\":{}.{:02},\"tags\":[\"a{}\",\"b{}\"]}},",
            a >> 40,
            b >> 44,
            a % 2 == 0,
            b % 10_000,
            a % 100,
            b % 7,
            a % 5
        );
    }
    text.truncate(bytes);
    text.into_bytes()
}

fn noise(seed: u32, bytes: usize) -> Result<Vec<u8>> {
    let mut noise = vec![0; bytes];
    SeededRandom::new(u64::from(seed)).fill(&mut noise)?;
    Ok(noise)
}
