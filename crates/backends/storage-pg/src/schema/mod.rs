//! The store's tables: made when a store is opened first, brought up to date by
//! migrations, and told from those of somebody else.
//!
//! Migrations run in one transaction, under a lock, so processes that open a
//! store at once do not meet half of one. A schema that is up to date is only
//! read, so a role without the right to create anything can open it.

use crate::sqlx::{self, AssertSqlSafe, PgConnection, Row};
use storage_core::{Error, ErrorKind, Result};
use tokio::time::Instant;
use twox_hash::XxHash3_64;
use uuid::Uuid;

use crate::{
    config::{PgConfig, PgCreation},
    error::{Failure, corrupt},
    session::{Session, within},
};

/// One step from one version of the schema to the next.
struct Migration {
    version: i32,
    name: &'static str,
    /// Templates, in which names in braces stand for what differs from store to
    /// store, and for fragments.
    statements: &'static [&'static str],
    /// What several of the statements have in common, by its name in braces.
    fragments: &'static [(&'static str, &'static str)],
}

/// All steps, in order. What is here is never changed: stores remember it.
const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "entries in one order of commits",
    statements: &[
        include_str!("tables.sql"),
        include_str!("commit_one.sql"),
        include_str!("commit_group.sql"),
    ],
    fragments: &[
        ("{order}", include_str!("order.sql")),
        ("{live}", include_str!("live.sql")),
        ("{holds}", include_str!("holds.sql")),
        ("{overwrite}", include_str!("overwrite.sql")),
        ("{note}", include_str!("note.sql")),
    ],
}];

/// Makes the tables that entries are spread over.
const PARTITIONS: &str = "\
DO $partitions$
BEGIN
    FOR number IN 0 .. {count} - 1 LOOP
        EXECUTE format(
            'CREATE TABLE {schema}.entries_%s PARTITION OF {schema}.entries \
             FOR VALUES WITH (MODULUS {count}, REMAINDER %s) WITH (fillfactor = 90)',
            number, number
        );
    END LOOP;
END
$partitions$;";

impl Migration {
    /// A mark of what the step does.
    fn checksum(&self) -> String {
        format!("{:016x}", XxHash3_64::oneshot(self.template().as_bytes()))
    }

    /// The statements, with what they have in common written out.
    fn template(&self) -> String {
        let statements = self.statements.concat();
        let fragments = self.fragments.iter();
        fragments.fold(statements, |statements, (name, fragment)| {
            statements.replace(name, fragment.trim())
        })
    }

    fn render(&self, config: &PgConfig) -> String {
        let schema = format!("\"{}\"", config.schema);
        let (partitioned, partitions) = match config.partitions {
            None => ("WITH (fillfactor = 90)", String::new()),
            Some(count) => (
                "PARTITION BY HASH (space, key)",
                PARTITIONS.replace("{count}", &count.to_string()),
            ),
        };
        self.template()
            .replace("{partitioned}", partitioned)
            .replace("{partitions}", &partitions)
            .replace("{schema}", &schema)
    }
}

/// Makes or updates the store's tables, and returns which store it is.
///
/// # Errors
/// `Invalid` for a schema that belongs to something else, for other partitions
/// than the store has, or where there is no store and none is to be made; `Unsupported` for a newer version; `Denied`
/// without the rights to make what is missing.
pub(crate) async fn prepare(
    session: &mut Session,
    config: &PgConfig,
    deadline: Instant,
) -> Result<Uuid> {
    let connection = &mut session.connection;
    let found = find(connection, &config.schema, deadline).await?;
    if matches!(found, Found::Nothing { .. }) && config.creation == PgCreation::Never {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "there is no store in the schema `{}` of the database `{}`; check both names",
                config.schema, config.database
            ),
        ));
    }
    if is_behind(&found)? {
        migrate(connection, config, deadline).await?;
    }
    let query = sqlx::query_as::<_, (Uuid, i32)>("SELECT store, partitions FROM meta");
    let meta = query.persistent(false).fetch_optional(connection);
    let (store, partitions) = within(deadline, meta)
        .await?
        .ok_or_else(|| corrupt("the row that names the store is missing"))?;
    if let Some(asked) = config.partitions
        && i32::from(asked.get()) != partitions
    {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the store was made with partitions = {partitions}, and {asked} are asked for; \
                 leave the setting out, or copy the store into a new one"
            ),
        ));
    }
    Ok(store)
}

/// What there is in a schema.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing, perhaps not even the schema.
    Nothing { has_schema: bool },
    /// A store, with these steps done.
    Store(Vec<(i32, String)>),
    /// A relation of somebody else.
    Foreign(String),
}

