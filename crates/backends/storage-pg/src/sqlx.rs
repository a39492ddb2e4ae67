//! The parts of sqlx that are used, without the crate that bundles them: that one
//! brings SQLite's C library into the lock file, of another version than
//! rusqlite's, and only one may be there.

pub(crate) use sqlx_core::{
    Error,
    connection::{ConnectOptions, Connection},
    error::Result,
    executor::Executor,
    query::query,
    query_as::query_as,
    query_scalar::query_scalar,
    raw_sql::raw_sql,
    row::Row,
    sql_str::{AssertSqlSafe, SqlSafeStr},
};
pub(crate) use sqlx_postgres::{self as postgres, PgConnection};
