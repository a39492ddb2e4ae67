//! The recorded exceptions to the size limits, which only ever go down.
//!
//! The file holds one exception a line: `file <lines> <path>` or `function <lines> <path> <name>`.
//! What grows over its entry fails, and so does an entry that is higher than needed: it would let
//! the code grow back.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, bail};

use super::finding::Finding;
use super::sizes::{Size, Subject};

const HEADER: &str = "\
# What is larger than the size limits allow, and by how much it was when it was recorded:
#   file <lines> <path>
#   function <lines> <path> <name>
# An entry only ever goes down. `cargo xtask tidy --bless` rewrites this file.
";

/// The allowed exceptions, in lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ratchet {
    allowed: BTreeMap<Subject, usize>,
}

impl Ratchet {
    /// Allows exactly what there is.
    pub(super) fn new(oversized: BTreeMap<Subject, Size>) -> Self {
        Self {
            allowed: oversized
                .into_iter()
                .map(|(subject, size)| (subject, size.lines))
                .collect(),
        }
    }

    /// Reads the text that `Display` writes.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let entries = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let allowed = entries.map(parse_entry).collect::<Result<_>>()?;
        Ok(Self { allowed })
    }

    /// Compares the exceptions with what there is.
    pub(super) fn check(&self, oversized: &BTreeMap<Subject, Size>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (subject, Size { lines, limit }) in oversized {
            let complaint = match self.allowed.get(subject) {
                None => format!("has {lines} lines, the limit is {limit}: split it"),
                Some(allowed) if lines > allowed => {
                    format!("grew to {lines} lines, its exception allows {allowed}: split it")
                }
                Some(allowed) if lines < allowed => {
                    format!("shrank to {lines} lines: lower the ratchet from {allowed}")
                }
                Some(_) => continue,
            };
            findings.push(Finding::in_file(
                subject.path(),
                format!("{subject} {complaint}"),
            ));
        }
        let unneeded = self
            .allowed
            .keys()
            .filter(|subject| !oversized.contains_key(subject));
        findings.extend(unneeded.map(|subject| {
            let message =
                format!("{subject} is within its limit or gone: remove it from the ratchet");
            Finding::in_file(subject.path(), message)
        }));
        findings
    }
}

impl fmt::Display for Ratchet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HEADER)?;
        for (subject, lines) in &self.allowed {
            let path = subject.path();
            match subject {
                Subject::File { .. } => writeln!(formatter, "file {lines} {path}"),
                Subject::Function { name, .. } => {
                    writeln!(formatter, "function {lines} {path} {name}")
                }
            }?;
        }
        Ok(())
    }
}

fn parse_entry(line: &str) -> Result<(Subject, usize)> {
    // The name comes last because it may hold spaces: `<Type as Trait>::name`.
    let parts: Vec<_> = line.splitn(4, ' ').collect();
    let (subject, lines) = match parts.as_slice() {
        ["file", lines, path] => (
            Subject::File {
                path: (*path).to_owned(),
            },
            lines,
        ),
        ["function", lines, path, name] => (
            Subject::Function {
                path: (*path).to_owned(),
                name: (*name).to_owned(),
            },
            lines,
        ),
        _ => bail!("not an entry: `{line}`"),
    };
    Ok((
        subject,
        lines
            .parse()
            .with_context(|| format!("not a number of lines: `{line}`"))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::printed;

    fn sizes(lines: usize) -> BTreeMap<Subject, Size> {
        let name = "<B as Store>::commit".to_owned();
        BTreeMap::from([
            (
                Subject::File {
                    path: "a.rs".to_owned(),
                },
                Size {
                    lines: 500,
                    limit: 400,
                },
            ),
            (
                Subject::Function {
                    path: "a.rs".to_owned(),
                    name,
                },
                Size { lines, limit: 70 },
            ),
        ])
    }

    fn found(recorded: usize, measured: usize) -> Vec<String> {
        printed(&Ratchet::new(sizes(recorded)).check(&sizes(measured)))
    }

    #[test]
    fn a_recorded_exception_is_read_back_as_it_was_written() {
        let ratchet = Ratchet::new(sizes(90));

        assert_eq!(Ratchet::parse(&ratchet.to_string()).unwrap(), ratchet);
        assert!(ratchet.check(&sizes(90)).is_empty());
    }

    #[test]
    fn what_is_not_recorded_is_reported_with_its_limit() {
        let nothing = Ratchet::parse("").unwrap();

        assert_eq!(
            printed(&nothing.check(&sizes(90))),
            [
                "a.rs: the file has 500 lines, the limit is 400: split it",
                "a.rs: the function `<B as Store>::commit` has 90 lines, the limit is 70: split it",
            ]
        );
    }

    #[test]
    fn what_grew_over_its_entry_is_reported() {
        assert_eq!(
            found(90, 91),
            [
                "a.rs: the function `<B as Store>::commit` grew to 91 lines, its exception allows 90: split it"
            ]
        );
    }

    #[test]
    fn what_shrank_below_its_entry_is_reported() {
        assert_eq!(
            found(90, 89),
            [
                "a.rs: the function `<B as Store>::commit` shrank to 89 lines: lower the ratchet from 90"
            ]
        );
    }

    #[test]
    fn an_entry_that_is_no_longer_needed_is_reported() {
        let findings = Ratchet::new(sizes(90)).check(&BTreeMap::new());

        assert_eq!(findings.len(), 2);
        assert!(
            findings
                .iter()
                .all(|finding| finding.to_string().ends_with("remove it from the ratchet"))
        );
    }

    #[test]
    fn a_line_that_is_no_entry_is_an_error() {
        assert!(Ratchet::parse("file a.rs\n").is_err());
        assert!(Ratchet::parse("file many a.rs\n").is_err());
    }
}
