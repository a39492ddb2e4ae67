//! Statements, run by `psql`.

use std::process::Command;

use super::{PgServer, programs};
use crate::servers::{ServerResult, tool};

impl PgServer {
    /// Runs statements in a database as the superuser, each in a transaction of
    /// its own, and gives their rows: a line each, with `|` between the columns.
    ///
    /// They come over a socket in the server's own directory, so they are also
    /// heard where the network, the passwords or the certificates are bad.
    ///
    /// # Errors
    /// If the server does not run, or a statement fails: those after it are not
    /// run.
    pub fn sql(&self, database: &str, script: &str) -> ServerResult<String> {
        let mut command = Self::psql()?;
        command.env("PGHOST", self.place.root());
        command.env("PGPORT", self.address.port().to_string());
        command.env("PGUSER", self.superuser.name());
        command.env("PGDATABASE", database);
        tool::output_of(&mut command, script)
    }

    /// A `psql` that stops at the first error and prints nothing but rows, in
    /// the form of [`sql`](Self::sql). Where it connects to is up to the caller,
    /// for instance by the variables `PGHOST`, `PGPASSWORD` and `PGSSLMODE`.
    ///
    /// # Errors
    /// [`Missing`](crate::servers::ServerError::Missing) if it is not installed.
    pub fn psql() -> ServerResult<Command> {
        let mut command = programs::program("psql")?;
        command
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--no-password", "--set", "ON_ERROR_STOP=1"])
            .env("PGCONNECT_TIMEOUT", "10");
        Ok(command)
    }
}

/// Text as a statement holds it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as a statement holds it.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
