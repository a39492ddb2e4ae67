//! Statistics of an engine.

/// What an engine can tell of itself at little cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Roughly how many entries there are, deleted and expired ones that have
    /// not been removed yet among them.
    pub entries_estimate: Option<u64>,
    /// The bytes the store takes on its disk.
    pub disk_bytes: Option<u64>,
    /// Everything else, by name.
    pub details: Vec<Statistic>,
}

impl Stats {
    /// Adds a figure.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: u64, unit: Unit) -> Self {
        self.details.push(Statistic { name, value, unit });
        self
    }

    /// The figure called `name`.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<u64> {
        self.details
            .iter()
            .find(|statistic| statistic.name == name)
            .map(|statistic| statistic.value)
    }
}

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistic {
    /// Its name, such as `compactions_completed`.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// What the value counts.
    pub unit: Unit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Microseconds.
    Microseconds,
    /// Thousandths of a ratio: 950 where 95 of 100 reads are answered from a
    /// cache.
    Thousandths,
}
