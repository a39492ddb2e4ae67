//! Which times are compared with which, and the bars.

use super::cell::{Cell, Reads, Subject};
use crate::{
    measure::{Bar, Comparison, Figure, Labels},
    overhead::name,
};

/// Every row of times, in the order in which they are printed.
pub(crate) fn all() -> Vec<Comparison<Cell>> {
    let row = |reads, subject, baseline, bar: Option<f64>| Comparison {
        subject: Cell { subject, reads },
        baseline: Cell {
            subject: baseline,
            reads,
        },
        figure: Figure::Time,
        bar: bar.map(Bar::AtMost),
    };
    vec![
        row(Reads::Hits, Subject::Cache, Subject::QuickCache, Some(1.5)),
        row(Reads::Hits, Subject::Cache, Subject::Moka, Some(0.5)),
        row(Reads::Hits, Subject::CacheShared, Subject::QuickCache, None),
        row(Reads::Hits, Subject::CacheLru, Subject::QuickCache, None),
        row(Reads::Misses, Subject::Cache, Subject::Fjall, Some(1.15)),
        row(Reads::Misses, Subject::CacheShared, Subject::Fjall, None),
        row(Reads::Misses, Subject::CacheLru, Subject::Fjall, None),
    ]
}

/// What the row of a comparison is called.
pub(crate) fn labels(comparison: &Comparison<Cell>) -> Labels {
    let (subject, baseline) = (comparison.subject, comparison.baseline);
    Labels {
        workload: format!("{}, 1 task, time", name(&subject.reads)),
        engine: match subject.reads {
            Reads::Hits => "memory".into(),
            Reads::Misses => "fjall".into(),
        },
        subject: name(&subject.subject),
        baseline: name(&baseline.subject),
    }
}
