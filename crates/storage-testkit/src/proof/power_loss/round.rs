//! One round: a child works and is recorded, and others judge what losses of
//! power leave of it.

use std::{env, ffi::OsString, fs, io, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result};

use super::{
    describe::Describer,
    image::Image,
    origin::Origin,
    record::{RecordError, Recording, record},
    site::Site,
};
use crate::{
    child::Child,
    dice::Dice,
    proof::{
        FindingKind, Verdict,
        inspect::{Inspection, Left},
        seed::Part,
    },
};

/// A child that takes longer to work or to judge hangs.
const TIME_MAX: Duration = Duration::from_mins(1);

/// How many losses of power a recording suffers before its end.
const IMAGES: usize = 8;

/// Files of these names may be mapped for writing: `SQLite` rebuilds its index
/// of the write-ahead log when the store is opened.
const MAPPED: [&str; 1] = ["-shm"];

/// A round that is over.
#[derive(Debug)]
pub(in crate::proof) struct Round {
    pub(in crate::proof) verdict: Verdict,
    lines: Vec<String>,
    /// Where the image is that something was found in.
    kept: Option<PathBuf>,
}

impl Round {
    const fn over(verdict: Verdict, lines: Vec<String>, kept: Option<PathBuf>) -> Self {
        Self {
            verdict,
            lines,
            kept,
        }
    }

    /// What was found and where to look at it; nothing if nothing was.
    pub(in crate::proof) fn lines(&self) -> Vec<String> {
        self.lines.clone()
    }

    /// Removes what was kept.
    pub(in crate::proof) fn discard(&self) -> io::Result<()> {
        match &self.kept {
            Some(kept) => fs::remove_dir_all(kept),
            None => Ok(()),
        }
    }
}

/// Plays a round, and says what the next may begin with.
pub(super) fn play(
    store: &'static str,
    number: u32,
    seed: u64,
    origin: Origin,
) -> Result<(Round, Origin)> {
    let play = Play {
        site: Site::new(store)?,
        number,
        seed,
        dice: Dice::new(Part::Ending.seed(seed)),
        origin,
    };
    play.run()
}

struct Play {
    site: Site,
    number: u32,
    seed: u64,
    dice: Dice,
    origin: Origin,
}

/// What judging an image came to.
struct Judged {
    verdict: Verdict,
    /// What the round left there, if that could be read.
    left: Option<Left>,
}

impl Play {
    fn run(self) -> Result<(Round, Origin)> {
        let recording = match self.record()? {
            Ok(recording) => recording,
            Err(description) => {
                let mut verdict = Verdict::default();
                verdict.report(FindingKind::Failed, description);
                let lines = self.lines("while it was recorded", &verdict, &[]);
                return Ok((Round::over(verdict, lines, None), Origin::default()));
            }
        };
        let mut next = Origin::default();
        let heir = self.dice.below(3);
        let mut cuts = Vec::new();
        for _ in 0..IMAGES {
            let image = Image::draw(&recording, &self.dice);
            let judged = self.judge(&recording, &image)?;
            if !judged.verdict.findings.is_empty() {
                return Ok((
                    self.found(&recording, &image, judged.verdict)?,
                    Origin::default(),
                ));
            }
            if heir == 0 {
                let left = judged.left.map_or(0, |left| left.last_sequence);
                let (notes, tree) = (image.notes(&recording), image.tree(&recording));
                next = self.origin.after_cut(self.number, notes, tree, left);
            }
            cuts.push(judged.verdict);
        }
        let image = Image::at_the_end(&recording, &self.dice);
        let judged = self.judge(&recording, &image)?;
        if !judged.verdict.findings.is_empty() {
            return Ok((
                self.found(&recording, &image, judged.verdict)?,
                Origin::default(),
            ));
        }
        if let Some(left) = judged.left.filter(|_| heir == 1) {
            let tree = image.tree(&recording);
            next = self.origin.after_close(self.number, tree, left);
        }
        Ok((Round::over(sum(&cuts), Vec::new(), None), next))
    }

    /// Records a child at work, or says how the store failed it.
    fn record(&self) -> Result<Result<Recording, String>> {
        let live = self.site.lay_out("live", self.origin.tree.as_ref())?;
        let close_after = self.dice.within(3..=60).to_string();
        let mut command = Command::new(env::current_exe().context("finding this program")?);
        command
            .args(self.site.arguments("work", &live, self.number))
            .args(["--recorded", "--seed", &self.seed.to_string()])
            .args(["--close-after", &close_after]);
        match record(&mut command, &live, &MAPPED, TIME_MAX) {
            Ok(recording) => Ok(Ok(recording)),
            Err(ended @ RecordError::Ended { .. }) => Ok(Err(ended.to_string())),
            Err(error) => Err(error).context("recording a child at work"),
        }
    }

