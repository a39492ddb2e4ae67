//! Vacuum, analysis and new indexes: what the server does by itself, done now.

use crate::sqlx::{self, AssertSqlSafe, PgConnection};
use storage_core::{
    Durability, Error, ErrorKind, Maintenance, MaintenanceReport, Result, Timestamp, WriteBatch,
};
use tokio::time::Instant;

use crate::{
    PgEngine,
    session::{Session, within},
    vigil,
};

impl PgEngine {
    /// Does a kind of upkeep, on a connection of its own, for as long as it
    /// takes. None of these keeps others from reading or writing.
    pub(crate) async fn upkeep(&self, maintenance: Maintenance) -> Result<MaintenanceReport> {
        let statements: &[&str] = match maintenance {
            Maintenance::Flush => return self.flush().await,
            Maintenance::Vacuum => &["VACUUM entries", "VACUUM outcomes"],
            Maintenance::Analyze => &["ANALYZE entries"],
            Maintenance::Reindex => &["REINDEX TABLE CONCURRENTLY entries"],
            other => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "PostgreSQL has no {other:?} maintenance; a vacuum frees space for reuse"
                    ),
                ));
            }
        };
        let deadline = Instant::now() + self.time_limit;
        let Session {
            mut connection,
            facts,
            ..
        } = self.connector.primary(deadline).await?;
        let connection = &mut connection;
        let owns = within(deadline, owns_tables(connection)).await?;
        if !owns {
            return Err(Error::new(
                // The server leaves out what the role may not do, and only warns.
                ErrorKind::Denied,
                "only the owner of the tables may maintain them; connect as that role",
            ));
        }
        let before = within(deadline, disk_bytes(connection)).await?;
        let no_limits = "SET statement_timeout = 0; SET lock_timeout = 0";
        within(deadline, run(connection, no_limits)).await?;
        for statement in statements {
            vigil::wait_for(&self.connector, &facts, run(connection, statement)).await?;
        }
        let deadline = Instant::now() + self.time_limit;
        let after = within(deadline, disk_bytes(connection)).await?;
        Ok(MaintenanceReport::of_disk_bytes(before, after))
    }
}

impl PgEngine {
    /// Commits nothing, but does so durably: what came before is durable too then.
    async fn flush(&self) -> Result<MaintenanceReport> {
        let group = [WriteBatch::new()];
        let deadline = Instant::now() + self.time_limit;
        let never = Timestamp::from_unix_milliseconds(0);
        let answers = self
            .committer
            .commit(&group, Durability::Synced, never, deadline)
            .await?;
        answers.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(MaintenanceReport::default())
    }
}

async fn owns_tables(connection: &mut PgConnection) -> sqlx::Result<bool> {
    const OWNS: &str = "SELECT pg_has_role(c.relowner, 'usage') OR r.rolsuper \
        FROM pg_class c JOIN pg_roles r ON r.rolname = current_user \
        WHERE c.oid = 'entries'::regclass";
    sqlx::query_scalar(OWNS).fetch_one(connection).await
}

async fn disk_bytes(connection: &mut PgConnection) -> sqlx::Result<u64> {
    const BYTES: &str = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class \
        WHERE oid IN (SELECT 'entries'::regclass UNION ALL \
        SELECT inhrelid FROM pg_inherits WHERE inhparent = 'entries'::regclass)";
    let bytes: i64 = sqlx::query_scalar(BYTES).fetch_one(connection).await?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

async fn run(connection: &mut PgConnection, statement: &str) -> sqlx::Result<()> {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    statement.execute(connection).await.map(drop)
}
