//! A campaign finds what a store does wrong, and nothing where it does all right.

mod lying;

use std::time::Duration;

use storage_core::{ErrorKind, Result, memory::MemoryConfig};

use self::lying::{Lie, LyingStore};
use super::{
    campaign::{self, Report},
    site::{Fault, Site},
};
use crate::{
    faulty::{Call, Fault as Injected, Faults, FaultyStore, Rule},
    servers::ServerResult,
};

/// A store in memory that fails as if it were across a network.
#[derive(Debug)]
struct MemorySite {
    store: LyingStore,
    faults: Faults,
    /// Faults of calls that nobody makes but when all others have ended.
    in_the_end: Vec<(Rule, Injected)>,
}

impl Site for MemorySite {
    type Store = LyingStore;

    const FAULTS: &'static [Fault<Self>] = &[
        Fault::new("commits are refused", Self::refuse, Self::heal).cutting_off(),
        Fault::new("answers are lost", Self::lose_answers, Self::heal),
    ];

    const TIME_LIMIT: Duration = Duration::from_millis(300);
    const NOTICED_WITHIN: Duration = Duration::ZERO;

    async fn open(&self) -> Result<LyingStore> {
        Ok(self.store.clone())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a site's servers could fail")]
impl MemorySite {
    fn with(lie: Option<Lie>) -> Self {
        let faults = Faults::new();
        let store = FaultyStore::new(MemoryConfig::new().open(), &faults);
        Self {
            store: LyingStore::new(store, lie),
            faults,
            in_the_end: Vec::new(),
        }
    }

    fn refuse(&mut self) -> ServerResult {
        self.inject(Injected::refuse(ErrorKind::Unavailable));
        Ok(())
    }

    fn lose_answers(&mut self) -> ServerResult {
        self.inject(Injected::lose_answer(ErrorKind::Unavailable));
        Ok(())
    }

    fn inject(&self, fault: Injected) {
        self.faults.inject(Rule::on(Call::Commit), fault).unwrap();
    }

    fn heal(&mut self) -> ServerResult {
        self.faults.withdraw_all();
        for (rule, fault) in &self.in_the_end {
            self.faults.inject(rule.clone(), fault.clone()).unwrap();
        }
        Ok(())
    }
}

const LATE: Injected = Injected::refuse(ErrorKind::TimedOut).retry_after(Duration::from_millis(1));

const LONG_ENOUGH: Duration = Duration::from_secs(2);

fn campaign(lie: Option<Lie>) -> Report {
    campaign::run("memory", MemorySite::with(lie), 1, LONG_ENOUGH, &|_| {}).unwrap()
}

/// A campaign over a store whose scans, which are all of the last look, fail in one
/// way: the first two of them, or all.
fn campaign_with_scans(failing: &Injected, scans: &[Rule]) -> anyhow::Result<Report> {
    let mut site = MemorySite::with(None);
    let rules = scans.iter().cloned();
    site.in_the_end = rules.map(|rule| (rule, failing.clone())).collect();
    campaign::run("memory", site, 1, LONG_ENOUGH, &|_| {})
}

#[test]
fn a_sound_store_comes_through_clean() {
    let report = campaign(None);
    assert!(report.summary.is_clean(), "{report:#?}");
}

#[test]
fn an_acknowledged_write_that_was_dropped_is_lost() {
    let report = campaign(Some(Lie::DropsWrites));
    assert!(report.summary.lost() > 0, "{report:#?}");
    assert!(!report.summary.is_clean());
}

#[test]
fn a_swap_that_ignores_its_guard_loses_another() {
    let report = campaign(Some(Lie::IgnoresGuards));
    assert!(report.summary.lost() > 0, "{report:#?}");
}

#[test]
fn a_stale_read_is_found() {
    let report = campaign(Some(Lie::ReadsOldValues));
    assert!(report.summary.lost() > 0, "{report:#?}");
}

#[test]
fn an_applied_write_that_is_called_not_applied_is_misreported() {
    let report = campaign(Some(Lie::DeniesWrites));
    assert!(report.summary.misreported() > 0, "{report:#?}");
    assert_eq!(report.summary.lost(), 0, "{report:#?}");
    assert!(!report.summary.is_clean());
}

#[test]
fn a_refused_connection_that_is_called_unknown_is_misreported() {
    let report = campaign(Some(Lie::DoubtsRefusals));
    assert!(report.summary.misreported() > 0, "{report:#?}");
    assert_eq!(report.summary.lost(), 0, "{report:#?}");
}

#[test]
fn a_call_that_outlasts_its_time_limit_is_found() {
    let report = campaign(Some(Lie::AnswersLate));
    assert!(report.summary.gap().is_some(), "{report:#?}");
    assert!(!report.summary.is_clean());
}

#[test]
fn a_last_look_that_is_not_answered_in_time_is_repeated_and_told_of() {
    let scans = [Rule::on(Call::Scan).nth(1), Rule::on(Call::Scan).nth(2)];
    let report = campaign_with_scans(&LATE, &scans).unwrap();
    assert!(report.summary.is_clean(), "{report:#?}");
    let told = |line: &String| line.contains("2 × a call of the last look");
    assert!(report.failures.iter().any(told), "{report:#?}");
}

#[test]
fn a_last_look_that_is_never_answered_judges_nothing() {
    for (failing, told) in [
        (LATE, "× a call of the last look"),
        (Injected::refuse(ErrorKind::Corrupt), "corrupt"),
    ] {
        let error = campaign_with_scans(&failing, &[Rule::on(Call::Scan)]).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("nothing is judged"), "{error}");
        assert!(error.contains(told), "{error}");
    }
}
