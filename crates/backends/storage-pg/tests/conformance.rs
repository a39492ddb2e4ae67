//! The suite over PostgreSQL.

use storage_core::{Components, Result};
use storage_pg::{PgBackend, PgConfig};
use storage_testkit::{
    Subject,
    servers::{PgDatabase, PgServer},
};

/// A database of the server that this process shares.
struct Pg(PgDatabase);

impl Pg {
    #[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
    fn new() -> Self {
        Self(PgServer::shared().new_database().unwrap())
    }
}

impl Subject for Pg {
    type Store = PgBackend;
    const ENGINE: &'static str = "pg";

    async fn open(&self, components: Components) -> Result<PgBackend> {
        let config = PgConfig::from_url(&self.0.url())?;
        config.open_with(components).await
    }
}

storage_testkit::conformance!(Pg::new());
