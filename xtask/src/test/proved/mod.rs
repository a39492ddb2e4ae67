//! What the tests have proved of each engine, as a page of the documentation.
//!
//! The tests of engines append what they proved to a file, a line of JSON for each claim. A run of
//! all tests makes the page of it and compares it with the one that is committed, so the page never
//! says more than was shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde_json::Value;

use super::Engine;

/// The environment variable in which the tests read where to append.
pub(super) const RECORD_VARIABLE: &str = "STORAGE_TEST_RECORD";

/// The page, below the root of the workspace.
const PAGE: &str = "docs/engines.md";

/// What to do about a page that says something else than the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// It is an error.
    Refuse,
    /// The page is written anew.
    Write,
}

/// Compares the page with the record of a run of all tests.
///
/// # Errors
/// If some engine was not shown to keep every claim, or the page says something else.
pub(super) fn settle(root: &Path, record: &Path, difference: Difference) -> Result<()> {
    let record = fs::read_to_string(record).context("the tests have recorded nothing")?;
    let proved = Proved::parse(&record)?;
    proved.refuse_gaps()?;
    let page = proved.page();
    let path = root.join(PAGE);
    if fs::read_to_string(&path).is_ok_and(|written| written == page) {
        return Ok(());
    }
    match difference {
        Difference::Write => fs::write(&path, page).with_context(|| format!("cannot write {PAGE}")),
        Difference::Refuse => bail!(
            "{PAGE} does not say what the tests have proved; write it anew with \
             `cargo xtask test --write-engines-page`, and look at the difference"
        ),
    }
}

/// What was proved of every engine.
#[derive(Debug)]
struct Proved {
    engines: Vec<Column>,
}

/// What was proved of one engine.
#[derive(Debug)]
struct Column {
    engine: Engine,
    /// The claims that it was shown to keep.
    passed: BTreeSet<String>,
    /// By the durability asked for, the weakest that was granted.
    granted: BTreeMap<String, String>,
    /// What the store that offers most declares: views of it only take away.
    declared: BTreeMap<String, Value>,
}

impl Proved {
    fn parse(record: &str) -> Result<Self> {
        let mut engines: Vec<_> = Engine::value_variants()
            .iter()
            .copied()
            .map(Column::of)
            .collect();
        for line in record.lines() {
            let line: Value = serde_json::from_str(line)
                .with_context(|| format!("the record holds a line that is no JSON: {line}"))?;
            // Stores that only testkits have are on record too, and stacks over engines.
            if let Some(column) = engines.iter_mut().find(|column| column.is_of(&line)) {
                column.take(&line);
            }
        }
        let mut proved = Self { engines };
        proved.forget_own_claims();
        Ok(proved)
    }

    /// Refuses a record in which an engine was not shown what others were shown.
    fn refuse_gaps(&self) -> Result<()> {
        let claims: BTreeSet<_> = self
            .engines
            .iter()
            .flat_map(|column| &column.passed)
            .collect();
        for column in &self.engines {
            let name = column.engine.name();
            for claim in &claims {
                let is_shown = column.passed.contains(*claim)
                    || (is_of_files(claim) && !column.engine.keeps_files());
                ensure!(is_shown, "{name} was not shown to keep: {claim}");
            }
            ensure!(
                !column.declared.is_empty(),
                "{name} was not asked what it declares"
            );
        }
        Ok(())
    }

    /// Leaves out what only one engine was shown to keep: such claims are its own.
    fn forget_own_claims(&mut self) {
        let mut once = BTreeSet::new();
        let mut shared = BTreeSet::new();
        for claim in self.engines.iter().flat_map(|column| &column.passed) {
            if !once.insert(claim.clone()) {
                shared.insert(claim.clone());
            }
        }
        for column in &mut self.engines {
            column.passed.retain(|claim| shared.contains(claim));
        }
    }

    fn page(&self) -> String {
        let names = self
            .engines
            .iter()
            .map(|column| column.engine.name().to_owned());
        let mut page = format!("{INTRODUCTION}{}", line("", names));
        page += &line("---", self.engines.iter().map(|_| "---".to_owned()));
        for (name, cell) in ROWS {
            page += &line(name, self.engines.iter().map(cell));
        }
        page
    }
}

const INTRODUCTION: &str = "\
# Engines

What each engine offers, as one run of `cargo xtask test` has shown it: each passed every claim of the conformance suite, random
histories and concurrent ones, for what it declares, and refused what it does not declare. Those that keep files were killed at work and
had the power taken from them. `object` was run on moto with `reads=linearizable&conditions=trusted`: what it declares of another server is
less, until that is known or shown. `cargo xtask test --write-engines-page` makes this page anew.

";

