//! What happens at each sample: gauges are set, usage is remembered, alerts are
//! judged.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use metrics::{Gauge, Label};
use storage_core::{Stats, Timestamp};

use crate::{
    Alert, AlertChange, Usage, Watch,
    figures::{self, as_f64, value_of},
    meter::OperationName,
    names,
    recording::Recording,
    watched::{Interval, Watched},
};

/// Who is told of alerts.
pub(crate) type Callback = Arc<dyn Fn(&AlertChange) + Send + Sync>;

/// Looks at samples.
pub(crate) struct Observer {
    recording: Recording,
    usage_max: usize,
    /// What operations have counted for alerts.
    watched: BTreeMap<OperationName, Arc<Watched>>,
    callback: Option<Callback>,
    state: Mutex<State>,
}

struct State {
    usage: VecDeque<Usage>,
    alerts: Vec<Judged>,
}

/// An alert, and what has become of it.
struct Judged {
    alert: Alert,
    is_raised: bool,
    gauge: Gauge,
    /// The counts of a share, as the last sample had them.
    counts: Option<(u64, u64)>,
}

impl Observer {
    pub(crate) fn new(
        recording: Recording,
        usage_max: usize,
        alerts: Vec<Alert>,
        watched: BTreeMap<OperationName, Arc<Watched>>,
        callback: Option<Callback>,
    ) -> Self {
        let judged = |alert: Alert| {
            let label = Label::new("alert", alert.name.clone());
            let gauge = recording.gauge(names::ALERT_RAISED, vec![label]);
            gauge.set(0.0);
            Judged {
                alert,
                is_raised: false,
                gauge,
                counts: None,
            }
        };
        let alerts = alerts.into_iter().map(judged).collect();
        Self {
            usage_max,
            watched,
            callback,
            state: Mutex::new(State {
                usage: VecDeque::new(),
                alerts,
            }),
            recording,
        }
    }

    /// Looks at a sample, which has no figures if the store below gave none.
    pub(crate) fn observe(&self, at: Timestamp, stats: Option<&Stats>) {
        if let Some(stats) = stats {
            figures::publish(stats, &self.recording);
            self.remember(Usage::new(at, stats.entries_estimate, stats.disk_bytes));
        }
        // Whoever is told may ask for what is raised.
        for change in self.judge(stats) {
            self.tell(&change);
        }
    }

    pub(crate) fn usage(&self) -> Vec<Usage> {
        self.lock().usage.iter().copied().collect()
    }

    pub(crate) fn raised_alerts(&self) -> Vec<String> {
        let state = self.lock();
        let raised = state.alerts.iter().filter(|judged| judged.is_raised);
        raised.map(|judged| judged.alert.name.clone()).collect()
    }

    fn remember(&self, usage: Usage) {
        let mut state = self.lock();
        state.usage.push_back(usage);
        while state.usage.len() > self.usage_max {
            state.usage.pop_front();
        }
    }

    fn judge(&self, stats: Option<&Stats>) -> Vec<AlertChange> {
        let mut judging = self.lock();
        // Under the lock, so that two samples do not share an interval.
        let take = |(name, watched): (&OperationName, &Arc<Watched>)| (*name, watched.take());
        let intervals: BTreeMap<_, _> = self.watched.iter().map(take).collect();
        let mut changes = Vec::new();
        for judged in &mut judging.alerts {
            let value = match &judged.alert.watch {
                Watch::Share { of, beside } => share(&mut judged.counts, stats, of, beside),
                watch => value(watch, stats, &intervals),
            };
            let is_raised = value.map_or(judged.is_raised, |value| {
                judged.alert.bound.is_raised(value, judged.is_raised)
            });
            // Some recorders forget what is not recorded again.
            judged.gauge.set(if is_raised { 1.0 } else { 0.0 });
            if let Some(value) = value
                && is_raised != judged.is_raised
            {
                changes.push(AlertChange {
                    store: self.recording.store().to_owned(),
                    alert: judged.alert.name.clone(),
                    value,
                    is_raised,
                });
            }
            judged.is_raised = is_raised;
        }
        changes
    }

    fn tell(&self, change: &AlertChange) {
        let AlertChange {
            store,
            alert,
            value,
            is_raised,
        } = change;
        if *is_raised {
            tracing::warn!(%store, %alert, value, "alert raised");
        } else {
            tracing::info!(%store, %alert, value, "alert cleared");
        }
        if let Some(callback) = &self.callback {
            callback(change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a sample shows of a watched value, if anything.
fn value(
    watch: &Watch,
    stats: Option<&Stats>,
    intervals: &BTreeMap<OperationName, Interval>,
) -> Option<f64> {
    match watch {
        Watch::Latency {
            operation,
            percentile,
        } => intervals.get(operation.as_str())?.latency(*percentile),
        Watch::ErrorShare => {
            let operations: u64 = intervals.values().map(Interval::operations).sum();
            let failures: u64 = intervals.values().map(Interval::failures).sum();
            (operations > 0).then(|| as_f64(failures) / as_f64(operations))
        }
        Watch::DiskBytes => stats?.disk_bytes.map(as_f64),
        Watch::Entries => stats?.entries_estimate.map(as_f64),
        Watch::Figure { name } => {
            let mut details = stats?.details.iter();
            details.find(|figure| figure.name == *name).map(value_of)
        }
        // It takes two samples.
        Watch::Share { .. } => None,
    }
}

/// What one count has grown by since the last sample, as a share of what both have.
/// Where neither has, or one begins anew, there is nothing to say.
fn share(
    last: &mut Option<(u64, u64)>,
    stats: Option<&Stats>,
    of: &str,
    beside: &str,
) -> Option<f64> {
    let stats = stats?;
    let counts = (stats.detail(of)?, stats.detail(beside)?);
    let before = last.replace(counts)?;
    let of = counts.0.checked_sub(before.0)?;
    let beside = counts.1.checked_sub(before.1)?;
    let both = of.saturating_add(beside);
    (both > 0).then(|| as_f64(of) / as_f64(both))
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer")
            .field("recording", &self.recording)
            .field("usage_max", &self.usage_max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use storage_core::Unit;

    use super::*;

    fn stats(hits: u64, misses: u64) -> Stats {
        let stats = Stats::default().with("hits", hits, Unit::Count);
        stats.with("misses", misses, Unit::Count)
    }

    #[test]
    fn a_share_is_that_of_what_was_counted_since_the_last_sample() {
        let mut last = None;
        let mut share = |stats: Option<&Stats>| share(&mut last, stats, "hits", "misses");
        assert_eq!(share(Some(&stats(1_000, 0))), None, "of the first");
        assert_eq!(share(Some(&stats(1_001, 3))), Some(0.25));
        assert_eq!(share(Some(&stats(1_001, 3))), None, "nothing was counted");
        assert_eq!(share(None), None);
        assert_eq!(share(Some(&stats(5, 5))), None, "they begin anew");
        assert_eq!(share(Some(&stats(8, 6))), Some(0.75));
        assert_eq!(share(Some(&Stats::default())), None);
    }
}
