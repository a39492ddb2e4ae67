//! The table at the end of `cargo xtask ci`: every step, how it ended, how long it took.

use std::fmt;
use std::time::Duration;

/// How the steps ended.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) rows: Vec<Row>,
}

/// How one step ended.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
}

/// Whether a step succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
}

impl Summary {
    /// Whether every step passed.
    pub(super) fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.outcome == Outcome::Passed)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row {
            name,
            outcome,
            took,
        } in &self.rows
        {
            let outcome = match outcome {
                Outcome::Passed => "ok",
                Outcome::Failed => "FAILED",
            };
            writeln!(
                formatter,
                "{outcome:<6} {:>7.1} s  {name}",
                took.as_secs_f64()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, outcome: Outcome) -> Row {
        Row {
            name: name.to_owned(),
            outcome,
            took: Duration::from_millis(12_340),
        }
    }

    #[test]
    fn one_failed_step_fails_the_whole() {
        assert!(
            Summary {
                rows: vec![row("fmt", Outcome::Passed)]
            }
            .passed()
        );
        assert!(
            !Summary {
                rows: vec![row("fmt", Outcome::Failed), row("docs", Outcome::Passed)]
            }
            .passed()
        );
    }

    #[test]
    fn each_step_has_a_line_with_its_outcome_and_time() {
        let summary = Summary {
            rows: vec![row("fmt", Outcome::Passed), row("tidy", Outcome::Failed)],
        };

        assert_eq!(
            summary.to_string(),
            "ok        12.3 s  fmt\nFAILED    12.3 s  tidy\n"
        );
    }
}
