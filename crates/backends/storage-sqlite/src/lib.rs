//! The SQLite engine of `storage`: one database that the `sqlite3` shell can read.
