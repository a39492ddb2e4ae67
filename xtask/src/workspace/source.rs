//! One Rust source file: its text, its syntax, and which of its lines are test code.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn, ItemImpl, ItemMod, Meta, Token, punctuated::Punctuated};

/// A source file, parsed.
pub(crate) struct Source {
    path: String,
    text: String,
    syntax: syn::Result<syn::File>,
}

impl Source {
    /// Takes the text of the file at a path below the root of the workspace.
    pub(crate) fn parse(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            path: path.into(),
            syntax: syn::parse_file(&text),
            text,
        }
    }

    /// Where the file is, below the root of the workspace, separated by `/`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The syntax tree, or why there is none.
    pub(crate) fn syntax(&self) -> Result<&syn::File, &syn::Error> {
        self.syntax.as_ref()
    }

    /// Whether the whole file is tests: it is below a folder `tests`, or named `tests.rs`.
    pub(crate) fn is_tests(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }

    /// The numbers of the lines that exist only under `#[cfg(test)]`, counted from one.
    pub(crate) fn test_lines(&self) -> BTreeSet<usize> {
        let mut found = TestLines::default();
        if let Ok(file) = &self.syntax {
            found.visit_file(file);
        }
        found.lines
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Source")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The numbers of the lines that a piece of syntax covers, its attributes included.
pub(crate) fn lines_of(syntax: &impl Spanned) -> RangeInclusive<usize> {
    let span = syntax.span();
    span.start().line..=span.end().line
}

#[derive(Default)]
struct TestLines {
    lines: BTreeSet<usize>,
}

impl<'ast> Visit<'ast> for TestLines {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if is_test_only(&item.attrs) {
            self.lines.extend(lines_of(item));
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if is_test_only(&item.attrs) {
            self.lines.extend(lines_of(item));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if is_test_only(&item.attrs) {
            self.lines.extend(lines_of(item));
        }
    }
}

fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .any(|attribute| {
            attribute
                .parse_args()
                .is_ok_and(|condition| implies_test(&condition))
        })
}

/// Whether a condition can hold only in a test build: `test`, or an `all` with such a part.
fn implies_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.iter().any(implies_test)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_lines(text: &str) -> Vec<usize> {
        Source::parse("crates/a/src/lib.rs", text)
            .test_lines()
            .into_iter()
            .collect()
    }

    #[test]
    fn an_inline_test_module_is_test_code_from_its_attribute_to_its_brace() {
        assert_eq!(
            test_lines("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n"),
            [3, 4, 5, 6]
        );
    }

    #[test]
    fn code_that_is_also_built_outside_of_tests_is_not_test_code() {
        assert_eq!(test_lines("#[cfg(not(test))]\nmod a {}\n"), [0; 0]);
        assert_eq!(
            test_lines("#[cfg(any(test, feature = \"x\"))]\nmod a {}\n"),
            [0; 0]
        );
        assert_eq!(test_lines("#[cfg(all(unix, test))]\nmod a {}\n"), [1, 2]);
    }

    #[test]
    fn files_of_tests_are_known_by_their_place_or_name() {
        let is_tests = |path: &str| Source::parse(path, "").is_tests();

        assert!(is_tests("crates/a/tests/conformance.rs"));
        assert!(is_tests("crates/a/src/page/tests.rs"));
        assert!(!is_tests("crates/a/src/test.rs"));
    }
}
