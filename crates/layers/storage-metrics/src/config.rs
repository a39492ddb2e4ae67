//! Settings of the layer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use storage_core::{Error, ErrorKind, Result};

use crate::{Alert, NAME};

/// What is measured, and when somebody is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MetricsConfig {
    /// The name of the store in all metrics, logs and spans.
    pub store: String,
    /// Operations that take longer are logged; `None`: none is. Checks and
    /// maintenance never are. Default: 1 s.
    #[serde(default = "slow_after")]
    pub slow_after: Option<Duration>,
    /// How often the figures of the store below are read; `None`: only when
    /// somebody asks for them. Takes a Tokio runtime. Default: `None`. More often
    /// finds out sooner, and asks the engine more.
    #[serde(default)]
    pub sample_every: Option<Duration>,
    /// How many samples of the usage are remembered; the oldest are forgotten.
    /// Default: 1,440, a day of minutes.
    #[serde(default = "usage_samples_max")]
    pub usage_samples_max: usize,
    /// What is watched.
    #[serde(default)]
    pub alerts: Vec<Alert>,
}

impl MetricsConfig {
    /// The default settings, for a store of this name.
    #[must_use]
    pub fn new(store: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            slow_after: slow_after(),
            sample_every: None,
            usage_samples_max: usage_samples_max(),
            alerts: Vec::new(),
        }
    }

    /// Sets what takes too long.
    #[must_use]
    pub fn slow_after(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.slow_after = time.into();
        self
    }

    /// Sets how often the figures of the store below are read.
    #[must_use]
    pub fn sample_every(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.sample_every = time.into();
        self
    }

    /// Sets how many samples of the usage are remembered.
    #[must_use]
    pub const fn usage_samples_max(mut self, samples: usize) -> Self {
        self.usage_samples_max = samples;
        self
    }

    /// Adds something to watch.
    #[must_use]
    pub fn alert(mut self, alert: Alert) -> Self {
        self.alerts.push(alert);
        self
    }

    /// The same settings, if they make sense.
    ///
    /// # Errors
    /// `Invalid` for samples that follow each other without a pause, and for
    /// alerts that could never be cleared or share a name.
    pub(crate) fn validated(self) -> Result<Self> {
        if self.sample_every.is_some_and(|time| time.is_zero()) {
            return Err(invalid("sample_every is zero; use a longer time".into()));
        }
        for (index, alert) in self.alerts.iter().enumerate() {
            alert.check().map_err(invalid)?;
            let is_twice = |other: &Alert| other.name == alert.name;
            if self.alerts.iter().take(index).any(is_twice) {
                return Err(invalid(format!("two alerts are called `{}`", alert.name)));
            }
        }
        Ok(self)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is the default of an option")]
const fn slow_after() -> Option<Duration> {
    Some(Duration::from_secs(1))
}

const fn usage_samples_max() -> usize {
    1_440
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(NAME)
}
