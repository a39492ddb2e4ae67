//! A server with databases, all entries in each, before anything is measured.

use std::{fs, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, Result};
use storage::pg::PgConfig;
use storage_testkit::servers::{PgServer, PgServerConfig};
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::{
    Engine,
    cell::{Side, content, file_of},
    plain::PlainSqlx,
};
use crate::{
    measure::Interrupt,
    overhead::{Stored, Target, Workload, directory_in},
};

/// The server, and the directory that tells cells where its databases are.
/// Dropping it ends both.
#[derive(Debug)]
pub(super) struct Place {
    directory: TempDir,
    server: PgServer,
}

impl Place {
    pub(super) fn prepare(engine: Engine, interrupt: &Interrupt) -> Result<Self> {
        let Engine::Pg = engine;
        let place = Self {
            directory: directory_in(&std::env::temp_dir())?,
            server: PgServerConfig::new().start()?,
        };
        for side in [Side::Plain, Side::Store] {
            for workload in [Workload::Get, Workload::SyncedPut] {
                interrupt.check()?;
                place.database(side, workload)?;
            }
        }
        // The work that this has left is not done while something is measured.
        place.server.sql(PgServer::MAINTENANCE, "CHECKPOINT;")?;
        Ok(place)
    }

    /// Makes a database for the cells of a side that do this work.
    fn database(&self, side: Side, workload: Workload) -> Result<()> {
        let database = self.server.new_database()?;
        let url = format!("{}?sslmode=disable", database.url());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(fill(side, &url))?;
        self.server.sql(database.name(), "VACUUM ANALYZE;")?;
        let file = self.directory().join(file_of(side, workload));
        // There is a password in it.
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        options
            .open(&file)
            .and_then(|mut file| std::io::Write::write_all(&mut file, url.as_bytes()))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What the server is, for people.
    pub(super) fn server(&self) -> String {
        const ASK: &str = "SELECT concat_ws(', ', 'PostgreSQL ' || current_setting('server_version'), \
            'fsync ' || current_setting('fsync'), \
            'synchronous_commit ' || current_setting('synchronous_commit'), \
            'shared_buffers ' || current_setting('shared_buffers'), \
            'wal_level ' || current_setting('wal_level'));";
        let told = self.server.sql(PgServer::MAINTENANCE, ASK);
        let told = told.unwrap_or_else(|error| error.to_string());
        format!("{}; both sides over the loopback, without TLS", told.trim())
    }
}

async fn fill(side: Side, url: &str) -> Result<()> {
    let entries = content().entries();
    match side {
        Side::Plain => {
            let plain = PlainSqlx::connect(url, 1).await?;
            plain.create().await?;
            plain.load(entries).await
        }
        Side::Store => {
            let store = Stored(PgConfig::from_url(url)?.open().await?);
            store.load(entries).await
        }
    }
}
