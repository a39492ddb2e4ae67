//! Real servers are started and broken, and nothing is left of them.

mod echo;
mod ends;
mod pg;
mod proxy;
mod redis;
mod replication;

use std::time::Duration;

use super::{PgServer, ServerResult, tool};
use crate::runner;

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(30);

/// Long enough to see that nothing comes.
const SILENCE: Duration = Duration::from_millis(600);

/// Whether this run tests what needs PostgreSQL.
fn tests_postgres() -> bool {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    runner::is_chosen("pg", &name)
}

/// Whether this run tests what needs Redis.
fn tests_redis() -> bool {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    runner::is_chosen("redis", &name)
}

/// Runs a statement over the network, as somebody who verifies the server.
fn over_tls(server: &PgServer, host: &str, url: &str, statement: &str) -> ServerResult<String> {
    let mut psql = PgServer::psql()?;
    psql.arg("--dbname").arg(url);
    psql.env("PGHOST", host).env("PGSSLMODE", "verify-full");
    psql.env("PGSSLROOTCERT", server.authority_file());
    tool::output_of(&mut psql, statement)
}
