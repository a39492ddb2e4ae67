//! Which entries expire when, and how they are removed.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use storage_core::{Error, ErrorKind, Namespace, Result};

use crate::layer::NAME;

/// The settings of an [`ExpiryLayer`](crate::ExpiryLayer).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExpiryConfig {
    /// How long entries live whose writers do not say, and that no rule is about. `None`,
    /// which is the default: for good.
    pub default_time_to_live: Option<Duration>,
    /// What is otherwise somewhere; of several that a key begins with, the longest counts.
    pub rules: Vec<Rule>,
    /// Whether and when what has expired is removed. Default: [`Sweep::Background`].
    pub sweep: Sweep,
    /// How long the sweeper rests when nothing is left to do. Default: a minute. Less
    /// frees room sooner and scans more often.
    pub sweep_every: Duration,
    /// How many entries the sweeper removes in one batch. Default: 256. More are removed
    /// faster and keep other commits waiting for longer.
    pub sweep_entries_max: usize,
    /// How long the sweeper rests between two batches. Default: 10 ms, which makes about
    /// 25,000 entries a second at most.
    pub sweep_pause: Duration,
}

impl ExpiryConfig {
    /// The default settings: no time to live but what writers say.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            default_time_to_live: None,
            rules: Vec::new(),
            sweep: Sweep::Background,
            sweep_every: Duration::from_mins(1),
            sweep_entries_max: 256,
            sweep_pause: Duration::from_millis(10),
        }
    }

    /// The same settings with this time to live where no rule says otherwise.
    #[must_use]
    pub const fn default_time_to_live(mut self, time: Duration) -> Self {
        self.default_time_to_live = Some(time);
        self
    }

    /// The same settings with this time to live in a namespace, given by its names.
    #[must_use]
    pub fn of_namespace<N: Into<String>>(
        self,
        names: impl IntoIterator<Item = N>,
        time: impl Into<Option<Duration>>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.rule(Scope::Namespace(names), time.into())
    }

    /// The same settings with this time to live for keys that begin with `prefix`.
    #[must_use]
    pub fn of_prefix(self, prefix: impl Into<String>, time: impl Into<Option<Duration>>) -> Self {
        self.rule(Scope::Prefix(prefix.into()), time.into())
    }

    /// The same settings with another way to sweep.
    #[must_use]
    pub const fn sweep(mut self, sweep: Sweep) -> Self {
        self.sweep = sweep;
        self
    }

    /// The same settings with so much rest when nothing is left to sweep.
    #[must_use]
    pub const fn sweep_every(mut self, time: Duration) -> Self {
        self.sweep_every = time;
        self
    }

    /// The same settings with so many entries removed in one batch.
    #[must_use]
    pub const fn sweep_entries_max(mut self, entries: usize) -> Self {
        self.sweep_entries_max = entries;
        self
    }

    /// The same settings with so much rest between two batches.
    #[must_use]
    pub const fn sweep_pause(mut self, time: Duration) -> Self {
        self.sweep_pause = time;
        self
    }

    fn rule(mut self, scope: Scope, time_to_live: Option<Duration>) -> Self {
        self.rules.push(Rule {
            scope,
            time_to_live,
        });
        self
    }

    /// The same settings, if they make sense.
    ///
    /// # Errors
    /// `Invalid` for a time to live of nothing, which would be a put that does nothing,
    /// for rounds without rest between them, and for batches of no entries.
    pub(crate) fn validated(self) -> Result<Self> {
        let rules = self.rules.iter().map(|rule| rule.time_to_live);
        let mut times = rules.chain([self.default_time_to_live]).flatten();
        if times.any(|time| time.is_zero()) {
            return Err(invalid(
                "a time to live is zero; leave it out, or make it longer",
            ));
        }
        if self.sweep_every.is_zero() {
            return Err(invalid("`sweep_every` is zero; make it longer"));
        }
        if self.sweep_entries_max == 0 {
            return Err(invalid("`sweep_entries_max` is 0; set it to 1 or more"));
        }
        Ok(self)
    }
}

impl Default for ExpiryConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// How long some entries live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which entries.
    pub scope: Scope,
    /// How long, from when they are put; `None` for good.
    pub time_to_live: Option<Duration>,
}

/// Some of the user keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Those of a [namespace](Namespace) and of all within it, given by its names.
    Namespace(Vec<String>),
    /// Those that begin with a text.
    Prefix(String),
}

impl Scope {
    /// What the keys begin with.
    pub(crate) fn prefix(&self) -> Bytes {
        match self {
            Self::Namespace(names) => {
                let child = |parent: Namespace, name: &String| parent.child(name);
                names.iter().fold(Namespace::root(), child).prefix().clone()
            }
            Self::Prefix(prefix) => Bytes::copy_from_slice(prefix.as_bytes()),
        }
    }
}

/// Whether and when what has expired is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// By a thread, again and again.
    #[default]
    Background,
    /// When [`sweep_now`](crate::ExpiryControl::sweep_now) is called.
    OnDemand,
    /// Not by this layer, which takes no note of what expires when.
    Never,
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_being_written_down_and_unknown_ones_are_refused() {
        let config = ExpiryConfig::new()
            .of_namespace(["tenant", "sessions"], Duration::from_mins(5))
            .of_prefix("kept/", None)
            .sweep(Sweep::OnDemand);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ExpiryConfig>(&text).unwrap(), config);
        let least: ExpiryConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(least, ExpiryConfig::new());
        assert!(serde_json::from_str::<ExpiryConfig>(r#"{"colour": "red"}"#).is_err());
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for config in [
            ExpiryConfig::new().default_time_to_live(Duration::ZERO),
            ExpiryConfig::new().of_prefix("a", Duration::ZERO),
            ExpiryConfig::new().sweep_every(Duration::ZERO),
            ExpiryConfig::new().sweep_entries_max(0),
        ] {
            assert_eq!(config.validated().unwrap_err().kind(), ErrorKind::Invalid);
        }
    }
}
