//! A progress bar on standard error, where that is a terminal.

use std::io::{self, IsTerminal};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use storage::Count;

/// How many entries pass before their number is shown anew.
const ENTRIES_SHOWN: u64 = 64;

/// How far a long command is. Shows nothing where no person looks.
#[derive(Debug)]
pub(crate) struct Progress {
    task: &'static str,
    bar: ProgressBar,
}

impl Progress {
    /// Work of a known number of bytes: bar, rate and time left.
    pub(crate) fn of_bytes(task: &'static str, total: u64) -> Self {
        Self::new(
            task,
            Some(total),
            "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left",
        )
    }

    /// Work of a known number of entries.
    pub(crate) fn of_entries(task: &'static str, total: u64) -> Self {
        Self::new(
            task,
            Some(total),
            "{msg} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left",
        )
    }

    /// Work whose size nobody knows: bytes so far and rate.
    pub(crate) fn of_unknown(task: &'static str) -> Self {
        Self::new(
            task,
            None,
            "{msg} {spinner} {decimal_bytes}  {decimal_bytes_per_sec}",
        )
    }

    fn new(task: &'static str, total: Option<u64>, template: &str) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(total, target)
            .with_style(style)
            .with_message(task);
        Self { task, bar }
    }

    /// Some more is done.
    pub(crate) fn add(&self, amount: u64) {
        self.bar.inc(amount);
    }

    /// This much is done in all.
    pub(crate) fn reach(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// This much is done in all, in entries and their bytes.
    pub(crate) fn reach_entries(&self, done: Count) {
        if !self.bar.is_hidden() && done.entries.is_multiple_of(ENTRIES_SHOWN) {
            let entries = HumanCount(done.entries);
            self.bar
                .set_message(format!("{}, {entries} entries", self.task));
            self.reach(done.bytes);
        }
    }

    /// Says something above the bar.
    pub(crate) fn note(&self, note: &str) {
        use std::io::Write;
        self.bar.suspend(|| {
            // A note that cannot be written changes nothing.
            let _ = writeln!(io::stderr().lock(), "note: {note}");
        });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
