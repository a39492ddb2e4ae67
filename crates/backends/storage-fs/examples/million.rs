//! What a million entries take: memory for each key, and time to open.
//!
//! `cargo run --release -p storage-fs --example million -- DIRECTORY [ENTRIES]`
//! fills a new store, unless there is one already, and opens it in a process of
//! its own. A million files take some 5 GiB.

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use storage_core::{
    Durability, Maintenance, ReadExt, Store, StoreExt, WriteBatch, WriteOptions, blocking::block_on,
};
use storage_fs::FsConfig;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How many entries a commit has.
const BATCH: u64 = 10_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match &*arguments {
        [directory] => fill_and_open(directory, 1_000_000),
        [directory, entries] => entries
            .parse()
            .map_err(Into::into)
            .and_then(|entries| fill_and_open(directory, entries)),
        [directory, entries, _] => entries
            .parse()
            .map_err(Into::into)
            .and_then(|entries| block_on(open(Path::new(directory), entries))),
        _ => Err("give a directory, and perhaps a number of entries".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn fill_and_open(directory: &str, entries: u64) -> Outcome<()> {
    if !Path::new(directory).exists() {
        block_on(fill(Path::new(directory), entries))?;
    }
    // A process of its own, whose memory holds nothing else.
    let opened = Command::new(env::current_exe()?)
        .args([directory, &entries.to_string(), "open"])
        .status()?;
    if opened.success() {
        Ok(())
    } else {
        Err("the store cannot be opened".into())
    }
}

async fn fill(directory: &Path, entries: u64) -> Outcome<()> {
    let store = FsConfig::new(directory).open().await?;
    let options = WriteOptions::new().durability(Durability::Buffered);
    let started = Instant::now();
    for first in (0..entries).step_by(usize::try_from(BATCH)?) {
        let numbers = first..entries.min(first + BATCH);
        let batch = numbers.fold(WriteBatch::new(), |batch, number| {
            batch.put(key(number), number.to_be_bytes().to_vec())
        });
        store.commit_with(batch, &options).await?;
    }
    let puts = started.elapsed().as_secs_f64() * 1e6 / as_f64(entries);
    say(&format!(
        "{entries} puts in batches of {BATCH}: {puts:.1} µs each"
    ));
    let started = Instant::now();
    store.maintain(Maintenance::Compact).await?;
    say(&format!("a compaction: {:.2?}", started.elapsed()));
    store.close().await?;
    Ok(())
}

async fn open(directory: &Path, entries: u64) -> Outcome<()> {
    let before = resident_bytes()?;
    let started = Instant::now();
    let store = FsConfig::new(directory).open().await?;
    let opened = started.elapsed();
    let after = resident_bytes()?;
    let stats = store.stats().await?;
    let counted = stats.entries_estimate.unwrap_or_default();
    let index = stats.detail("index_memory").unwrap_or_default();
    let base = stats.detail("base").unwrap_or_default();
    say(&format!("an open with {counted} entries: {opened:.2?}"));
    let grown = as_f64(after.saturating_sub(before)) / as_f64(counted);
    let index = as_f64(index) / as_f64(counted);
    say(&format!(
        "memory for each key of 16 bytes: {grown:.1} bytes, of which the index says {index:.1}"
    ));
    let base = as_f64(base) / as_f64(counted);
    say(&format!("the base has {base:.1} bytes for each"));
    let started = Instant::now();
    let snapshot = store.snapshot().await?;
    say(&format!("a snapshot: {:.2?}", started.elapsed()));
    if snapshot.get(&key(entries / 2)).await?.is_none() {
        return Err("an entry is missing".into());
    }
    drop(snapshot);
    store.close().await?;
    Ok(())
}

/// Sixteen hexadecimal digits that look drawn, as the keys of most stores do.
fn key(number: u64) -> String {
    format!("{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The memory that this process has.
fn resident_bytes() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: u64 = kibibytes.ok_or("there is no VmRSS")?.parse()?;
    Ok(kibibytes * 1_024)
}

fn as_f64(number: u64) -> f64 {
    // Exact for whatever is counted here.
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}

#[expect(clippy::print_stdout, reason = "an example speaks to people")]
fn say(line: &str) {
    println!("{line}");
}
