//! Statistics: what RocksDB counts, and what its files take.

use std::{ffi::OsStr, fs, io};

use rocksdb::{DB, Options, statistics::Ticker};
use storage_core::{Error, Result, Stats, StoreDirectory, Unit};

use crate::error::from_rocks;

/// Figures as they are now, by the name of RocksDB's property.
const PRESENT: &[(&str, &str, Unit)] = &[
    ("live_data", "rocksdb.estimate-live-data-size", Unit::Bytes),
    ("table_data", TABLES, Unit::Bytes),
    ("tables_level_0", "rocksdb.num-files-at-level0", Unit::Count),
    ("tables_level_1", "rocksdb.num-files-at-level1", Unit::Count),
    ("tables_level_2", "rocksdb.num-files-at-level2", Unit::Count),
    ("tables_level_3", "rocksdb.num-files-at-level3", Unit::Count),
    ("tables_level_4", "rocksdb.num-files-at-level4", Unit::Count),
    ("tables_level_5", "rocksdb.num-files-at-level5", Unit::Count),
    ("tables_level_6", "rocksdb.num-files-at-level6", Unit::Count),
    ("blob_data", BLOBS, Unit::Bytes),
    ("blob_files", "rocksdb.num-blob-files", Unit::Count),
    (
        "blob_garbage",
        "rocksdb.live-blob-file-garbage-size",
        Unit::Bytes,
    ),
    ("write_buffers", "rocksdb.size-all-mem-tables", Unit::Bytes),
    (
        "write_buffers_waiting",
        "rocksdb.num-immutable-mem-table",
        Unit::Count,
    ),
    (
        "index_memory",
        "rocksdb.estimate-table-readers-mem",
        Unit::Bytes,
    ),
    ("cache", "rocksdb.block-cache-usage", Unit::Bytes),
    (
        "cache_capacity",
        "rocksdb.block-cache-capacity",
        Unit::Bytes,
    ),
    ("snapshots", "rocksdb.num-snapshots", Unit::Count),
    (
        "compactions_running",
        "rocksdb.num-running-compactions",
        Unit::Count,
    ),
    (
        "compaction_pending",
        "rocksdb.estimate-pending-compaction-bytes",
        Unit::Bytes,
    ),
    (
        "background_errors",
        "rocksdb.background-errors",
        Unit::Count,
    ),
];

/// Deletes that are still in write buffers.
const DELETIONS: &[&str] = &[
    "rocksdb.num-deletes-active-mem-table",
    "rocksdb.num-deletes-imm-mem-tables",
];

const TABLES: &str = "rocksdb.total-sst-files-size";
const BLOBS: &str = "rocksdb.total-blob-file-size";

/// What has been counted since the store was opened.
const COUNTED: &[(&str, Ticker, Unit)] = &[
    ("changes_committed", Ticker::NumberKeysWritten, Unit::Count),
    ("bytes_committed", Ticker::BytesWritten, Unit::Bytes),
    ("log_written", Ticker::WalFileBytes, Unit::Bytes),
    ("log_syncs", Ticker::WalFileSynced, Unit::Count),
    ("flush_written", Ticker::FlushWriteBytes, Unit::Bytes),
    ("compaction_read", Ticker::CompactReadBytes, Unit::Bytes),
    ("compaction_written", Ticker::CompactWriteBytes, Unit::Bytes),
    (
        "compaction_time",
        Ticker::CompactionCpuTotalTime,
        Unit::Microseconds,
    ),
    ("cache_hits", Ticker::BlockCacheHit, Unit::Count),
    ("cache_misses", Ticker::BlockCacheMiss, Unit::Count),
    ("index_cache_hits", Ticker::BlockCacheIndexHit, Unit::Count),
    (
        "index_cache_misses",
        Ticker::BlockCacheIndexMiss,
        Unit::Count,
    ),
    (
        "filter_cache_hits",
        Ticker::BlockCacheFilterHit,
        Unit::Count,
    ),
    (
        "filter_cache_misses",
        Ticker::BlockCacheFilterMiss,
        Unit::Count,
    ),
    (
        "reads_spared_by_filters",
        Ticker::BloomFilterUseful,
        Unit::Count,
    ),
];

