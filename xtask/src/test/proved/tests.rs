//! What becomes of a record.

use serde_json::json;

use super::*;

fn record_of(engine: Engine) -> Vec<Value> {
    let (name, package) = (engine.name(), engine.package());
    let passed = ["a_claim", KILLS, POWER_LOSSES]
        .map(|claim| json!({ "engine": name, "package": package, "passed": claim }));
    let declared = [500, 65_278, 600].map(
        |key| json!({ "engine": name, "package": package, "declared": { "key_bytes_max": key } }),
    );
    passed.into_iter().chain(declared).collect()
}

/// A record in which every engine was shown everything.
fn record() -> String {
    let engines = Engine::value_variants().iter().copied();
    let mut lines: Vec<_> = engines.flat_map(record_of).collect();
    for (asked, granted, package) in [
        ("Buffered", "Synced", "storage-sled"),
        ("Volatile", "Buffered", "storage-sled"),
        ("Volatile", "Volatile", "storage-sled"),
        ("Volatile", "Synced", "storage-sled"),
        ("Buffered", "Volatile", "storage"),
        ("Synced", "Synced", "storage"),
    ] {
        lines.push(json!({
            "engine": "sled", "package": package, "asked": asked, "granted": granted,
        }));
    }
    lines.push(json!({
        "engine": "sled", "package": "storage", "declared": { "key_bytes_max": 70_000 },
    }));
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    lines.join("\n")
}

#[test]
fn it_does_not_matter_which_store_of_an_engine_declares_first() {
    let of = |reads, batch| {
        json!({ "engine": "sled", "declared": {
            "key_bytes_max": 9_000, "batch_bytes_max": batch, "reads": reads,
        } })
    };
    let declared = [
        of("OnDemand", 8),
        of("Linearizable", 7),
        of("Linearizable", 8),
        of("Eventual", 8),
    ];
    for first in 0..declared.len() {
        let (last, head) = (declared.iter().take(first), declared.iter().skip(first));
        let mut column = Column::of(Engine::Sled);
        head.chain(last).for_each(|line| column.take(line));
        assert_eq!(column.bytes("batch_bytes_max"), "8 B");
        assert_eq!(column.word("reads"), "linearizable");
    }
}

#[test]
fn the_page_has_a_column_for_each_engine_with_what_it_declares_at_most() {
    let page = Proved::parse(&record()).unwrap().page();
    assert!(
        page.contains("| longest key | 65,278 B | 65,278 B |"),
        "{page}"
    );
    let granted = page
        .lines()
        .find(|line| line.contains("`Buffered`"))
        .unwrap();
    assert!(
        granted.contains("`Synced`") && granted.contains("refused"),
        "{granted}"
    );
    // What only stacks over an engine have shown is not on the page.
    let synced = page.lines().find(|line| line.contains("`Synced` is"));
    assert!(!synced.unwrap().contains("| `Synced` |"), "{page}");
    assert!(!page.contains("70,000"), "{page}");
    // The same was granted differently: the page says the least of it.
    let volatile = page
        .lines()
        .find(|line| line.contains("`Volatile` is"))
        .unwrap();
    assert!(volatile.contains("| `Volatile` |"), "{volatile}");
}

#[test]
fn an_engine_that_was_not_shown_a_claim_leaves_a_gap() {
    Proved::parse(&record()).unwrap().refuse_gaps().unwrap();
    let claim = json!({ "engine": "fs", "package": "storage-fs", "passed": "a_claim" });
    let missing = record().replace(&format!("{claim}\n"), "");
    let error = Proved::parse(&missing).unwrap().refuse_gaps().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("fs was not shown to keep: a_claim"),
        "{error}"
    );
    // Nor is it shown by a stack over it, or by nobody knows whom.
    for other in [
        json!({ "engine": "fs", "package": "storage", "passed": "a_claim" }),
        json!({ "engine": "fs", "passed": "a_claim" }),
    ] {
        let shown_elsewhere = format!("{missing}\n{other}");
        let proved = Proved::parse(&shown_elsewhere).unwrap();
        assert!(proved.refuse_gaps().is_err(), "{other}");
    }
}

#[test]
fn a_page_that_says_something_else_is_refused_until_it_is_written() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("docs")).unwrap();
    let path = root.path().join("record");
    fs::write(&path, record()).unwrap();
    let settle = |difference| settle(root.path(), &path, difference);
    assert!(settle(Difference::Refuse).is_err());
    settle(Difference::Write).unwrap();
    settle(Difference::Refuse).unwrap();
}
