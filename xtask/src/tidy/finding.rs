//! What a rule found, and where.

use std::fmt;

/// A violation of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: Option<usize>,
    message: String,
}

impl Finding {
    /// A violation by a file as a whole.
    pub(crate) fn in_file(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line: None,
            message: message.into(),
        }
    }

    /// A violation at a line, counted from one.
    pub(crate) fn at_line(
        path: impl Into<String>,
        line: usize,
        message: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            line: Some(line),
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            message,
        } = self;
        match line {
            Some(line) => write!(formatter, "{path}:{line}: {message}"),
            None => write!(formatter, "{path}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_sort_by_path_then_line() {
        let mut findings = [
            Finding::at_line("b.rs", 1, "x"),
            Finding::at_line("a.rs", 10, "x"),
            Finding::at_line("a.rs", 9, "y"),
            Finding::in_file("a.rs", "z"),
        ];
        findings.sort();

        assert_eq!(
            findings.map(|finding| finding.to_string()),
            ["a.rs: z", "a.rs:9: y", "a.rs:10: x", "b.rs:1: x"]
        );
    }
}
