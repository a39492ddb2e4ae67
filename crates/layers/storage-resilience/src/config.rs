//! Settings of the layer.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use storage_core::{Error, ErrorKind, Result};

/// How often a call is repeated, how long it may take, how many are under way
/// at once, and when a store is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ResilienceConfig {
    /// How often a call is attempted, the first time included. Default: 4. More
    /// get a call over a longer failure, and ask more of a store that fails.
    pub attempts_max: NonZeroU32,
    /// The longest random wait before the second attempt; it doubles with each
    /// further one. Default: 20 ms.
    pub delay_first: Duration,
    /// What that wait grows to at most. Default: 2 s. A longer wait that an
    /// error asks for is kept to.
    pub delay_max: Duration,
    /// How long one attempt may take. Default: 35 s, longer than the engines'
    /// own limits: an engine that gives up a commit may know what became of it,
    /// this layer never does.
    pub attempt_time_limit: Duration,
    /// How long a call may take, all attempts and all waiting included. Checks,
    /// maintenance and closing take as long as they take. Default: 1 min.
    pub time_limit: Duration,
    /// How many attempts are under way at once. Default: 1,024.
    pub at_once_max: NonZeroUsize,
    /// How many calls wait until fewer are under way; more are `Throttled`.
    /// Default: 4,096.
    pub waiting_max: usize,
    /// When calls are refused because the store does not answer; `None`: never.
    pub circuit: Option<CircuitConfig>,
}

impl ResilienceConfig {
    /// The default settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how often a call is attempted, the first time included.
    #[must_use]
    pub const fn attempts_max(mut self, attempts: NonZeroU32) -> Self {
        self.attempts_max = attempts;
        self
    }

    /// Sets the longest random wait before the second attempt, and what it grows
    /// to at most.
    #[must_use]
    pub const fn delays(mut self, first: Duration, max: Duration) -> Self {
        self.delay_first = first;
        self.delay_max = max;
        self
    }

    /// Sets how long one attempt may take.
    #[must_use]
    pub const fn attempt_time_limit(mut self, limit: Duration) -> Self {
        self.attempt_time_limit = limit;
        self
    }

    /// Sets how long a call may take.
    #[must_use]
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sets how many attempts are under way at once, and how many calls wait for
    /// that.
    #[must_use]
    pub const fn at_once(mut self, max: NonZeroUsize, waiting_max: usize) -> Self {
        self.at_once_max = max;
        self.waiting_max = waiting_max;
        self
    }

    /// Sets when calls are refused because the store does not answer.
    #[must_use]
    pub fn circuit(mut self, circuit: impl Into<Option<CircuitConfig>>) -> Self {
        self.circuit = circuit.into();
        self
    }

    /// The same settings, if they make sense.
    ///
    /// # Errors
    /// `Invalid` for a time of zero, delays that shrink, or a share of more
    /// than all.
    pub(crate) fn validated(self) -> Result<Self> {
        not_zero("attempt_time_limit", self.attempt_time_limit)?;
        not_zero("time_limit", self.time_limit)?;
        if self.delay_first > self.delay_max {
            return Err(invalid(format!(
                "delay_first is {:?}, longer than delay_max, which is {:?}",
                self.delay_first, self.delay_max
            )));
        }
        if let Some(circuit) = &self.circuit {
            not_zero("circuit.window", circuit.window)?;
            not_zero("circuit.open_for", circuit.open_for)?;
            if !(1..=100).contains(&circuit.failures_percent) {
                return Err(invalid(format!(
                    "circuit.failures_percent is {}, it must be from 1 to 100",
                    circuit.failures_percent
                )));
            }
        }
        Ok(self)
    }
}

impl Default for ResilienceConfig {
    fn default() -> Self {
        const AT_ONCE: NonZeroUsize = NonZeroUsize::new(1_024).unwrap();
        Self {
            attempts_max: const { NonZeroU32::new(4).unwrap() },
            delay_first: Duration::from_millis(20),
            delay_max: Duration::from_secs(2),
            attempt_time_limit: Duration::from_secs(35),
            time_limit: Duration::from_mins(1),
            at_once_max: AT_ONCE,
            waiting_max: 4_096,
            circuit: Some(CircuitConfig::new()),
        }
    }
}

/// When a circuit opens, and when it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CircuitConfig {
    /// Over how long failures are counted, from the first one on. Default: 10 s.
    pub window: Duration,
    /// How many failures it takes at least. Default: 10. Fewer open the circuit
    /// sooner, and sometimes in vain.
    pub failures_min: NonZeroU32,
    /// How many percent of the attempts in the window must have failed. Default: 50.
    pub failures_percent: u8,
    /// How long calls are refused before one is tried. Default: 5 s.
    pub open_for: Duration,
    /// How many trials must succeed for the circuit to close. Default: 1.
    pub trials: NonZeroU32,
}

impl CircuitConfig {
    /// The default settings.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            window: Duration::from_secs(10),
            failures_min: const { NonZeroU32::new(10).unwrap() },
            failures_percent: 50,
            open_for: Duration::from_secs(5),
            trials: NonZeroU32::MIN,
        }
    }

    /// Sets over how long failures are counted, how many it takes, and how many
    /// percent of all attempts they must be.
    #[must_use]
    pub const fn opens_at(mut self, window: Duration, failures: NonZeroU32, percent: u8) -> Self {
        self.window = window;
        self.failures_min = failures;
        self.failures_percent = percent;
        self
    }

    /// Sets how long calls are refused, and how many trials must succeed then.
    #[must_use]
    pub const fn closes_after(mut self, open_for: Duration, trials: NonZeroU32) -> Self {
        self.open_for = open_for;
        self.trials = trials;
        self
    }
}

impl Default for CircuitConfig {
    fn default() -> Self {
        Self::new()
    }
}

fn not_zero(setting: &str, time: Duration) -> Result<()> {
    if time.is_zero() {
        return Err(invalid(format!("{setting} is zero; nothing would be done")));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(crate::NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_left_out_have_their_defaults_and_unknown_ones_are_refused() {
        let config: ResilienceConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(config, ResilienceConfig::new());
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<ResilienceConfig>(&text).unwrap(),
            config
        );
        for text in [r#"{"attempts": 2}"#, r#"{"circuit": {"share": 2}}"#] {
            serde_json::from_str::<ResilienceConfig>(text).unwrap_err();
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_by_name() {
        type Spoil = fn(&mut ResilienceConfig, &mut CircuitConfig);
        let spoils: [(&str, Spoil); 6] = [
            ("attempt_time_limit", |config, _| {
                config.attempt_time_limit = Duration::ZERO;
            }),
            ("time_limit", |config, _| config.time_limit = Duration::ZERO),
            ("delay_first", |config, _| {
                config.delay_first = Duration::from_hours(1);
            }),
            ("window", |_, circuit| circuit.window = Duration::ZERO),
            ("open_for", |_, circuit| circuit.open_for = Duration::ZERO),
            ("failures_percent", |_, circuit| {
                circuit.failures_percent = 101;
            }),
        ];
        for (setting, spoil) in spoils {
            let (mut config, mut circuit) = (ResilienceConfig::new(), CircuitConfig::new());
            spoil(&mut config, &mut circuit);
            let error = config.circuit(circuit).validated().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.message().contains(setting), "{error}");
        }
    }
}
