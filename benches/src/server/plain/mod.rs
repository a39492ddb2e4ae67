//! Clients as one uses them directly.

mod redis;
mod sqlx;

pub(super) use self::{redis::PlainRedis, sqlx::PlainSqlx};
