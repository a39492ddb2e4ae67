//! Starts a server as the tests do, tells where it is, and keeps it.
//!
//! The first line of output is JSON: where the server listens, its directory, and
//! the variables by which programs find it. The server ends with this process, and
//! this process ends with its input: a script that holds the other end of a pipe,
//! or a person at a terminal, cannot leave it behind. One that means to sends the
//! line `keep` first; then a signal ends it.

#![cfg(target_os = "linux")]

mod pg;
mod redis;
mod s3;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    process::ExitCode,
    thread,
};

use clap::{Parser, ValueEnum};
use serde::Serialize;
use storage_testkit::servers::ServerResult;

/// Starts a server as the tests do, and keeps it until the input ends.
#[derive(Debug, Parser)]
#[command(bin_name = "storage-test-servers")]
struct Command {
    /// What to start.
    kind: Kind,
}

/// A kind of server; each has a module.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// PostgreSQL.
    Pg,
    /// Redis.
    Redis,
    /// An S3 in memory.
    S3,
}

/// Where a server is, as the line of output tells it.
#[derive(Debug, Serialize)]
struct Whereabouts {
    /// Where it listens.
    address: String,
    /// What is gone when the server is.
    directory: String,
    /// What programs find it by.
    variables: BTreeMap<&'static str, String>,
}

fn main() -> ExitCode {
    let kept = match Command::parse().kind {
        Kind::Pg => keep(pg::start),
        Kind::Redis => keep(redis::start),
        Kind::S3 => keep(s3::start),
    };
    match kept {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keep<S>(start: impl FnOnce() -> ServerResult<(S, Whereabouts)>) -> anyhow::Result<()> {
    let (_server, whereabouts) = start()?;
    let line = serde_json::to_string(&whereabouts)?;
    writeln!(io::stdout(), "{line}")?;
    let mut line = String::new();
    while io::stdin().read_line(&mut line)? > 0 {
        if line.trim() == "keep" {
            loop {
                thread::park();
            }
        }
        line.clear();
    }
    Ok(())
}
