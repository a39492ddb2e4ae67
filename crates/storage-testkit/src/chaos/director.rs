//! Plays faults, one after the other.

use std::{thread, time::Duration};

use anyhow::{Context, Result, bail};

use super::{
    history::Span,
    site::{Fault, Reach, Site},
    task::Wire,
};
use crate::dice::Dice;

/// A store that has not acknowledged anything by then is not coming back.
const RECOVERY_MAX: Duration = Duration::from_mins(1);

/// How often to look for an acknowledgement.
const POLL: Duration = Duration::from_micros(500);

/// Faults last up to one of so many hundredths of the store's time limit: some
/// are over before anybody is told, and some outlast every call.
const HOLDS: [u32; 4] = [5, 20, 70, 170];

/// So many hundredths lie between faults.
const REST_MIN: u32 = 3;
const REST_MAX: u32 = 33;

/// What was played.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) faults: u64,
    /// When nothing could be sent.
    pub(super) cut_off: Vec<Span>,
    /// The longest time from the end of a fault to an acknowledgement.
    pub(super) recovery: Duration,
}

/// Plays faults on a site by chance, until the time is over.
#[derive(Debug)]
pub(super) struct Director<'a, S> {
    site: &'a mut S,
    wire: &'a Wire,
    dice: Dice,
    played: Played,
}

impl<'a, S: Site> Director<'a, S> {
    pub(super) fn new(site: &'a mut S, wire: &'a Wire, dice: Dice) -> Self {
        Self {
            site,
            wire,
            dice,
            played: Played::default(),
        }
    }

    /// Plays for `duration`, and tells of each fault.
    ///
    /// # Errors
    /// If a server does not do as it is told, or the store does not come back.
    pub(super) fn play(mut self, duration: Duration, tell: &dyn Fn(&str)) -> Result<Played> {
        let end = self.wire.clock.now() + duration;
        self.wait_for_acknowledgement("the beginning")?;
        loop {
            for fault in self.shuffled() {
                if self.wire.clock.now() >= end {
                    return Ok(self.played);
                }
                let shortest = S::TIME_LIMIT * REST_MIN / 100;
                thread::sleep(shortest + self.up_to(REST_MAX - REST_MIN));
                self.fault(fault, tell)
                    .with_context(|| format!("while {}", fault.name))?;
            }
        }
    }

    fn shuffled(&self) -> Vec<&'static Fault<S>> {
        let mut ranked: Vec<_> = S::FAULTS
            .iter()
            .map(|fault| (self.dice.below(u64::MAX), fault))
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, fault)| fault).collect()
    }

    fn fault(&mut self, fault: &Fault<S>, tell: &dyn Fn(&str)) -> Result<()> {
        let clock = self.wire.clock;
        let before = self.wire.acknowledged();
        let [shortest, others @ ..] = HOLDS;
        let hold = self.up_to(self.dice.pick(shortest, &others));
        let struck = clock.now();
        (fault.strike)(self.site).context("it begins")?;
        let began = clock.now();
        thread::sleep(hold);
        let ended = clock.now();
        if fault.reach == Reach::Nothing {
            self.played.cut_off.push(Span {
                began: began + S::NOTICED_WITHIN,
                ended,
            });
        }
        (fault.heal)(self.site).context("it ends")?;
        let recovery = self.wait_for_acknowledgement(fault.name)?;
        self.played.recovery = self.played.recovery.max(recovery);
        self.played.faults += 1;
        if let Some(repair) = fault.repair {
            repair(self.site).context("what it used up is made anew")?;
        }
        let acknowledged = self.wire.acknowledged() - before;
        tell(&format!(
            "{:6.1} s: {}, for {} ms; acknowledged again after {} ms, {acknowledged} meanwhile",
            struck.as_secs_f64(),
            fault.name,
            hold.as_millis(),
            recovery.as_millis(),
        ));
        Ok(())
    }

    /// A time up to so many hundredths of the time limit.
    fn up_to(&self, hundredths: u32) -> Duration {
        let most = S::TIME_LIMIT * hundredths / 100;
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.dice.below(most))
    }

    /// Waits for an acknowledgement that comes from now on.
    fn wait_for_acknowledgement(&self, after: &str) -> Result<Duration> {
        let from = self.wire.clock.now();
        loop {
            let last = self.wire.last_acknowledged();
            if last > from {
                return Ok(last.saturating_sub(from));
            }
            if self.wire.clock.now() > from + RECOVERY_MAX {
                bail!("nothing was acknowledged within {RECOVERY_MAX:?} after {after}");
            }
            thread::sleep(POLL);
        }
    }
}
