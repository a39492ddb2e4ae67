//! The PostgreSQL engine: one table that `psql` can read, shared by any number
//! of processes.
//!
//! PostgreSQL 14 or later, by way of [sqlx]. All processes that open the same
//! schema have the same store: guards hold between them, and commits have one
//! order. Commits are `Volatile` or `Synced`.
//!
//! ```no_run
//! use storage_core::{ReadExt, Store, StoreExt};
//! use storage_pg::PgConfig;
//!
//! # async fn run() -> storage_core::Result<()> {
//! let store = PgConfig::from_url("postgres://app@db.example/ledger")?
//!     .open()
//!     .await?;
//! store.put("height/1", "b5bb9d80").await?;
//! assert!(store.exists("height/1").await?);
//! store.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # In the database
//! `docs/formats/pg.md` describes the tables, how to read them by hand, and the
//! rights that a role needs.
//!
//! # One order of commits
//! A commit is one call of a function in the schema: one round trip. It takes a
//! lock that belongs to the store, then judges guards and applies changes, and
//! holds the lock until it is durable. So commits of all processes follow each
//! other; those of one process that wait meanwhile become one transaction. A
//! process that is slow to commit slows all others
//! (`docs/decisions/0028-postgresql-commits.md`).
//!
//! # When the answer is lost
//! A commit whose connection breaks, or whose answer does not come in time, is
//! looked up by another connection: the old one is ended first, so what has not
//! happened by then never will. The outcome is `Unknown` only if that cannot be done
//! before the time limit, or is refused for good while connecting (a wrong password, a
//! database that is gone). A connection that cannot be made is `Unavailable`, with nothing
//! applied.
//!
//! # Several hosts
//! Name them all; the one that takes writes is found, and found again after a
//! failover. What a failover may lose is the matter of
//! `synchronous_standby_names`, which the server's administrator sets: without a
//! synchronous standby, `Synced` means the disk of one machine. With one, it still
//! does for a commit whose wait an administrator cancels: the server answers that
//! as it answers any other.
//!
//! A store that has seen the server that took over uses the old one no more. One
//! that has not, and still reaches the old one, cannot know: whoever fails over has
//! to see to it that the old server is gone (fencing).
//!
//! # Range deletes
//! A range is deleted in one transaction, and other commits wait for it. One that
//! takes longer than four fifths of the time limit is refused, without effect:
//! delete large ranges in parts, or raise `time_limit`.
//!
//! Reads that [may be stale](storage_core::Consistency::Stale) go to
//! [`read_hosts`](PgConfig::read_hosts) where these are provably fresh enough,
//! and to the primary otherwise.
//!
//! # Poolers
//! Each connection is a session with settings of its own. A pooler in between
//! must keep them apart, as `PgBouncer` says of its session mode; no test has one.
//!
//! [sqlx]: https://docs.rs/sqlx

mod commit;
mod config;
mod connect;
mod engine;
mod error;
mod host;
mod password;
#[cfg(test)]
mod plans;
mod pool;
mod read;
mod replica;
mod report;
mod row;
mod scan;
mod schema;
mod session;
mod snapshot;
mod sqlx;
mod tls;
mod upkeep;
mod url;
mod vigil;

pub use storage_core::networked::Secret;

pub use self::{
    config::{PgConfig, PgCreation},
    engine::PgEngine,
    host::PgHost,
    snapshot::PgSnapshot,
    tls::{PgTls, TlsMode},
};

/// A store on PostgreSQL.
pub type PgBackend = storage_core::networked::Networked<PgEngine>;