    /// Has children judge what a loss of power left.
    fn judge(&self, recording: &Recording, image: &Image) -> Result<Judged> {
        let left = self.site.lay_out("image", Some(&image.tree(recording)))?;
        let notes = self.site.write("notes", &image.notes(recording))?;
        let mut arguments = self.site.arguments("inspect", &left, self.number);
        arguments.extend(["--notes".into(), notes.into()]);
        self.add_known(&mut arguments);
        for (round, digest) in &self.origin.closed {
            arguments.extend(["--earlier".into(), format!("{round}:{digest}").into()]);
        }
        let beyond = self.origin.last_sequence.to_string();
        arguments.extend(["--beyond".into(), beyond.into()]);
        let mut judged = inspect(arguments)?;
        for cut_off in &self.origin.cut_off {
            let notes = self.site.write("notes-before", &cut_off.notes)?;
            let mut arguments = self.site.arguments("inspect", &left, cut_off.round);
            self.add_known(&mut arguments);
            arguments.extend(["--notes".into(), notes.into()]);
            let again = inspect(arguments)?;
            judged.verdict.findings.extend(again.verdict.findings);
        }
        Ok(judged)
    }

    /// Names the rounds that wrote to the store.
    fn add_known(&self, arguments: &mut Vec<OsString>) {
        for round in self.origin.rounds().chain([self.number]) {
            arguments.extend(["--known".into(), round.to_string().into()]);
        }
    }

    /// Keeps an image that something was found in, and says what and where.
    fn found(self, recording: &Recording, image: &Image, verdict: Verdict) -> Result<Round> {
        self.site.lay_out("before", Some(&recording.base))?;
        // The inspection has changed the one it judged.
        self.site.lay_out("image", Some(&image.tree(recording)))?;
        let describer = Describer::of(recording);
        let text = describer.recording(recording, image);
        self.site.write("recording.txt", text.as_bytes())?;
        let when = format!(
            "when the power went after event {} of {} (strategy {:?})",
            image.point,
            recording.events.len(),
            image.strategy
        );
        let mut lines = self.lines(&when, &verdict, &describer.losses(recording, image));
        let kept = self.site.keep();
        lines.push(format!(
            "  the image, the notes and the recording are in {}",
            kept.display()
        ));
        Ok(Round::over(verdict, lines, Some(kept)))
    }

    fn lines(&self, when: &str, verdict: &Verdict, losses: &[String]) -> Vec<String> {
        const SHOWN_MAX: usize = 10;
        let Self { number, seed, .. } = self;
        let findings = &verdict.findings;
        let mut lines = vec![format!(
            "round {number} (seed {seed}) found {} faults {when}",
            findings.len()
        )];
        lines.extend(
            findings
                .iter()
                .take(SHOWN_MAX)
                .map(|finding| format!("  {finding}")),
        );
        if losses.len() > SHOWN_MAX {
            lines.push(format!(
                "  of {} operations not kept whole, the last:",
                losses.len()
            ));
        } else if !losses.is_empty() {
            lines.push("  operations not kept whole:".to_owned());
        }
        let last = losses.len().saturating_sub(SHOWN_MAX);
        lines.extend(losses.iter().skip(last).map(|loss| format!("    {loss}")));
        lines
    }
}

/// What a round without findings put to the test: the acknowledgements that
/// stood when the power went. Those before a close show nothing, for closing
/// makes durable whatever the syncs before it did not.
fn sum(cuts: &[Verdict]) -> Verdict {
    let mut sum = Verdict::default();
    for cut in cuts {
        sum.acknowledged += cut.acknowledged;
        sum.swaps.add(cut.swaps);
    }
    sum
}

/// Has a child judge an image.
fn inspect(mut arguments: Vec<OsString>) -> Result<Judged> {
    arguments.extend(["--survives".into(), "synced".into()]);
    let mut child = Child::start(arguments).context("starting to inspect")?;
    let has_ended = child.ends_within(TIME_MAX)?;
    let remains = child.kill()?;
    let failure = if !has_ended {
        format!("the store that was left could not be opened and read within {TIME_MAX:?}")
    } else if !remains.status.success() {
        format!(
            "inspecting what was left ended with {}",
            remains.last_words()
        )
    } else {
        let inspection: Inspection =
            serde_json::from_slice(&remains.stdout).context("reading what the inspection said")?;
        return Ok(Judged {
            verdict: inspection.verdict,
            left: Some(inspection.left),
        });
    };
    let mut verdict = Verdict::default();
    verdict.report(FindingKind::Failed, failure);
    Ok(Judged {
        verdict,
        left: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_counts_what_stood_acknowledged_at_each_loss_of_power() {
        let cut = |acknowledged| Verdict {
            acknowledged,
            ..Verdict::default()
        };
        assert_eq!(sum(&[cut(3), cut(0), cut(4)]).acknowledged, 7);
        assert_eq!(sum(&[cut(0), cut(0)]).acknowledged, 0);
    }
}
