//! The same run of code in two crates is one thing in two places: it belongs in a crate below both.
//!
//! Lines are compared after dropping what is alike everywhere: blanks, comments, attributes,
//! imports, lone punctuation, and test code.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use syn::visit::{self, Visit};
use syn::{Attribute, ItemUse};

use super::finding::Finding;
use crate::workspace::{Source, Workspace, lines_of};

/// A run of fewer lines is taken for coincidence.
const RUN_LINES_MIN: usize = 12;

/// Finds the runs of code that two crates share, each at the place that comes first.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let files: Vec<_> = workspace
        .crates
        .iter()
        .enumerate()
        .flat_map(|(owner, member)| member.modules().map(move |source| (owner, source)))
        .filter(|(_, source)| !source.is_tests())
        .map(|(owner, source)| Code {
            owner,
            path: source.path(),
            lines: code_lines(source),
        })
        .collect();
    let mut windows: HashMap<Vec<&str>, Vec<Place<'_>>> = HashMap::new();
    for code in &files {
        for (start, window) in code.lines.windows(RUN_LINES_MIN).enumerate() {
            let texts = window.iter().map(|line| line.text.as_str()).collect();
            windows
                .entry(texts)
                .or_default()
                .push(Place { code, start });
        }
    }
    let mut findings: Vec<_> = windows
        .values()
        .flat_map(|places| runs_between(places))
        .collect();
    findings.sort();
    findings
}

/// The code of one file.
#[derive(Debug)]
struct Code<'a> {
    /// Which crate it is of.
    owner: usize,
    path: &'a str,
    lines: Vec<Line>,
}

/// A line that says something, and its number in the file.
#[derive(Debug)]
struct Line {
    number: usize,
    text: String,
}

/// A place in the code of a file, counted in lines that say something.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    code: &'a Code<'a>,
    start: usize,
}

impl Place<'_> {
    /// The line at a distance from this place.
    fn line(&self, distance: usize) -> Option<&Line> {
        self.code.lines.get(self.start.checked_add(distance)?)
    }

    fn line_before(&self) -> Option<&Line> {
        self.code.lines.get(self.start.checked_sub(1)?)
    }

    /// How many lines from here on are the same as from the other place on.
    fn same_lines(&self, other: &Self) -> usize {
        let here = self.code.lines.iter().skip(self.start);
        let there = other.code.lines.iter().skip(other.start);
        here.zip(there)
            .take_while(|(one, other)| one.text == other.text)
            .count()
    }

    /// The numbers in the file of the lines of a run from here.
    fn numbers(&self, length: usize) -> RangeInclusive<usize> {
        let number = |line: Option<&Line>| line.map_or(0, |line| line.number);
        number(self.line(0))..=number(self.line(length.saturating_sub(1)))
    }
}

fn same(one: Option<&Line>, other: Option<&Line>) -> bool {
    one.zip(other)
        .is_some_and(|(one, other)| one.text == other.text)
}

/// The runs that begin at one of these places, which begin with the same window, in two different
/// crates.
fn runs_between(places: &[Place<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, first) in places.iter().enumerate() {
        for second in places.iter().skip(index + 1) {
            let in_one_crate = first.code.owner == second.code.owner;
            // A run that began earlier is found where it began.
            if in_one_crate || same(first.line_before(), second.line_before()) {
                continue;
            }
            let length = first.same_lines(second);
            let (here, there) = (first.numbers(length), second.numbers(length));
            let message = format!(
                "the {length} lines of code up to line {} are also in {}:{}-{}; \
                 move them to a crate below both",
                here.end(),
                second.code.path,
                there.start(),
                there.end(),
            );
            findings.push(Finding::at_line(first.code.path, *here.start(), message));
        }
    }
    findings
}

/// The lines of a file that say something, with single spaces.
fn code_lines(source: &Source) -> Vec<Line> {
    let mut skipped = Skipped {
        lines: source.test_lines(),
    };
    if let Ok(file) = source.syntax() {
        skipped.visit_file(file);
    }
    (1..)
        .zip(source.text().lines())
        .filter(|(number, _)| !skipped.lines.contains(number))
        .map(|(number, line)| Line {
            number,
            text: line.split_whitespace().collect::<Vec<_>>().join(" "),
        })
        .filter(|line| !line.text.starts_with("//") && line.text.contains(char::is_alphanumeric))
        .collect()
}

/// The lines of test code, attributes (documentation is one) and imports.
struct Skipped {
    lines: BTreeSet<usize>,
}

impl<'ast> Visit<'ast> for Skipped {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.lines.extend(lines_of(attribute));
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.lines.extend(lines_of(item));
        visit::visit_item_use(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{printed, tidy_crate, workspace};

    fn statements(count: usize) -> String {
        let lines: Vec<_> = (0..count)
            .map(|number| format!("    let a{number} = {number};\n"))
            .collect();
        lines.concat()
    }

    fn found(one: &str, other: &str) -> Vec<String> {
        printed(&check(&workspace([
            tidy_crate("crates/a", "src/lib.rs", one),
            tidy_crate("crates/b", "src/lib.rs", other),
        ])))
    }

    #[test]
    fn a_run_that_two_crates_share_is_reported_once_with_both_places() {
        let shared = statements(20);

        assert_eq!(
            found(
                &format!("fn a() {{\n{shared}}}\n"),
                &format!("fn b() {{\n    other();\n{shared}}}\n")
            ),
            [
                "crates/a/src/lib.rs:2: the 20 lines of code up to line 21 are also in crates/b/src/lib.rs:3-22; \
              move them to a crate below both"
            ]
        );
    }

    #[test]
    fn comments_attributes_blanks_and_indentation_do_not_hide_a_run() {
        let plain = format!("fn f() {{\n{}}}\n", statements(12));
        let dressed = format!(
            "//! A story.\nfn f() {{\n\n    // Why.\n    #[expect(\n        dead_code\n    )]\n{}}}\n",
            statements(12).replace("    let", "\n        let")
        );

        assert_eq!(found(&plain, &dressed).len(), 1);
    }

    #[test]
    fn a_shorter_run_is_coincidence() {
        let shared = statements(11);

        assert_eq!(
            found(
                &format!("fn a() {{\n{shared}}}\n"),
                &format!("fn b() {{\n{shared}}}\n")
            ),
            [""; 0]
        );
    }

    #[test]
    fn imports_and_test_code_are_not_twins() {
        let imports = "use std::{\n".to_owned() + &"    a,\n    b,\n".repeat(10) + "};\n";
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n    fn f() {{\n{}}}\n}}\n",
            statements(20)
        );
        let text = imports + &tests;

        assert_eq!(found(&text, &text), [""; 0]);
    }

    #[test]
    fn a_run_within_one_crate_is_not_reported() {
        let text = format!(
            "fn a() {{\n{}}}\nfn b() {{\n{}}}\n",
            statements(12),
            statements(12)
        );

        assert_eq!(found(&text, ""), [""; 0]);
    }
}
