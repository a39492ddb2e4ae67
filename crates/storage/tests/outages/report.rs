//! What was served, refused, accepted, written back, recovered and lost.

use std::{
    io::{Write, stderr, stdout},
    time::Duration,
};

use serde_json::{Value, json};
use storage::{ReadExt, Result, Store, fallback::FallbackStats};

use crate::load::{Commits, Ledger, Reads, Traffic, Written, number_of};

#[derive(Debug)]
pub(crate) struct Report {
    seed: u64,
    stack: String,
    pub(crate) outages: u64,
    pub(crate) pending_max: usize,
    recovery: Duration,
    longest_call: Duration,
    standby: FallbackStats,
    durable: Tally,
    volatile: Tally,
    fresh_reads: Reads,
    stale_reads: Reads,
    inexcusable: Vec<String>,
}

/// The commits of one kind, of all tasks.
#[derive(Debug, Default)]
struct Tally {
    commits: Commits,
    /// Acknowledged, and not there.
    lost: u64,
    /// Acknowledged as `Volatile` before the server was killed, and not there.
    died: u64,
    /// There, though said not to be applied.
    misreported: u64,
}

impl Report {
    pub(crate) fn new(seed: u64, stack: &str) -> Self {
        // Where the server listens is of no interest.
        let stack = stack.split(':').next().unwrap_or_default().to_owned();
        Self {
            seed,
            stack,
            outages: 0,
            pending_max: 0,
            recovery: Duration::ZERO,
            longest_call: Duration::ZERO,
            standby: FallbackStats::default(),
            durable: Tally::default(),
            volatile: Tally::default(),
            fresh_reads: Reads::default(),
            stale_reads: Reads::default(),
            inexcusable: Vec::new(),
        }
    }

    pub(crate) fn recovered_in(&mut self, time: Duration) {
        self.recovery = self.recovery.max(time);
    }

    pub(crate) fn standby(&mut self, stats: FallbackStats) {
        self.standby = stats;
    }

    /// Holds what a task was told against what is there.
    pub(crate) async fn judge(
        &mut self,
        ledger: Ledger,
        last: &impl Store,
        traffic: &Traffic,
    ) -> Result<()> {
        self.durable.judge(&ledger.durable, last, |_| false).await?;
        let may_die = |written: &Written| written.may_have_died(traffic);
        self.volatile.judge(&ledger.volatile, last, may_die).await?;
        add(&mut self.fresh_reads, &ledger.fresh_reads);
        add(&mut self.stale_reads, &ledger.stale_reads);
        self.longest_call = self.longest_call.max(ledger.longest_call);
        self.inexcusable.extend(ledger.inexcusable);
        Ok(())
    }

    /// What is wrong, or keeps it from having shown anything.
    pub(crate) fn faults(&self) -> Vec<String> {
        let Self {
            durable,
            volatile,
            fresh_reads,
            stale_reads,
            standby,
            ..
        } = self;
        let mut faults = self.inexcusable.clone();
        for (count, fault) in [
            (
                durable.lost + volatile.lost,
                "acknowledged commits are lost",
            ),
            (
                durable.misreported + volatile.misreported,
                "commits that were not applied are there",
            ),
            (
                fresh_reads.wrong + stale_reads.wrong,
                "reads showed what was not there",
            ),
            (
                standby.accepted - standby.written_back,
                "accepted commits are not written back",
            ),
            (
                durable.commits.acknowledged_while_gone,
                "durable commits were acknowledged by nobody",
            ),
        ] {
            if count > 0 {
                faults.push(format!("{count} {fault}"));
            }
        }
        for (count, nothing) in [
            (self.outages, "the server was never gone"),
            (
                durable.commits.acknowledged,
                "no durable commit was acknowledged",
            ),
            (
                volatile.commits.acknowledged_while_gone,
                "nothing was accepted while the server was gone",
            ),
            (
                stale_reads.answered_while_gone,
                "nothing was served while the server was gone",
            ),
            (durable.commits.refused, "no durable commit was refused"),
        ] {
            if count == 0 {
                faults.push(format!("{nothing}: nothing was shown"));
            }
        }
        faults
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "engine": "pg",
            "stack": self.stack,
            "seed": self.seed,
            "outages": self.outages,
            "durable_commits": self.durable.to_json(),
            "volatile_commits": self.volatile.to_json(),
            "accepted": self.standby.accepted,
            "written_back": self.standby.written_back,
            "pending_max": self.pending_max,
            "fresh_reads": reads_to_json(&self.fresh_reads),
            "stale_reads": reads_to_json(&self.stale_reads),
            "longest_call_ms": milliseconds(self.longest_call),
            "recovery_ms": milliseconds(self.recovery),
        })
    }

    pub(crate) fn print(&self, as_json: bool) {
        for fault in self.faults() {
            complain(&format!("error: {fault}"));
        }
        let json = self.to_json();
        let text = if as_json {
            json.to_string()
        } else {
            format!("{json:#}")
        };
        // Nobody is left to be told that nothing can be printed.
        let _ = writeln!(stdout().lock(), "{text}");
    }
}

impl Tally {
    async fn judge(
        &mut self,
        commits: &Commits,
        last: &impl Store,
        may_have_died: impl Fn(&Written) -> bool,
    ) -> Result<()> {
        for written in &commits.keys {
            let entry = last.get(&written.key).await?;
            let there = number_of(entry.as_ref());
            if written.is_shown_by(there) {
                continue;
            }
            if there > written.acknowledged {
                self.misreported += 1;
            } else if may_have_died(written) {
                self.died += 1;
            } else {
                self.lost += 1;
            }
        }
        let all = &mut self.commits;
        all.acknowledged += commits.acknowledged;
        all.acknowledged_while_gone += commits.acknowledged_while_gone;
        all.refused += commits.refused;
        all.unknown += commits.unknown;
        Ok(())
    }

    fn to_json(&self) -> Value {
        let commits = &self.commits;
        json!({
            "acknowledged": commits.acknowledged,
            "acknowledged_while_gone": commits.acknowledged_while_gone,
            "refused": commits.refused,
            "unknown": commits.unknown,
            "lost": self.lost,
            "died_with_the_server": self.died,
            "misreported": self.misreported,
        })
    }
}

fn add(all: &mut Reads, reads: &Reads) {
    all.answered += reads.answered;
    all.answered_while_gone += reads.answered_while_gone;
    all.refused += reads.refused;
    all.wrong += reads.wrong;
}

fn reads_to_json(reads: &Reads) -> Value {
    json!({
        "answered": reads.answered,
        "answered_while_gone": reads.answered_while_gone,
        "refused": reads.refused,
        "wrong": reads.wrong,
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Tells people.
pub(crate) fn complain(line: &str) {
    // Nobody is left to be told that standard error cannot be written to.
    let _ = writeln!(stderr().lock(), "{line}");
}
