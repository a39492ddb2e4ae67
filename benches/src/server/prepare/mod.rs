//! A server with databases, all entries in each, before anything is measured.

mod pg;
mod redis;

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, Result};
use storage_testkit::servers::{PgServer, RedisServer};
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::{
    Engine,
    cell::{Side, file_of},
};
use crate::{
    measure::Interrupt,
    overhead::{Workload, directory_in},
};

/// The server, and the directory that tells cells where its databases are.
/// Dropping it ends both.
#[derive(Debug)]
pub(super) struct Place {
    directory: TempDir,
    server: Server,
}

#[derive(Debug)]
enum Server {
    Pg(PgServer),
    Redis(RedisServer),
}

impl Place {
    pub(super) fn prepare(engine: Engine, interrupt: &Interrupt) -> Result<Self> {
        let place = Self {
            directory: directory_in(&std::env::temp_dir())?,
            server: match engine {
                Engine::Pg => Server::Pg(pg::start()?),
                Engine::Redis => Server::Redis(redis::start()?),
            },
        };
        for side in [Side::Plain, Side::Store] {
            for workload in [Workload::Get, Workload::SyncedPut] {
                interrupt.check()?;
                place.database(side, workload)?;
            }
        }
        // The work that this has left is not done while something is measured.
        match &place.server {
            Server::Pg(server) => pg::settle(server)?,
            Server::Redis(server) => redis::settle(server)?,
        }
        Ok(place)
    }

    /// Makes a database for the cells of a side that do this work.
    fn database(&self, side: Side, workload: Workload) -> Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let url = match &self.server {
            Server::Pg(server) => pg::database(server, side, &runtime)?,
            Server::Redis(server) => redis::database(server, side, &runtime)?,
        };
        let file = self.directory().join(file_of(side, workload));
        // There is a password in it.
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        options
            .open(&file)
            .and_then(|mut file| file.write_all(url.as_bytes()))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What the server is, for people.
    pub(super) fn server(&self) -> String {
        let told = match &self.server {
            Server::Pg(server) => pg::told(server),
            Server::Redis(server) => redis::told(server),
        };
        format!("{told}; both sides over the loopback, without TLS")
    }
}
