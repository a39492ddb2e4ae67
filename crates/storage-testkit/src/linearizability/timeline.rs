//! Showing a history: a line for each operation, client by client.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use super::{History, Moment, Operation, judge::Dispute};

/// A history as people read it.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    operations: Vec<&'a Operation>,
    dispute: &'a Dispute,
    /// The place of each instant among all that matter.
    ranks: BTreeMap<Moment, usize>,
}

impl<'a> Timeline<'a> {
    /// The width of the bars, in characters.
    const WIDTH: usize = 36;

    pub(super) fn new(history: &'a History, dispute: &'a Dispute) -> Self {
        let mut operations: Vec<_> = history.operations().iter().collect();
        operations.sort_by_key(|operation| (operation.client, operation.called));
        let mut moments: Vec<_> = operations
            .iter()
            .flat_map(|operation| [Some(operation.called), operation.answered])
            .flatten()
            .collect();
        moments.sort_unstable();
        moments.dedup();
        Self {
            operations,
            dispute,
            ranks: moments.into_iter().zip(0..).collect(),
        }
    }

    /// The operation's time, as a bar. Instants are as far apart as there are
    /// others between them; what matters is what came before what.
    fn bar(&self, operation: &Operation) -> String {
        let last = self.ranks.len().saturating_sub(1).max(1);
        let column = |moment: &Moment| {
            let rank = self.ranks.get(moment).copied().unwrap_or(last);
            rank * (Self::WIDTH - 1) / last
        };
        let start = column(&operation.called);
        let end = operation.answered.as_ref().map_or(Self::WIDTH - 1, column);
        (0..Self::WIDTH)
            .map(|at| match at {
                _ if at < start || at > end => ' ',
                _ if at == start => '[',
                _ if at == end && operation.answered.is_some() => ']',
                _ => '-',
            })
            .collect()
    }
}

impl fmt::Display for Timeline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.ranks.keys().next().copied();
        let since_start = |moment: Moment| {
            let start = start.map_or(0, Moment::as_nanoseconds);
            let nanoseconds = moment.as_nanoseconds().saturating_sub(start);
            format!("{}.{}", nanoseconds / 1_000, nanoseconds / 100 % 10)
        };
        for operation in &self.operations {
            let end = operation.answered.map_or("…".to_owned(), since_start);
            let times = format!("{} to {end} µs", since_start(operation.called));
            write!(
                f,
                "  {:>6} {} {times:>22}  {operation}",
                operation.client.to_string(),
                self.bar(operation),
            )?;
            if **operation == self.dispute.operation {
                f.write_str("   <- no order explains this")?;
            }
            f.write_char('\n')?;
        }
        f.write_str("  the orders that get furthest leave ")?;
        f.debug_map().entries(&self.dispute.state).finish()?;
        f.write_str(" before it\n")
    }
}
