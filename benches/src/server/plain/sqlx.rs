//! PostgreSQL by sqlx, as one uses it for speed: a pool whose connections are all
//! there and not asked whether they are well, prepared statements, and a table of
//! keys and values.

use anyhow::{Context, Result};
use sqlx_core::{query::query, query_scalar::query_scalar};
use sqlx_postgres::{PgPool, PgPoolOptions};
use storage::Durability;

use crate::overhead::{Pair, Target};

/// How many entries are loaded at once.
const LOAD_ENTRIES: usize = 1_000;

/// A table of keys and values.
#[derive(Debug)]
pub(in crate::server) struct PlainSqlx {
    pool: PgPool,
}

impl PlainSqlx {
    pub(in crate::server) async fn connect(url: &str, connections: u32) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .min_connections(connections)
            .max_connections(connections)
            .test_before_acquire(false)
            .connect(url)
            .await
            .context("connecting to the server")?;
        Ok(Self { pool })
    }

    pub(in crate::server) async fn create(&self) -> Result<()> {
        query("CREATE TABLE kv (key bytea PRIMARY KEY, value bytea NOT NULL)")
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl Target for PlainSqlx {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        for chunk in entries.chunks(LOAD_ENTRIES) {
            let (keys, values): (Vec<_>, Vec<_>) = chunk.iter().cloned().unzip();
            query("INSERT INTO kv SELECT * FROM unnest($1::bytea[], $2::bytea[])")
                .bind(keys)
                .bind(values)
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let value: Option<Vec<u8>> = query_scalar("SELECT value FROM kv WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.pool)
            .await?;
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let sizes: Vec<i32> = query_scalar(
            "SELECT length(key) + length(value) FROM kv WHERE key >= $1 ORDER BY key LIMIT $2",
        )
        .bind(start)
        .bind(i64::try_from(entries_max)?)
        .fetch_all(&self.pool)
        .await?;
        Ok(usize::try_from(sizes.into_iter().sum::<i32>())?)
    }

    /// `synchronous_commit` is on, so it is durable whatever is asked for.
    async fn put(&self, (key, value): Pair, _: Durability) -> Result<()> {
        query(
            "INSERT INTO kv (key, value) VALUES ($1, $2) \
             ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
        )
        .bind(key)
        .bind(value)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
