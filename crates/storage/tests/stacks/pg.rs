//! PostgreSQL under layers.

use storage::{Components, Result, SharedStore, pg::PgConfig};
use storage_testkit::{
    Subject,
    servers::{PgDatabase, PgServer},
};

use crate::layers::{Below, Layer, open};

/// PostgreSQL under layers, in a database of the server that this process shares.
pub(crate) struct OverPg(&'static [Layer], PgDatabase);

pub(crate) fn over_pg(layers: &'static [Layer]) -> OverPg {
    let database = PgServer::shared().new_database().expect("a database");
    OverPg(layers, database)
}

impl Subject for OverPg {
    type Store = SharedStore;
    const ENGINE: &'static str = "pg";

    async fn open(&self, components: Components) -> Result<SharedStore> {
        let config = PgConfig::from_url(&self.1.url())?;
        let engine = SharedStore::new(config.open_with(components.clone()).await?);
        open(self.0, Below::Sound, engine, components).await
    }
}
