//! The servers that tests and people need, and what each takes.
//!
//! Tests start their servers themselves, through `storage-testkit`; here is only what must be there
//! for that. A new kind of server is a variant here, and a module of the program
//! `storage-test-servers` of the testkit, which starts it.

use clap::ValueEnum;

use crate::install::Requirement;

/// A kind of server by the name that `--with` and `storage-test-servers` know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Server {
    /// PostgreSQL.
    Pg,
    /// Redis.
    Redis,
    /// An S3 in memory.
    S3,
}

impl Server {
    /// What it is called on the command line and in the file of its state.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pg => "pg",
            Self::Redis => "redis",
            Self::S3 => "s3",
        }
    }

    /// What it takes to run it.
    pub(crate) fn requirements(self) -> &'static [Requirement] {
        match self {
            Self::Pg => POSTGRESQL,
            Self::Redis => REDIS,
            Self::S3 => MOTO,
        }
    }
}

/// PostgreSQL itself; what Debian would start with it stays off.
const POSTGRESQL: &[Requirement] = &[Requirement::postgresql()];

/// Redis itself, without the server that Debian would start with `redis-server`, and what tells
/// what certificates it shows.
const REDIS: &[Requirement] = &[Requirement::redis(), Requirement::openssl()];

/// Python, and moto for it.
const MOTO: &[Requirement] = &[Requirement::python(), Requirement::moto()];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_and_the_program_use_the_same_names() {
        for server in Server::value_variants() {
            assert_eq!(Server::from_str(server.name(), false), Ok(*server));
        }
    }
}
