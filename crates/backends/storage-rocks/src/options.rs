//! What RocksDB is told, given what the store's configuration asks for.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, Options,
    statistics::StatsLevel,
};
use storage_core::Result;

use crate::{
    RocksConfig,
    config::{BlobConfig, Compression, IndexMemory},
    error::from_rocks,
};

/// Settings that the crate has no calls for.
///
/// Logs name the log before them, so that recovery stops at a gap between two
/// logs: a loss of power may leave the younger one and take the end of the
/// older. A write buffer with many range deletes, through which each read has to
/// find its way, is written to a file. And files do not tell on which machine
/// they were made.
pub(crate) const FURTHER: &str =
    "track_and_verify_wals=true;memtable_max_range_deletions=1000;db_host_id=storage";

/// RocksDB's own log of events: so large a file, and so many.
const EVENTS_BYTES: usize = 1 << 20;
const EVENTS_FILES: usize = 4;

/// The files of the newest level that are merged into the next.
const FILES_MERGED: u64 = 4;

/// How large a sorted file becomes.
const FILE_BYTES_MIN: u64 = 256 << 10;
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Of how much garbage in the oldest blob files their keys are merged to be rid
/// of it.
const BLOB_GARBAGE_MAX: f64 = 0.5;

/// The options of a database as `config` asks for it, which is made if it is
/// missing.
pub(crate) fn options(config: &RocksConfig) -> Result<Options> {
    let mut options = Options::default()
        .get_options_from_string(FURTHER)
        .map_err(from_rocks)?;
    options.create_if_missing(true);
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // Deleting files is no work for a thread that ends a read.
    options.set_avoid_unnecessary_blocking_io(true);
    options.set_max_background_jobs(int(config.background_jobs.get()));
    options.set_max_open_files(config.open_files_max.map_or(-1, int));
    options.set_max_log_file_size(EVENTS_BYTES);
    options.set_keep_log_file_num(EVENTS_FILES);
    // Figures are read when they are asked for.
    options.enable_statistics();
    options.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    set_sizes(&mut options, config);
    set_compression(&mut options, &config.compression);
    let cache = Cache::new_lru_cache(config.cache_bytes);
    options.set_block_based_table_factory(&table(config, &cache));
    if let Some(blobs) = &config.blobs {
        set_blobs(&mut options, blobs, &cache);
    }
    Ok(options)
}

fn set_sizes(options: &mut Options, config: &RocksConfig) {
    let write_buffer_bytes = config.effective_write_buffer_bytes();
    options.set_write_buffer_size(write_buffer_bytes);
    options.set_max_write_buffer_number(int(config.write_buffers_max.get()));
    let write_buffer_bytes = u64::try_from(write_buffer_bytes).unwrap_or(u64::MAX);
    // A merge of the newest level then rewrites about as much of the next.
    options.set_max_bytes_for_level_base(write_buffer_bytes.saturating_mul(FILES_MERGED));
    options.set_target_file_size_base(write_buffer_bytes.clamp(FILE_BYTES_MIN, FILE_BYTES_MAX));
}

fn set_compression(options: &mut Options, levels: &[Compression]) {
    let levels: Vec<_> = levels.iter().copied().map(compression).collect();
    // RocksDB compresses all levels below with the last one.
    options.set_compression_per_level(&levels);
    if let Some(last) = levels.last() {
        options.set_compression_type(*last);
    }
}

fn set_blobs(options: &mut Options, blobs: &BlobConfig, cache: &Cache) {
    options.set_enable_blob_files(true);
    options.set_min_blob_size(blobs.value_bytes_min);
    options.set_blob_file_size(blobs.file_bytes);
    options.set_blob_compression_type(compression(blobs.compression));
    options.set_blob_cache(cache);
    options.set_enable_blob_gc(blobs.collected_percent > 0);
    options.set_blob_gc_age_cutoff(f64::from(blobs.collected_percent) / 100.0);
    options.set_blob_gc_force_threshold(BLOB_GARBAGE_MAX);
}

fn table(config: &RocksConfig, cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(usize::try_from(config.block_bytes).unwrap_or(usize::MAX));
    if config.bloom_bits_per_key > 0 {
        table.set_bloom_filter(f64::from(config.bloom_bits_per_key), false);
    }
    match config.index_memory {
        IndexMemory::Resident => {}
        IndexMemory::Cached => {
            table.set_cache_index_and_filter_blocks(true);
            table.set_cache_index_and_filter_blocks_with_high_priority(true);
            table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
            table.set_partition_filters(true);
            table.set_pin_top_level_index_and_filter(true);
            table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        }
    }
    table
}

const fn compression(compression: Compression) -> DBCompressionType {
    match compression {
        Compression::None => DBCompressionType::None,
        Compression::Lz4 => DBCompressionType::Lz4,
        Compression::Zstd => DBCompressionType::Zstd,
    }
}

fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
