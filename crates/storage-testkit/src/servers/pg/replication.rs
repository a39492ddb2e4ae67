//! A primary and its standby.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{PgServer, programs, sql::literal};
use crate::servers::{ServerResult, place::Place, secret, tool};

/// A standby that takes longer does not follow.
const FOLLOW_MAX: Duration = Duration::from_mins(1);

/// How often to look; each time starts a program.
const POLL: Duration = Duration::from_millis(20);

/// The setting that names who must have a commit before it is answered.
const SYNCHRONOUS: &str = "synchronous_standby_names";

/// What a commit on the primary waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The standby has it on its disk: a failover loses nothing. While the standby
    /// is away, commits wait without end.
    Synchronous,
    /// Nothing: a failover may lose the last commits.
    Asynchronous,
}

impl PgServer {
    /// Makes a standby of this server, which has all its data and follows it, and
    /// takes reads. It is a server of its own, to be killed, paused or
    /// [promoted](Self::promote), with the same roles, passwords and authority.
    ///
    /// For a failover: [`kill`](Self::kill) the primary and promote the standby.
    /// To have two again, make a standby of that one.
    ///
    /// # Errors
    /// If this server does not run, or the standby does not start.
    pub fn standby(&self, replication: Replication) -> ServerResult<Self> {
        let place = Place::new("pg")?;
        let mut backup = programs::program("pg_basebackup")?;
        backup
            .arg("--host")
            .arg(self.place.root())
            .args(["--port", &self.address.port().to_string()])
            .args(["--username", self.superuser.name(), "--no-password"])
            .args(["--wal-method=stream", "--checkpoint=fast", "--no-sync"])
            .arg("--pgdata")
            .arg(Self::data_in(&place))
            .current_dir(place.root());
        place.account().run(&mut backup);
        tool::output(&mut backup)?;
        place.write("data/standby.signal", "")?;

        let name = secret::name("standby");
        let primary = format!(
            "host={} port={} user={} application_name={name}",
            conninfo(&self.place.root().display().to_string()),
            self.address.port(),
            self.superuser.name(),
        );
        let mut config = self.lock().config.clone();
        // As a primary, it would wait for somebody who follows another.
        config.settings.remove(SYNCHRONOUS);
        let config = config.setting("primary_conninfo", primary);
        let (superuser, authority) = (self.superuser.clone(), Arc::clone(&self.authority));
        let standby = Self::begin(place, superuser, authority, config)?;
        if replication == Replication::Synchronous {
            self.set(SYNCHRONOUS, &name)?;
        }
        self.wait_for_standby(&name, replication)?;
        Ok(standby)
    }

    /// Makes a standby a primary, and returns when it takes writes. The old one
    /// must not run any more: nothing tells it.
    ///
    /// # Errors
    /// If this server does not run, or is no standby.
    pub fn promote(&self) -> ServerResult {
        let seconds = FOLLOW_MAX.as_secs();
        let promote = format!("SELECT pg_promote(true, {seconds});");
        match self.sql(Self::MAINTENANCE, &promote)?.trim() {
            "t" => Ok(()),
            _ => Err(self.too_slow("the standby to become a primary", FOLLOW_MAX)),
        }
    }

    /// On a standby: waits until readers see all that was committed on its primary
    /// before this call.
    ///
    /// # Errors
    /// If one of both does not run, or the standby does not get there.
    pub fn wait_for_replay_of(&self, primary: &Self) -> ServerResult {
        let written = primary.sql(Self::MAINTENANCE, "SELECT pg_current_wal_lsn();")?;
        let written = literal(written.trim());
        let seen = format!("SELECT pg_last_wal_replay_lsn() >= {written};");
        self.wait_for(&seen, "the standby to see what its primary wrote")
    }

    fn wait_for_standby(&self, name: &str, replication: Replication) -> ServerResult {
        let follows = match replication {
            Replication::Synchronous => "sync_state = 'sync'",
            Replication::Asynchronous => "true",
        };
        let name = literal(name);
        let streams = format!(
            "SELECT count(*) > 0 FROM pg_stat_replication \
             WHERE application_name = {name} AND state = 'streaming' AND {follows};"
        );
        self.wait_for(&streams, "the standby to follow")
    }

    /// Waits until a question is answered with yes.
    fn wait_for(&self, question: &str, task: &str) -> ServerResult {
        let deadline = Instant::now() + FOLLOW_MAX;
        while self.sql(Self::MAINTENANCE, question)?.trim() != "t" {
            if Instant::now() >= deadline {
                return Err(self.too_slow(task, FOLLOW_MAX));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

/// A value as a connection string holds it.
fn conninfo(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}
