//! Counts tests from what `cargo test` prints.

use std::fmt;

/// How many tests passed, failed and were skipped, over every `test result:` line so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    /// The beginning of a line whose end was not fed yet.
    partial: Vec<u8>,
}

impl Tally {
    /// Takes the next piece of output; pieces need not end where lines end.
    pub(crate) fn feed(&mut self, mut output: &[u8]) {
        while let Some(end) = output.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = output.split_at(end);
            self.partial.extend_from_slice(line);
            let line = std::mem::take(&mut self.partial);
            self.count(&String::from_utf8_lossy(&line));
            output = rest.get(1..).unwrap_or_default();
        }
        self.partial.extend_from_slice(output);
    }

    /// Whether the output so far ends within a line.
    pub(crate) fn is_mid_line(&self) -> bool {
        !self.partial.is_empty()
    }

    /// How many tests failed.
    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// How many tests came to a result.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }

    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished
    /// in 0.01s`.
    fn count(&mut self, line: &str) {
        let Some((_verdict, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|result| result.split_once(". "))
        else {
            return;
        };
        for (number, word) in counts.split("; ").filter_map(|count| count.split_once(' ')) {
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
            ..
        } = self;
        write!(
            formatter,
            "{passed} passed, {failed} failed, {skipped} skipped"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\n\
        running 4 tests\n\
        test a ... ok\n\
        test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s\n\
        \n\
        test result: FAILED. 10 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n";

    #[test]
    fn results_are_summed_and_filtered_tests_are_not_counted() {
        let mut tally = Tally::default();
        tally.feed(OUTPUT.as_bytes());

        assert_eq!(tally.to_string(), "13 passed, 4 failed, 1 skipped");
    }

    #[test]
    fn lines_cut_anywhere_are_counted_once() {
        let mut tally = Tally::default();
        for byte in OUTPUT.as_bytes() {
            tally.feed(&[*byte]);
        }

        assert_eq!(tally.to_string(), "13 passed, 4 failed, 1 skipped");
    }

    #[test]
    fn a_coloured_verdict_is_counted() {
        let mut tally = Tally::default();
        tally.feed(
            b"test result: \x1b[32mok\x1b(B\x1b[m. 3 passed; 0 failed; 0 ignored; 0 measured\n",
        );

        assert_eq!(tally.ran(), 3);
    }

    #[test]
    fn skipped_tests_alone_are_not_a_run() {
        let mut tally = Tally::default();
        tally.feed(b"test result: ok. 0 passed; 0 failed; 5 ignored; 0 measured; 0 filtered out\n");

        assert_eq!(tally.ran(), 0);
    }

    #[test]
    fn output_that_was_cut_off_within_a_line_is_known_to_be() {
        let mut tally = Tally::default();
        tally.feed(b"test a ... ok\n");
        assert!(!tally.is_mid_line());

        tally.feed(b"test b ... ");
        assert!(tally.is_mid_line());
    }
}
