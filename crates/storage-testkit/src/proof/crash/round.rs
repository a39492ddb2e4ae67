//! One round: a child works and dies, another judges what it left.

use std::{fs, io, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use super::{
    ending::{Ending, interruption},
    site::Site,
};
use crate::{
    child::{Child, Remains},
    dice::Dice,
    proof::{FindingKind, Verdict, inspect::Inspection, seed::Part},
};

/// A child that takes longer to open, to end or to judge hangs.
const TIME_MAX: Duration = Duration::from_mins(1);

/// A child at work that notes nothing for longer hangs.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// A round that is over.
#[derive(Debug)]
pub(in crate::proof) struct Round {
    number: u32,
    seed: u64,
    pub(in crate::proof) verdict: Verdict,
    /// Where the store is that something was found in.
    kept: Option<PathBuf>,
}

impl Round {
    /// How many findings of one round are shown.
    const SHOWN_MAX: usize = 10;

    pub(super) fn clean(number: u32, seed: u64, verdict: Verdict) -> Self {
        Self {
            number,
            seed,
            verdict,
            kept: None,
        }
    }

    pub(super) fn with_findings(number: u32, seed: u64, verdict: Verdict, kept: PathBuf) -> Self {
        Self {
            number,
            seed,
            verdict,
            kept: Some(kept),
        }
    }

    /// What was found and where to look at it; nothing if nothing was.
    pub(in crate::proof) fn lines(&self) -> Vec<String> {
        let Some(kept) = &self.kept else {
            return Vec::new();
        };
        let (number, seed) = (self.number, self.seed);
        let findings = &self.verdict.findings;
        let mut lines = vec![format!(
            "round {number} (seed {seed}) found {} faults; the store and the notes are in {}",
            findings.len(),
            kept.display()
        )];
        let shown = findings.iter().take(Self::SHOWN_MAX);
        lines.extend(shown.map(|finding| format!("  {finding}")));
        if findings.len() > Self::SHOWN_MAX {
            lines.push(format!("  and {} more", findings.len() - Self::SHOWN_MAX));
        }
        lines
    }

    /// Removes what was kept.
    pub(in crate::proof) fn discard(&self) -> io::Result<()> {
        match &self.kept {
            Some(kept) => fs::remove_dir_all(kept),
            None => Ok(()),
        }
    }
}

/// Plays a round at `site`, and says what was wrong.
pub(super) fn play(site: &mut Site, round: u32, seed: u64) -> Result<Verdict> {
    let dice = Dice::new(Part::Ending.seed(seed));
    let ending = Ending::draw(&dice);
    let mut verdict = Verdict::default();
    let worked = work(site, round, seed, ending, &mut verdict)?;
    site.write_notes(round, &worked.stdout)?;
    if let Some(after) = interruption(&dice) {
        let mut child = Child::start(site.inspect_arguments(round))?;
        child.ends_within(after)?;
        child.kill()?;
    }
    inspect(site, round, &mut verdict)?;
    Ok(verdict)
}

/// Lets a child work until it ends.
fn work(
    site: &Site,
    round: u32,
    seed: u64,
    ending: Ending,
    verdict: &mut Verdict,
) -> Result<Remains> {
    let mut arguments = site.work_arguments(round, seed);
    if let Ending::Closes(after) = ending {
        let after = after.as_millis().to_string();
        arguments.extend(["--close-after".into(), after.into()]);
    }
    let mut child = Child::start(arguments).context("starting a child to work")?;
    let mut hangs = |what: &str, after: Duration| {
        verdict.report(FindingKind::Failed, format!("{what} after {after:?}"));
    };
    let has_ended = match ending {
        Ending::KilledEarly(after) => child.ends_within(after)?,
        Ending::KilledAtWork(after) => {
            if !child.speaks_within(TIME_MAX) {
                hangs("the store was not open to write", TIME_MAX);
            }
            child.ends_within(after)?
        }
        Ending::KilledAtANote(after) => {
            if !child.speaks_within(TIME_MAX) {
                hangs("the store was not open to write", TIME_MAX);
            }
            if !child.ends_within(after)? && !child.speaks_anew_within(SILENCE_MAX) {
                hangs("no commit was begun or answered", SILENCE_MAX);
            }
            child.ends_within(Duration::ZERO)?
        }
        Ending::Closes(_) => {
            let has_ended = child.ends_within(TIME_MAX)?;
            if !has_ended {
                hangs(
                    "the commits were not all answered, or the store not closed,",
                    TIME_MAX,
                );
            }
            has_ended
        }
    };
    let remains = child.kill()?;
    if has_ended && !remains.status.success() {
        verdict.report(
            FindingKind::Failed,
            format!(
                "the working process ended by itself: {}",
                remains.last_words()
            ),
        );
    }
    Ok(remains)
}

/// Has a child judge what is left.
fn inspect(site: &mut Site, round: u32, verdict: &mut Verdict) -> Result<()> {
    let mut child = Child::start(site.inspect_arguments(round)).context("starting to inspect")?;
    let has_ended = child.ends_within(TIME_MAX)?;
    let remains = child.kill()?;
    if !has_ended {
        verdict.report(
            FindingKind::Failed,
            format!("the store that was left could not be opened and read within {TIME_MAX:?}"),
        );
        return Ok(());
    }
    if !remains.status.success() {
        verdict.report(
            FindingKind::Failed,
            format!(
                "inspecting what was left ended with {}",
                remains.last_words()
            ),
        );
        return Ok(());
    }
    let inspection: Inspection =
        serde_json::from_slice(&remains.stdout).context("reading what the inspection said")?;
    verdict.acknowledged += inspection.verdict.acknowledged;
    verdict.swaps.add(inspection.verdict.swaps);
    verdict.findings.extend(inspection.verdict.findings);
    site.add(round, inspection.left);
    Ok(())
}
