//! Files and functions have a size at which they should be split.
//!
//! A file is counted without the tests inside of it; a function by the lines between its braces.

use std::collections::BTreeMap;
use std::fmt;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, ItemImpl, ItemMod, ItemTrait, TraitItemFn};

use crate::workspace::{Source, Workspace};

const FILE_LINES_MAX: usize = 400;
const TEST_FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;

/// Something that has a size.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A source file.
    File { path: String },
    /// A function, by its path within the file.
    Function { path: String, name: String },
}

impl Subject {
    /// Where it is, below the root of the workspace.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::File { path } | Self::Function { path, .. } => path,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { .. } => write!(formatter, "the file"),
            Self::Function { name, .. } => write!(formatter, "the function `{name}`"),
        }
    }
}

/// The lines of something that is larger than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) lines: usize,
    pub(super) limit: usize,
}

/// Measures everything that is larger than its limit.
pub(super) fn oversized(workspace: &Workspace) -> BTreeMap<Subject, Size> {
    let sources = workspace.crates.iter().flat_map(|member| &member.sources);
    sources
        .flat_map(measure)
        .filter(|(_, size)| size.lines > size.limit)
        .collect()
}

fn measure(source: &Source) -> BTreeMap<Subject, Size> {
    let path = source.path().to_owned();
    let file = if source.is_tests() {
        Size {
            lines: source.text().lines().count(),
            limit: TEST_FILE_LINES_MAX,
        }
    } else {
        let tests = source.test_lines().len();
        Size {
            lines: source.text().lines().count().saturating_sub(tests),
            limit: FILE_LINES_MAX,
        }
    };
    let mut sizes = BTreeMap::from([(Subject::File { path: path.clone() }, file)]);
    let mut functions = Functions::default();
    if let Ok(syntax) = source.syntax() {
        functions.visit_file(syntax);
    }
    for (name, lines) in functions.lines {
        let size = Size {
            lines,
            limit: FUNCTION_LINES_MAX,
        };
        sizes.insert(
            Subject::Function {
                path: path.clone(),
                name,
            },
            size,
        );
    }
    sizes
}

/// Measures the functions of a file while walking it.
#[derive(Default)]
struct Functions {
    /// The names of the items that the walk is inside of.
    scope: Vec<String>,
    /// The lines of each function; of namesakes, which `cfg` makes possible, the longest.
    lines: BTreeMap<String, usize>,
}

impl Functions {
    fn record(&mut self, body: &Block) {
        let (start, end) = (body.span().start().line, body.span().end().line);
        let lines = end.saturating_sub(start).saturating_sub(1);
        let longest = self.lines.entry(self.scope.join("::")).or_default();
        *longest = lines.max(*longest);
    }

    fn within(&mut self, name: String, walk: impl FnOnce(&mut Self)) {
        self.scope.push(name);
        walk(self);
        self.scope.pop();
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.within(item.ident.to_string(), |this| {
            visit::visit_item_mod(this, item);
        });
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.within(item.ident.to_string(), |this| {
            visit::visit_item_trait(this, item);
        });
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        self.within(impl_name(item), |this| {
            visit::visit_item_impl(this, item);
        });
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.within(item.sig.ident.to_string(), |this| {
            this.record(&item.block);
            visit::visit_item_fn(this, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.within(item.sig.ident.to_string(), |this| {
            this.record(&item.block);
            visit::visit_impl_item_fn(this, item);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.within(item.sig.ident.to_string(), |this| {
            if let Some(body) = &item.default {
                this.record(body);
            }
            visit::visit_trait_item_fn(this, item);
        });
    }
}

/// `Type`, or `<Type as Trait>`, each by the last part of its path.
fn impl_name(item: &ItemImpl) -> String {
    let last = |path: &syn::Path| {
        path.segments
            .last()
            .map_or_else(|| "_".to_owned(), |last| last.ident.to_string())
    };
    let target = match &*item.self_ty {
        syn::Type::Path(target) => last(&target.path),
        _ => "_".to_owned(),
    };
    match &item.trait_ {
        Some((path, _)) => format!("<{target} as {}>", last(path)),
        None => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{tidy_crate, workspace};

    fn oversized_in(path: &str, text: &str) -> Vec<(Subject, Size)> {
        oversized(&workspace([tidy_crate("crates/a", path, text)]))
            .into_iter()
            .collect()
    }

    fn names(text: &str) -> Vec<String> {
        let found = oversized_in("src/lib.rs", text);
        found
            .iter()
            .map(|(subject, _)| subject.to_string())
            .collect()
    }

    fn long_body() -> String {
        format!("{{\n{}}}\n", "    call();\n".repeat(71))
    }

    #[test]
    fn a_file_over_the_limit_is_measured() {
        assert_eq!(oversized_in("src/lib.rs", &"//\n".repeat(400)), []);
        assert_eq!(
            oversized_in("src/lib.rs", &"//\n".repeat(401)),
            [(
                Subject::File {
                    path: "crates/a/src/lib.rs".to_owned()
                },
                Size {
                    lines: 401,
                    limit: 400
                }
            )]
        );
    }

    #[test]
    fn inline_tests_do_not_count_towards_a_file() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "//\n".repeat(300));

        assert_eq!(
            oversized_in("src/lib.rs", &format!("{}{tests}", "//\n".repeat(400))),
            []
        );
        assert_eq!(
            oversized_in("src/lib.rs", &format!("{}{tests}", "//\n".repeat(401))).len(),
            1
        );
    }

    #[test]
    fn a_file_of_tests_may_be_twice_as_long() {
        for path in ["tests/conformance.rs", "src/page/tests.rs"] {
            assert_eq!(oversized_in(path, &"//\n".repeat(800)), []);
            assert_eq!(oversized_in(path, &"//\n".repeat(801)).len(), 1);
        }
    }

    #[test]
    fn a_function_is_measured_between_its_braces() {
        let exact = "    call();\n".repeat(70);

        assert_eq!(
            names(&format!("fn fits(\n    a: u8,\n) {{\n{exact}}}\n")),
            [""; 0]
        );
        assert_eq!(
            names(&format!("fn too_long() {}", long_body())),
            ["the function `too_long`"]
        );
    }

    #[test]
    fn functions_are_found_wherever_they_are() {
        let body = long_body();

        assert_eq!(
            names(&format!("impl<T> a::B<T> {{ fn c() {body} }}")),
            ["the function `B::c`"]
        );
        assert_eq!(
            names(&format!("impl x::Store for B {{ fn c() {body} }}")),
            ["the function `<B as Store>::c`"]
        );
        assert_eq!(
            names(&format!("trait Read {{ fn c() {body} }}")),
            ["the function `Read::c`"]
        );
        assert_eq!(
            names(&format!("mod m {{ fn c() {body} }}")),
            ["the function `m::c`"]
        );
    }
}
