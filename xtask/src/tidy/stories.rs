//! Every module begins with its story: a `//!` comment of at least one full sentence.

use super::finding::Finding;
use crate::workspace::{Crate, Workspace};

/// A shorter text is a title, not a sentence.
const SENTENCE_WORDS_MIN: usize = 3;

/// Finds modules that do not say what they are.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let modules = workspace.crates.iter().flat_map(Crate::modules);
    modules
        .filter(|source| !has_sentence(&story(source.text())))
        .map(|source| {
            Finding::at_line(
                source.path(),
                1,
                "a module begins with a `//!` story of at least one full sentence",
            )
        })
        .collect()
}

/// The prose of the `//!` lines that the text begins with, one paragraph a line, without headings
/// and code.
fn story(text: &str) -> String {
    let mut prose = String::new();
    let mut in_code = false;
    for line in text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
    {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if line.is_empty() || line.starts_with('#') {
            prose.push('\n');
        } else if !in_code {
            prose.push_str(line);
            prose.push(' ');
        }
    }
    prose
}

fn has_sentence(prose: &str) -> bool {
    prose.lines().any(|paragraph| {
        let mut words = 0;
        paragraph.split_whitespace().any(|word| {
            words += 1;
            words >= SENTENCE_WORDS_MIN
                && word
                    .trim_end_matches(['`', ')', '"', '*', '_'])
                    .ends_with(['.', '!', '?'])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{printed, tidy_crate, workspace};

    fn found(text: &str) -> usize {
        check(&workspace([tidy_crate("crates/a", "src/page.rs", text)])).len()
    }

    #[test]
    fn a_module_without_a_story_is_reported() {
        let member = tidy_crate("crates/a", "src/page.rs", "fn a() {}\n");

        assert_eq!(
            printed(&check(&workspace([member]))),
            [
                "crates/a/src/page.rs:1: a module begins with a `//!` story of at least one full sentence"
            ]
        );
    }

    #[test]
    fn a_title_or_a_heading_or_code_is_not_a_story() {
        assert_eq!(found("//! Pages\n"), 1);
        assert_eq!(found("//! Placeholder.\n"), 1);
        assert_eq!(found("//! # This is a heading.\n"), 1);
        assert_eq!(found("//! ```\n//! let it = be a sentence.\n//! ```\n"), 1);
    }

    #[test]
    fn a_story_after_the_first_line_of_code_is_too_late() {
        assert_eq!(
            found("#![no_std]\n//! Pages of entries, and how to resume.\n"),
            1
        );
    }

    #[test]
    fn a_sentence_over_two_lines_is_a_story() {
        assert_eq!(
            found("//! Pages of entries,\n//! and how to `resume`.\n\nfn a() {}\n"),
            0
        );
    }

    #[test]
    fn tests_need_no_story() {
        let member = tidy_crate("crates/a", "tests/conformance.rs", "fn a() {}\n");

        assert!(check(&workspace([member])).is_empty());
    }
}