/// All figures of the database `db`, which was opened with `options`.
pub(crate) fn stats(db: &DB, options: &Options, directory: &StoreDirectory) -> Result<Stats> {
    let files = Files::of(db, directory)?;
    let mut stats = Stats::default();
    stats.entries_estimate = Some(property(db, "rocksdb.estimate-num-keys")?);
    stats.disk_bytes = Some(files.total());
    for (name, of, unit) in PRESENT {
        stats = stats.with(name, property(db, of)?, *unit);
    }
    let tables = db.live_files().map_err(from_rocks)?;
    // Of a range in a write buffer RocksDB keeps no count, and of single keys
    // there it knows less after a reopen.
    let deletions = DELETIONS
        .iter()
        .map(|of| property(db, of))
        .chain(tables.iter().map(|table| Ok(table.num_deletions)))
        .sum::<Result<u64>>()?;
    let tables = u64::try_from(tables.len()).unwrap_or(u64::MAX);
    stats = stats
        .with("tables", tables, Unit::Count)
        .with("deletions_estimate", deletions, Unit::Count)
        .with("log_data", files.logs, Unit::Bytes);
    Ok(with_counted(stats, options))
}

fn with_counted(mut stats: Stats, options: &Options) -> Stats {
    let count = |ticker: Ticker| options.get_ticker_count(ticker);
    for (name, ticker, unit) in COUNTED {
        stats = stats.with(name, count(*ticker), *unit);
    }
    let hits = count(Ticker::BlockCacheHit);
    let looks = hits.saturating_add(count(Ticker::BlockCacheMiss));
    let written = [
        Ticker::WalFileBytes,
        Ticker::FlushWriteBytes,
        Ticker::CompactWriteBytes,
    ];
    let written = written.map(count).into_iter().sum();
    let committed = count(Ticker::BytesWritten);
    stats
        .with(
            "cache_hit_rate",
            thousandths(hits, looks),
            Unit::Thousandths,
        )
        .with(
            "write_amplification",
            thousandths(written, committed),
            Unit::Thousandths,
        )
}

/// The bytes that the files of a database take.
pub(crate) struct Files {
    /// Sorted files and blob files that are in use.
    tables_and_blobs: u64,
    logs: u64,
    others: u64,
}

impl Files {
    /// The files of `db`. Those that RocksDB no longer uses, and is
    /// about to remove, do not count.
    pub(crate) fn of(db: &DB, directory: &StoreDirectory) -> Result<Self> {
        let mut files = Self {
            tables_and_blobs: property(db, TABLES)?.saturating_add(property(db, BLOBS)?),
            logs: 0,
            others: 0,
        };
        files.add_others(directory).map_err(|error| {
            let data = directory.data();
            Error::io(format!("measuring the files in {}", data.display()), error)
        })?;
        Ok(files)
    }

    pub(crate) const fn total(&self) -> u64 {
        self.tables_and_blobs
            .saturating_add(self.logs)
            .saturating_add(self.others)
    }

    fn add_others(&mut self, directory: &StoreDirectory) -> io::Result<()> {
        for entry in fs::read_dir(directory.anchored_data())? {
            let entry = entry?;
            let bytes = match entry.metadata() {
                Ok(metadata) => metadata.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match entry.path().extension().and_then(OsStr::to_str) {
                Some("sst" | "blob") => {}
                Some("log") => self.logs = self.logs.saturating_add(bytes),
                _ => self.others = self.others.saturating_add(bytes),
            }
        }
        Ok(())
    }
}

/// The present value of one of RocksDB's numeric properties; zero for one that
/// does not apply.
pub(crate) fn property(db: &DB, name: &str) -> Result<u64> {
    Ok(db
        .property_int_value(name)
        .map_err(from_rocks)?
        .unwrap_or_default())
}

/// So many thousandths of `whole` are `part`; none where there is no whole.
fn thousandths(part: u64, whole: u64) -> u64 {
    let thousandths = (u128::from(part) * 1_000).checked_div(whole.into());
    u64::try_from(thousandths.unwrap_or(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_given_in_thousandths() {
        assert_eq!(thousandths(1, 3), 333);
        assert_eq!(thousandths(3, 2), 1_500);
        assert_eq!(thousandths(7, 0), 0);
        assert_eq!(thousandths(u64::MAX, u64::MAX), 1_000);
    }
}