/// The name of a row, and what it says of an engine.
type Row = (&'static str, fn(&Column) -> String);

const ROWS: &[Row] = &[
    ("claims of the suite", Column::claims),
    ("claims of stores on disk", Column::claims_on_disk),
    ("survives kills at work", |column| column.proof(KILLS)),
    ("survives losses of power", |column| {
        column.proof(POWER_LOSSES)
    }),
    ("`Volatile` is granted as", |column| {
        column.granted("Volatile")
    }),
    ("`Buffered` is granted as", |column| {
        column.granted("Buffered")
    }),
    ("`Synced` is granted as", |column| column.granted("Synced")),
    (
        "a crash takes, of what was not durable",
        Column::crash_order,
    ),
    ("a batch is atomic within", |column| column.word("batch")),
    ("operations in a batch, at most", |column| {
        column.count("batch_operations_max")
    }),
    ("bytes in a batch, at most", |column| {
        column.bytes("batch_bytes_max")
    }),
    ("guards", |column| column.word("guards")),
    ("range deletes", |column| column.word("range_deletes")),
    ("expiry", |column| column.word("expiry")),
    ("snapshots", |column| column.word("snapshots")),
    ("scans", |column| column.word("scan_order")),
    ("reads", |column| column.word("reads")),
    ("commit sequences grow with", |column| {
        column.word("sequence")
    }),
    ("longest key", |column| column.bytes("key_bytes_max")),
    ("longest value", |column| column.bytes("value_bytes_max")),
];

impl Column {
    fn of(engine: Engine) -> Self {
        Self {
            engine,
            passed: BTreeSet::new(),
            granted: BTreeMap::new(),
            declared: BTreeMap::new(),
        }
    }

    /// Whether a line says something of the engine: its own crate puts nothing over it but views
    /// and what only passes calls on, every other crate has layers.
    fn is_of(&self, line: &Value) -> bool {
        let text = |field| line.get(field).and_then(Value::as_str);
        text("engine") == Some(self.engine.name())
            && text("package") == Some(&self.engine.package())
    }

    fn take(&mut self, line: &Value) {
        let text = |field| line.get(field).and_then(Value::as_str).map(str::to_owned);
        self.passed.extend(text("passed"));
        if let (Some(asked), Some(granted)) = (text("asked"), text("granted")) {
            let weakest = self.granted.entry(asked).or_insert_with(|| granted.clone());
            if strength(&granted) < strength(weakest) {
                *weakest = granted;
            }
        }
        let Some(declared) = line.get("declared").and_then(Value::as_object) else {
            return;
        };
        let declared = declared.clone().into_iter().collect();
        if offer(&declared) > offer(&self.declared) {
            self.declared = declared;
        }
    }

    fn claims(&self) -> String {
        let claims = self.passed.iter().filter(|claim| !is_of_files(claim));
        claims.count().to_string()
    }

    fn claims_on_disk(&self) -> String {
        let claims = self
            .passed
            .iter()
            .filter(|claim| claim.starts_with(ON_DISK));
        match claims.count() {
            0 => "–".to_owned(),
            claims => claims.to_string(),
        }
    }

    fn proof(&self, claim: &str) -> String {
        let shown = if self.passed.contains(claim) {
            "yes"
        } else {
            "–"
        };
        shown.to_owned()
    }

    fn granted(&self, asked: &str) -> String {
        let granted = self.granted.get(asked);
        granted.map_or_else(|| "refused".to_owned(), |granted| format!("`{granted}`"))
    }

    fn crash_order(&self) -> String {
        match self.word("crash_order").as_str() {
            "suffix" if self.engine.is_durable() => "only the last commits".to_owned(),
            "suffix" => "everything".to_owned(),
            _ => "any commits".to_owned(),
        }
    }

    /// A capability that is one of several words.
    fn word(&self, field: &str) -> String {
        let word = self.declared.get(field).and_then(Value::as_str);
        match word.unwrap_or_default() {
            "Supported" => "yes".to_owned(),
            "Unsupported" => "no".to_owned(),
            word => word.to_lowercase(),
        }
    }

    fn number(&self, field: &str) -> u64 {
        let number = self.declared.get(field).and_then(Value::as_u64);
        number.unwrap_or_default()
    }

    fn count(&self, field: &str) -> String {
        grouped(self.number(field))
    }

    fn bytes(&self, field: &str) -> String {
        let bytes = self.number(field);
        match bytes {
            _ if bytes >= 1 << 30 && bytes.is_multiple_of(1 << 30) => {
                format!("{} GiB", bytes >> 30)
            }
            _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => {
                format!("{} MiB", bytes >> 20)
            }
            _ => format!("{} B", grouped(bytes)),
        }
    }
}

/// How much a store declares, to be compared: what it declares at most, how many of its words
/// could not say more, and all of it, so that it does not matter who declares it first.
fn offer(declared: &BTreeMap<String, Value>) -> (Vec<u64>, usize, String) {
    let most = [
        "key_bytes_max",
        "value_bytes_max",
        "batch_operations_max",
        "batch_bytes_max",
    ];
    let number = |name: &&str| declared.get(*name).and_then(Value::as_u64);
    let numbers = most.iter().map(|name| number(name).unwrap_or_default());
    let words = declared.values().filter_map(Value::as_str);
    let strongest = words.filter(|word| {
        ["Supported", "Unlimited", "Linearizable", "Ordered", "Store"].contains(word)
    });
    let all = Value::from_iter(declared.clone());
    (numbers.collect(), strongest.count(), all.to_string())
}

/// How durable a commit is, by the place of the word.
fn strength(durability: &str) -> Option<usize> {
    ["Volatile", "Buffered", "Synced"]
        .iter()
        .position(|word| *word == durability)
}

const KILLS: &str = "survives kills";
const POWER_LOSSES: &str = "survives losses of power";

/// What claims begin with that are about stores that keep files.
const ON_DISK: &str = "on disk: ";

/// Whether a claim is about files that outlive the process.
fn is_of_files(claim: &str) -> bool {
    [KILLS, POWER_LOSSES].contains(&claim) || claim.starts_with(ON_DISK)
}

fn line(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<_> = cells.collect();
    format!("| {name} | {} |\n", cells.join(" | "))
}

/// A number with a comma before each group of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests;
