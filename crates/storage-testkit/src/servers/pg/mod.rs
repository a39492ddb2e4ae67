//! PostgreSQL, as a server of a test's own.
//!
//! Everything that Debian would share between clusters is the server's own: its
//! data, configuration, socket and log lie in one temporary directory. The
//! configuration lies beside the data, so that a standby, whose data is a copy,
//! has its own.

mod config;
mod database;
mod files;
mod lifecycle;
mod programs;
mod replication;
mod server;
mod settings;
mod sql;

pub use self::{
    config::{PgServerConfig, PgServerTls},
    database::{PgDatabase, PgRole},
    replication::Replication,
    server::PgServer,
};
