//! Small habits that keep the tree uniform: file names, manifests, nothing left for later, tests
//! that are claims.

use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn};

use super::finding::Finding;
use crate::workspace::{Crate, Source, Workspace};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "helpers", "common"];

/// What must not be in a source file, and why. The words are put together so that this file does
/// not hold them.
const LEFTOVERS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "finish it or drop it"),
    (concat!("FIX", "ME"), "finish it or drop it"),
    (concat!("todo", "!"), "finish it or drop it"),
    (concat!("unimplemented", "!"), "finish it or drop it"),
    (
        concat!("#[", "ignore"),
        "a test that does not run proves nothing",
    ),
];

/// Finds what breaks a habit.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &workspace.crates {
        findings.extend(check_manifest(member));
        findings.extend(
            member
                .sources
                .iter()
                .flat_map(|source| check_source(member, source)),
        );
    }
    findings
}

fn check_manifest(member: &Crate) -> Vec<Finding> {
    let mut complaints = Vec::new();
    if member.description.trim().is_empty() {
        complaints.push("the description is empty");
    }
    if !inherits_lints(&member.manifest) {
        complaints.push("`[lints] workspace = true` is missing");
    }
    if member.folder != "xtask" && !member.files.iter().any(|file| file == "README.md") {
        complaints.push("the crate has no README.md");
    }
    complaints
        .into_iter()
        .map(|complaint| Finding::in_file(member.manifest_path(), complaint))
        .collect()
}

fn inherits_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(str::trim);
    lines
        .skip_while(|line| *line != "[lints]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .any(|line| line.replace(' ', "") == "workspace=true")
}

fn check_source(member: &Crate, source: &Source) -> Vec<Finding> {
    let mut findings = check_name(member, source);
    findings.extend(leftovers(source));
    findings.extend(check_tests(source));
    findings
}

fn check_name(member: &Crate, source: &Source) -> Vec<Finding> {
    let path = source.path();
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let mut complaints = Vec::new();
    if let Some(part) = stem.split('/').find(|part| EMPTY_NAMES.contains(part)) {
        complaints.push(format!("`{part}` says nothing: name the concept"));
    }
    let folder = format!("{stem}/");
    let mut others = member.sources.iter().map(Source::path);
    if others.any(|other| other.starts_with(&folder)) {
        complaints.push(format!("a module with children lives in `{folder}mod.rs`"));
    }
    complaints
        .into_iter()
        .map(|complaint| Finding::in_file(path, complaint))
        .collect()
}

fn leftovers(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(source.text().lines()) {
        for (word, why) in LEFTOVERS.iter().filter(|(word, _)| holds_word(line, word)) {
            let message = format!("`{word}` is left here: {why}");
            findings.push(Finding::at_line(source.path(), number, message));
        }
    }
    findings
}

fn check_tests(source: &Source) -> Vec<Finding> {
    let path = source.path();
    match source.syntax() {
        Ok(file) => {
            let findings = Vec::new();
            let mut tests = PrefixedTests { path, findings };
            tests.visit_file(file);
            tests.findings
        }
        Err(error) => {
            let line = error.span().start().line;
            let message = format!("cannot be parsed: {error}");
            vec![Finding::at_line(path, line, message)]
        }
    }
}

/// Whether a line holds a word that is not part of a longer one.
fn holds_word(line: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line
            .get(..start)
            .and_then(|before| before.chars().next_back());
        let after = line
            .get(start + word.len()..)
            .and_then(|after| after.chars().next());
        let ends_in_punctuation = word.ends_with(|last| !is_part(last));
        !before.is_some_and(is_part) && (ends_in_punctuation || !after.is_some_and(is_part))
    })
}

/// Collects the tests whose names begin with `test_`.
struct PrefixedTests<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for PrefixedTests<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let name = &item.sig.ident;
        if item.attrs.iter().any(is_test) && name.to_string().starts_with("test_") {
            let message =
                format!("`{name}`: a test is named after what it claims, without `test_`");
            self.findings.push(Finding::at_line(
                self.path,
                name.span().start().line,
                message,
            ));
        }
        visit::visit_item_fn(self, item);
    }
}

