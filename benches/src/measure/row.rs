//! A row of a report: one subject against its baseline.

use std::{fmt, hash::Hash};

use serde::Serialize;

use super::{Measurement, ratio::Ratios, rounds::Rounds};

/// If the baseline differs from itself by more than this, the machine was too
/// noisy.
const NOISE_MAX: f64 = 0.05;

/// What is compared with what.
#[derive(Clone, Debug)]
pub(crate) struct Comparison<C> {
    pub(crate) subject: C,
    pub(crate) baseline: C,
    pub(crate) figure: Figure,
    pub(crate) bar: Option<Bar>,
}

/// What a ratio says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// The subject's time in units of the baseline's.
    Time,
    /// The time that the subject adds, in units of the baseline's.
    AddedTime,
    /// The subject's throughput in units of the baseline's.
    Throughput,
}

impl Figure {
    /// What a row calls the work of so many tasks that it is a figure of.
    pub(crate) fn of_work(self, workload: &str, tasks: u32) -> String {
        let what = match self {
            Self::Time => "time",
            Self::AddedTime => "added time",
            Self::Throughput => "throughput",
        };
        match tasks {
            1 => format!("{workload}, 1 task, {what}"),
            tasks => format!("{workload}, {tasks} tasks, {what}"),
        }
    }

    fn of(self, subject: f64, baseline: f64) -> f64 {
        match self {
            Self::Time => subject / baseline,
            Self::AddedTime => (subject - baseline) / baseline,
            Self::Throughput => baseline / subject,
        }
    }
}

/// What a ratio must not pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => ratio <= most,
            Self::AtLeast(least) => ratio >= least,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "<= {most:.2}"),
            Self::AtLeast(least) => write!(f, ">= {least:.2}"),
        }
    }
}

/// One line of a report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) workload: String,
    pub(crate) engine: String,
    pub(crate) subject: String,
    pub(crate) baseline: String,
    /// The median over all rounds, of times by the clock.
    pub(crate) ratio: f64,
    /// The interquartile range of the rounds' ratios.
    pub(crate) spread: f64,
    /// The same ratio of processor time.
    pub(crate) cpu_ratio: f64,
    pub(crate) bar: Option<String>,
    pub(crate) holds: Option<bool>,
    /// The median ratio of the baseline's two runs in each round.
    pub(crate) control: f64,
    /// Whether the baseline differs from itself too much.
    pub(crate) noisy: bool,
}

/// Whether ratios that should be one say otherwise, or vary so much that their
/// median could be anything.
fn is_noisy(control: &Ratios) -> bool {
    let bias = (control.median() - 1.0).abs();
    let doubt = control.median_error();
    bias.is_nan() || doubt.is_nan() || bias.max(doubt) > NOISE_MAX
}

impl Row {
    /// What the rounds say of a comparison. The baseline must have been
    /// measured twice a round.
    pub(crate) fn of<C: Eq + Hash>(
        comparison: &Comparison<C>,
        rounds: &Rounds<C>,
        labels: Labels,
    ) -> Self {
        let Comparison {
            subject,
            baseline,
            figure,
            bar,
        } = comparison;
        let ratios = |time: fn(&Measurement) -> f64| {
            Ratios::of(rounds.iter().filter_map(|round| {
                let subject = round.get(subject)?.first()?;
                let baseline = round.get(baseline)?.first()?;
                Some(figure.of(time(subject), time(baseline)))
            }))
        };
        let control = Ratios::of(rounds.iter().filter_map(|round| {
            let [first, second, ..] = round.get(baseline)?.as_slice() else {
                return None;
            };
            Some(second.wall / first.wall)
        }));
        let wall = ratios(|measured| measured.wall);
        let ratio = wall.median();
        Self {
            workload: labels.workload,
            engine: labels.engine,
            subject: labels.subject,
            baseline: labels.baseline,
            ratio: rounded(ratio),
            spread: rounded(wall.spread()),
            cpu_ratio: rounded(ratios(|measured| measured.cpu).median()),
            bar: bar.map(|bar| bar.to_string()),
            holds: bar.map(|bar| bar.holds(ratio)),
            control: rounded(control.median()),
            noisy: is_noisy(&control),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workload,
            engine,
            subject,
            baseline,
            ratio,
            spread,
            cpu_ratio,
            ..
        } = self;
        write!(
            f,
            "{engine:8} {workload:34} {subject:10} / {baseline:14} {ratio:8.3} ± {spread:.3}  cpu {cpu_ratio:7.3}"
        )?;
        if let (Some(bar), Some(holds)) = (&self.bar, self.holds) {
            write!(
                f,
                "  bar {bar}: {}",
                if holds { "holds" } else { "does not hold" }
            )?;
        }
        if self.noisy {
            write!(
                f,
                "  (noisy: the baseline against itself is {:.3})",
                self.control
            )?;
        }
        Ok(())
    }
}

