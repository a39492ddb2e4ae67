//! Checks and compaction.

use serde_json::Value;

use crate::support::{Bench, command, damage_tables, many_entries, run, tree};

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn a_sound_store_passes_the_check() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let output = String::from_utf8(bench.done(&["check"])).unwrap();
    assert!(output.starts_with("checked "), "{output}");
    assert!(output.contains("no damage"), "{output}");
    let report = json(&bench.done(&["check", "--json"]));
    assert_eq!(report["sound"], true);
    assert!(report["entries"].as_u64().unwrap() >= 1);
    assert_eq!(report["damages"], Value::Array(Vec::new()));
}

#[test]
fn every_damaged_place_is_named_and_the_exit_code_is_5() {
    let bench = Bench::new();
    many_entries(&bench, 500, 2_000);
    bench.done(&["compact"]);
    damage_tables(&bench);
    let check = bench.run(&["check"]);
    assert_eq!(check.code, 5, "{}", check.errors);
    let output = String::from_utf8(check.output).unwrap();
    assert!(output.contains("damaged: "), "{output}");
    assert!(
        output.contains("restore the store from a backup"),
        "{output}"
    );
    // An export ends at the first place that is damaged.
    assert!(!output.contains("export"), "{output}");
    let check = bench.run(&["check", "--json"]);
    assert_eq!(check.code, 5, "{}", check.errors);
    let report = json(&check.output);
    assert_eq!(report["sound"], false);
    assert!(!report["damages"][0]["place"].as_str().unwrap().is_empty());

    // A copy of it claims nothing, and an export neither.
    let to = format!("fjall:{}", bench.path("copy").display());
    bench
        .run(&["copy", "--to", &to])
        .failed(5, &["corrupt", "--resume"]);
    let out = bench.path("out.jsonl");
    bench
        .run(&["export", out.to_str().unwrap()])
        .failed(5, &["corrupt", "was not written"]);
    assert!(!out.exists());
}

#[test]
fn a_store_that_cannot_be_opened_says_so_and_is_not_checked() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    bench.write("store/STORAGE", "stor\0ge");
    for command in ["check", "compact"] {
        let run = bench.run(&[command]);
        run.failed(5, &["open", "corrupt", "STORAGE is damaged"]);
        assert_eq!(run.output, b"");
    }
}

#[test]
fn compaction_gives_space_back_and_keeps_the_data() {
    let bench = Bench::new();
    many_entries(&bench, 3_000, 5_000);
    bench.done(&["compact"]);
    bench.write("few.jsonl", r#"{"key":"key-00000000","value":"kept"}"#);
    for _ in 0..2 {
        many_entries(&bench, 3_000, 10);
    }
    let report = json(&bench.done(&["compact", "--json"]));
    let bytes = |field: &str| report[field].as_u64().unwrap();
    assert!(
        bytes("disk_bytes_after") < bytes("disk_bytes_before"),
        "{report}"
    );
    assert_eq!(bench.keys().len(), 3_000);
    let output = String::from_utf8(bench.done(&["compact"])).unwrap();
    assert!(output.starts_with("compacted in "), "{output}");
}

#[test]
fn an_engine_without_compaction_says_so() {
    let mut compact = command();
    compact.args(["--store", "memory:", "compact"]);
    let run = run(compact, b"");
    run.failed(2, &["this engine, memory, offers no compaction"]);
    // What it does with space instead is not known here.
    assert!(!run.errors.contains("remedy"), "{}", run.errors);
}

#[test]
fn upkeep_makes_no_store() {
    let bench = Bench::new();
    for command in ["check", "compact"] {
        bench.run(&[command]).failed(2, &["there is no store at"]);
    }
    assert!(!bench.path("store").exists());
}

#[test]
fn a_store_whose_creation_was_cut_off_is_not_made_by_commands_that_only_read() {
    let bench = Bench::new();
    bench.write("store/LOCK", "");
    bench.write("store/data.new/begun", "");
    let before = tree(&bench.path("store"));
    let to = format!("fjall:{}", bench.path("copy").display());
    let (copy, url) = (bench.path("copy"), bench.url());
    for command in [
        &["check"][..],
        &["compact"],
        &["scan"],
        &["copy", "--from", &url, "--to", &to],
    ] {
        bench.run(command).failed(2, &["there is no store at"]);
    }
    assert!(tree(&bench.path("store")) == before);
    assert!(!copy.exists());
}

#[test]
fn figures_have_units_for_programs_too() {
    let bench = Bench::new();
    bench.done(&["put", "a", "v"]);
    let details = &json(&bench.done(&["stats", "--json"]))["details"];
    assert_eq!(details["cache_capacity"]["unit"], "bytes");
    assert!(details["cache_capacity"]["value"].as_u64().unwrap() > 0);
    assert_eq!(details["compaction_time"]["unit"], "microseconds");
    assert_eq!(details["tables"]["unit"], "count");
}

#[test]
fn a_delete_tells_a_program_what_it_deleted() {
    let bench = Bench::new();
    bench.done(&["put", "a", "v"]);
    let answer = json(&bench.done(&["delete", "a", "--json"]));
    assert_eq!(answer, serde_json::json!({"key": "a", "deleted": true}));
    assert_eq!(bench.run(&["delete", "a", "--json"]).code, 1);
}