/// `#[test]`, `#[tokio::test]` and their like.
fn is_test(attribute: &Attribute) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|last| last.ident == "test")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{printed, tidy_crate, workspace};

    fn found(member: Crate) -> Vec<String> {
        printed(&check(&workspace([member])))
    }

    fn found_in(path: &str, text: &str) -> Vec<String> {
        found(tidy_crate("crates/a", path, text))
    }

    #[test]
    fn a_crate_that_keeps_the_habits_is_not_reported() {
        assert_eq!(
            found_in("src/lib.rs", "//! A story.\n#[test]\nfn a_claim() {}\n"),
            [""; 0]
        );
    }

    #[test]
    fn an_empty_description_is_reported() {
        let member = Crate {
            description: String::new(),
            ..tidy_crate("crates/a", "src/lib.rs", "")
        };

        assert_eq!(
            found(member),
            ["crates/a/Cargo.toml: the description is empty"]
        );
    }

    #[test]
    fn a_manifest_without_the_lints_of_the_workspace_is_reported() {
        for manifest in [
            "",
            "[lints]\n\n[package]\nworkspace = true\n",
            "[lints.rust]\nworkspace = true\n",
        ] {
            let member = Crate {
                manifest: manifest.to_owned(),
                ..tidy_crate("crates/a", "src/lib.rs", "")
            };

            assert_eq!(
                found(member),
                ["crates/a/Cargo.toml: `[lints] workspace = true` is missing"]
            );
        }
    }

    #[test]
    fn a_crate_without_a_readme_is_reported() {
        let member = Crate {
            files: vec![],
            ..tidy_crate("crates/a", "src/lib.rs", "")
        };
        let xtask = Crate {
            files: vec![],
            ..tidy_crate("xtask", "src/main.rs", "")
        };

        assert_eq!(
            found(member),
            ["crates/a/Cargo.toml: the crate has no README.md"]
        );
        assert_eq!(found(xtask), [""; 0]);
    }

    #[test]
    fn a_name_that_says_nothing_is_reported() {
        for path in ["src/utils.rs", "src/helpers.rs", "tests/common/mod.rs"] {
            assert_eq!(found_in(path, "").len(), 1, "{path}");
        }
        assert_eq!(found_in("src/common_prefix.rs", ""), [""; 0]);
    }

    #[test]
    fn a_module_file_beside_the_folder_of_its_children_is_reported() {
        let mut member = tidy_crate("crates/a", "src/journal.rs", "");
        member
            .sources
            .push(Source::parse("crates/a/src/journal/reader.rs", ""));

        assert_eq!(
            found(member),
            [
                "crates/a/src/journal.rs: a module with children lives in `crates/a/src/journal/mod.rs`"
            ]
        );
    }

    #[test]
    fn every_leftover_is_reported_with_its_line() {
        for (word, _) in LEFTOVERS {
            let findings = found_in("src/lib.rs", &format!("//! A story.\n// {word}\n"));

            assert_eq!(findings.len(), 1, "{word}");
            assert!(
                findings[0].starts_with("crates/a/src/lib.rs:2: "),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn a_leftover_within_a_longer_word_is_not_reported() {
        assert_eq!(
            found_in("src/lib.rs", concat!("// MASTO", "DON and auto", "do_it\n")),
            [""; 0]
        );
    }

    #[test]
    fn a_test_with_a_prefix_is_reported() {
        let text = "mod tests {\n    #[tokio::test]\n    async fn test_get() {}\n    fn test_server() {}\n}\n";

        assert_eq!(
            found_in("src/lib.rs", text),
            [
                "crates/a/src/lib.rs:3: `test_get`: a test is named after what it claims, without `test_`"
            ]
        );
    }

    #[test]
    fn a_file_that_cannot_be_parsed_is_reported() {
        assert_eq!(found_in("src/lib.rs", "fn a() {}\nfn (\n").len(), 1);
    }
}
