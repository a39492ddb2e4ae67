//! The RocksDB engine of `storage`: a log-structured merge tree for large data and heavy writes.