/// What a row calls its parts.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    pub(crate) workload: String,
    pub(crate) engine: String,
    pub(crate) subject: String,
    pub(crate) baseline: String,
}

/// To a thousandth, which is already finer than what is measured.
fn rounded(ratio: f64) -> f64 {
    (ratio * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn row(figure: Figure, bar: Bar, control: f64) -> Row {
        row_of(figure, bar, &[control; 7])
    }

    fn row_of(figure: Figure, bar: Bar, controls: &[f64]) -> Row {
        let measured = |wall: f64| Measurement {
            wall,
            cpu: wall / 2.0,
        };
        let comparison = Comparison {
            subject: "subject",
            baseline: "raw",
            figure,
            bar: Some(bar),
        };
        let round = |control: &f64| {
            HashMap::from([
                ("subject", vec![measured(3.0)]),
                ("raw", vec![measured(2.0), measured(2.0 * control)]),
            ])
        };
        let labels = Labels {
            workload: "get".into(),
            engine: "memory".into(),
            subject: "subject".into(),
            baseline: "raw".into(),
        };
        Row::of(&comparison, &controls.iter().map(round).collect(), labels)
    }

    fn is(actual: f64, expected: f64) -> bool {
        (actual - expected).abs() < 1e-9
    }

    #[test]
    fn each_figure_says_what_it_is_called() {
        let most = Bar::AtMost(1.5);
        assert!(is(row(Figure::Time, most, 1.0).ratio, 1.5));
        assert!(is(row(Figure::AddedTime, most, 1.0).ratio, 0.5));
        assert!(is(row(Figure::Throughput, most, 1.0).ratio, 0.667));
        assert!(is(row(Figure::Time, most, 1.0).cpu_ratio, 1.5));
    }

    #[test]
    fn a_bar_holds_on_its_side() {
        assert_eq!(row(Figure::Time, Bar::AtMost(1.5), 1.0).holds, Some(true));
        assert_eq!(row(Figure::Time, Bar::AtMost(1.4), 1.0).holds, Some(false));
        assert_eq!(row(Figure::Time, Bar::AtLeast(1.6), 1.0).holds, Some(false));
    }

    #[test]
    fn a_baseline_that_differs_from_itself_makes_the_row_noisy() {
        assert!(!row(Figure::Time, Bar::AtMost(1.5), 1.04).noisy);
        assert!(row(Figure::Time, Bar::AtMost(1.5), 1.06).noisy);
        assert!(row(Figure::Time, Bar::AtMost(1.5), 0.94).noisy);
    }

    #[test]
    fn a_baseline_that_varies_around_itself_makes_the_row_noisy() {
        let wild = [0.5, 2.0, 1.0, 0.6, 1.7, 1.0, 0.9];
        assert!(row_of(Figure::Time, Bar::AtMost(1.5), &wild).noisy);
        let calm = [0.97, 1.05, 1.0, 0.96, 1.04, 1.0, 0.99];
        assert!(!row_of(Figure::Time, Bar::AtMost(1.5), &calm).noisy);
    }
}
