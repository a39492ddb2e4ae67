//! How long a piece of work took, by the clock and by the processor.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// What one process measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// Time by the clock, in nanoseconds an operation.
    pub(crate) wall: f64,
    /// Time of the processor in all threads, in nanoseconds an operation.
    pub(crate) cpu: f64,
}

/// Measures from its start on.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    started: Instant,
    cpu_before: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self {
            cpu_before: cpu_time()?,
            started: Instant::now(),
        })
    }

    /// What each of `operations` took since the start.
    pub(crate) fn stop(&self, operations: u32) -> Result<Measurement> {
        let wall = self.started.elapsed();
        let cpu = cpu_time()?.saturating_sub(self.cpu_before);
        let each = |time: Duration| time.as_secs_f64() * 1e9 / f64::from(operations.max(1));
        Ok(Measurement {
            wall: each(wall),
            cpu: each(cpu),
        })
    }
}

/// What all threads of this process have used so far.
fn cpu_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("cannot ask for the time used")?;
    Ok(spent(&usage))
}

fn spent(usage: &Usage) -> Duration {
    [usage.user_time(), usage.system_time()]
        .into_iter()
        .map(|time| {
            let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
            let microseconds = u64::try_from(time.tv_usec()).unwrap_or_default();
            Duration::from_secs(seconds) + Duration::from_micros(microseconds)
        })
        .sum()
}