/// Whether there are steps to do.
fn is_behind(found: &Found) -> Result<bool> {
    let done = match found {
        Found::Nothing { .. } => return Ok(true),
        Found::Foreign(name) => {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "the schema holds {name}, which is not of this library; name another schema"
                ),
            ));
        }
        Found::Store(done) => done,
    };
    for (version, checksum) in done {
        let Some(known) = MIGRATIONS.iter().find(|known| known.version == *version) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the store has version {version} of its schema, this library knows up to {}; \
                     upgrade the library",
                    MIGRATIONS.len()
                ),
            ));
        };
        if known.checksum() != *checksum {
            return Err(corrupt(
                "the schema was made by statements other than this version's",
            ));
        }
    }
    Ok(done.len() < MIGRATIONS.len())
}

async fn find(
    connection: &mut PgConnection,
    schema: &str,
    deadline: Instant,
) -> Result<Found, Failure> {
    within(deadline, look(connection, schema)).await
}

async fn look(connection: &mut PgConnection, schema: &str) -> sqlx::Result<Found> {
    const RELATIONS: &str = "\
SELECT c.relname::text, EXISTS (
    SELECT FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attname = 'checksum' AND NOT a.attisdropped
)
FROM pg_class c
WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
ORDER BY c.relname";
    let quoted = format!("\"{schema}\"");
    let has_schema: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
        .bind(&quoted)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    let rows = sqlx::query(RELATIONS)
        .bind(&quoted)
        .persistent(false)
        .fetch_all(&mut *connection)
        .await?;
    let mut first = None;
    let mut is_ours = false;
    let mut has_entries = false;
    for row in &rows {
        let name: String = row.try_get(0)?;
        let has_checksum: bool = row.try_get(1)?;
        is_ours |= name == "migrations" && has_checksum;
        has_entries |= name == "entries";
        first.get_or_insert(name);
    }
    match first {
        None => Ok(Found::Nothing { has_schema }),
        Some(_) if is_ours && has_entries => {
            // Named with its schema: a role that may not use that is told so.
            let done =
                format!("SELECT version, checksum FROM {quoted}.migrations ORDER BY version");
            let done = sqlx::query_as(AssertSqlSafe(done)).persistent(false);
            Ok(Found::Store(done.fetch_all(connection).await?))
        }
        Some(name) => Ok(Found::Foreign(format!("{schema}.{name}"))),
    }
}

/// Does the steps that are left, unless another process does them first.
async fn migrate(
    connection: &mut PgConnection,
    config: &PgConfig,
    deadline: Instant,
) -> Result<()> {
    let lock = format!(
        "BEGIN; SELECT pg_advisory_xact_lock(1937010531, hashtext('{}'))",
        config.schema
    );
    within(deadline, run(connection, lock)).await?;
    // They may have been done while this waited.
    let found = find(connection, &config.schema, deadline).await?;
    if is_behind(&found)? {
        let done = match &found {
            Found::Store(done) => done.len(),
            _ => 0,
        };
        if found == (Found::Nothing { has_schema: false }) {
            let create = format!("CREATE SCHEMA \"{}\"", config.schema);
            within(deadline, run(connection, create)).await?;
        }
        for migration in MIGRATIONS.iter().skip(done) {
            within(deadline, apply(connection, migration, config)).await?;
        }
    }
    within(deadline, run(connection, "COMMIT".into())).await?;
    Ok(())
}

async fn apply(
    connection: &mut PgConnection,
    migration: &Migration,
    config: &PgConfig,
) -> sqlx::Result<()> {
    run(connection, migration.render(config)).await?;
    sqlx::query("INSERT INTO migrations (version, name, checksum) VALUES ($1, $2, $3)")
        .bind(migration.version)
        .bind(migration.name)
        .bind(migration.checksum())
        .persistent(false)
        .execute(&mut *connection)
        .await?;
    let partitions = config.partitions.map_or(1, |count| i32::from(count.get()));
    sqlx::query("INSERT INTO meta (partitions) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(partitions)
        .persistent(false)
        .execute(connection)
        .await?;
    Ok(())
}

async fn run(connection: &mut PgConnection, statements: String) -> sqlx::Result<()> {
    let statements = sqlx::raw_sql(AssertSqlSafe(statements));
    statements.execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_remember_what_their_migrations_did() {
        // A store is refused if this changes: add a migration instead.
        let checksums: Vec<_> = MIGRATIONS.iter().map(Migration::checksum).collect();
        assert_eq!(checksums, ["c540fc85f101bf87"]);
        for (place, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version).unwrap(), place + 1);
        }
    }

    #[test]
    fn what_is_not_this_librarys_is_refused_by_name() {
        let found = |found| is_behind(&found).unwrap_err();
        let foreign = found(Found::Foreign("storage.users".into()));
        assert_eq!(foreign.kind(), ErrorKind::Invalid);
        assert!(foreign.message().contains("storage.users"), "{foreign}");
        let newer = found(Found::Store(vec![(99, String::new())]));
        assert_eq!(newer.kind(), ErrorKind::Unsupported);
        let changed = found(Found::Store(vec![(1, "other".into())]));
        assert_eq!(changed.kind(), ErrorKind::Corrupt);
    }
}
