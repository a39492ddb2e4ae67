//! A PostgreSQL server has a table of keys and values for the plain client.

use anyhow::Result;
use storage::pg::PgConfig;
use storage_testkit::servers::{PgServer, PgServerConfig};
use tokio::runtime::Runtime;

use crate::{
    overhead::{Stored, Target},
    server::{
        cell::{Side, content},
        plain::PlainSqlx,
    },
};

pub(super) fn start() -> Result<PgServer> {
    Ok(PgServerConfig::new().start()?)
}

/// The URL of a new database with all entries.
pub(super) fn database(server: &PgServer, side: Side, runtime: &Runtime) -> Result<String> {
    let database = server.new_database()?;
    let url = format!("{}?sslmode=disable", database.url());
    runtime.block_on(fill(side, &url))?;
    server.sql(database.name(), "VACUUM ANALYZE;")?;
    Ok(url)
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

pub(super) fn settle(server: &PgServer) -> Result<()> {
    server.sql(PgServer::MAINTENANCE, "CHECKPOINT;")?;
    Ok(())
}

pub(super) fn told(server: &PgServer) -> String {
    const ASK: &str = "SELECT concat_ws(', ', 'PostgreSQL ' || current_setting('server_version'), \
        'fsync ' || current_setting('fsync'), \
        'synchronous_commit ' || current_setting('synchronous_commit'), \
        'shared_buffers ' || current_setting('shared_buffers'), \
        'wal_level ' || current_setting('wal_level'));";
    let told = server.sql(PgServer::MAINTENANCE, ASK);
    let told = told.unwrap_or_else(|error| error.to_string());
    told.trim().to_owned()
}
