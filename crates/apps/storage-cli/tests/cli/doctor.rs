//! What the doctor says, and that it leaves everything as it is.

use std::{
    os::unix::fs::MetadataExt,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Bench, Run, command, damage_tables, interrupt, many_entries, run, tree};

/// The findings on the bench's store, by subject: level and text.
fn findings(run: &Run) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_slice(&run.output).unwrap();
    let sections = report["sections"].as_array().unwrap();
    let findings = sections
        .iter()
        .flat_map(|section| section["findings"].as_array().unwrap());
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    findings
        .map(|finding| {
            let words = text(finding, "text") + finding["remedy"].as_str().unwrap_or_default();
            (text(finding, "subject"), text(finding, "level"), words)
        })
        .collect()
}

#[track_caller]
fn says(run: &Run, subject: &str, level: &str, words: &str) {
    let findings = findings(run);
    let found = findings
        .iter()
        .any(|it| it.0 == subject && it.1 == level && it.2.contains(words));
    assert!(found, "{subject}, {level}, {words}: {findings:#?}");
}

fn doctor(bench: &Bench) -> Run {
    bench.run(&["doctor", "--json"])
}

fn doctor_inside(bench: &Bench) -> Run {
    bench.run(&["doctor", "--open", "--json"])
}

#[test]
fn a_sound_store_is_described_from_the_outside_in() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let run = doctor_inside(&bench);
    assert_eq!(run.code, 0, "{}", run.errors);
    says(&run, "engine", "ok", "fjall is built in");
    says(&run, "directory", "ok", "is a store");
    says(&run, "format", "ok", "fjall version 1");
    says(&run, "lock", "ok", "nobody");
    says(&run, "rights", "ok", "can be written");
    says(&run, "last close", "ok", "clean");
    says(&run, "header", "ok", "no layers that alter");
    says(&run, "health", "ok", "well");
    says(&run, "capabilities", "ok", "Synced");
    assert!(findings(&run).iter().any(|it| it.0 == "open files"));
    assert!(findings(&run).iter().any(|it| it.0 == "disk space"));
    let output = String::from_utf8(bench.done(&["doctor", "--open"])).unwrap();
    assert!(output.contains("ok       health        well"), "{output}");
}

#[test]
fn a_clean_store_is_not_opened_unless_asked_for() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let seen = || {
        let mut seen: Vec<_> = walkdir::WalkDir::new(bench.path("store"))
            .into_iter()
            .map(|entry| {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                let changed = (metadata.ctime(), metadata.ctime_nsec());
                (entry.into_path(), metadata.ino(), changed)
            })
            .collect();
        seen.sort();
        seen
    };
    let before = seen();
    let run = doctor(&bench);
    assert_eq!(run.code, 0, "{}", run.errors);
    assert_eq!(seen(), before);
    says(&run, "inside", "ok", "--open");
    assert!(findings(&run).iter().all(|it| it.0 != "header"));
    doctor_inside(&bench);
    assert_ne!(seen(), before, "an open shows");
}

#[test]
fn a_place_without_a_store_is_a_warning_and_stays_without() {
    let bench = Bench::new();
    let run = doctor(&bench);
    assert_eq!(run.code, 0);
    says(&run, "directory", "warning", "there is no store at");
    assert!(!bench.path("store").exists());
}

#[test]
fn what_keeps_a_store_from_opening_is_a_problem_with_its_exit_code() {
    let bench = Bench::new();
    bench.write("store/letter", "dear");
    let run = doctor(&bench);
    assert_eq!(run.code, 2);
    says(&run, "directory", "problem", "holds letter");
    assert_eq!(tree(&bench.path("store")).len(), 1);

    for (line, code, subject, words) in [
        ("storage fjall 99 57e718e7\n", 2, "open", "upgrade"),
        ("storage other 1 44f8bfe0\n", 2, "open", "open it as other"),
        ("storage fjall 1 00000000\n", 5, "directory", "is damaged"),
    ] {
        let bench = Bench::new();
        bench.done(&["put", "a", "1"]);
        bench.write("store/STORAGE", line);
        let run = doctor_inside(&bench);
        assert_eq!(run.code, code, "{line}");
        says(&run, subject, "problem", words);
    }
    let mut unknown = command();
    unknown.args(["doctor", "--json", "oracle:db"]);
    let unknown = run_it(unknown);
    assert_eq!(unknown.code, 2);
    says(
        &unknown,
        "engine",
        "problem",
        "no scheme is called `oracle`",
    );
}

fn run_it(command: std::process::Command) -> Run {
    run(command, b"")
}

#[test]
fn the_process_that_holds_a_store_is_named() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let holder = hold(&bench);
    let run = doctor(&bench);
    assert_eq!(run.code, 0);
    let process = format!("process {} (storage)", holder.id());
    says(&run, "lock", "warning", &process);
    interrupt(&holder);
    holder.wait_with_output().unwrap();
}

#[test]
fn a_store_that_was_not_closed_is_left_as_it_is() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let mut holder = hold(&bench);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let before = tree(&bench.path("store"));
    let run = doctor(&bench);
    assert_eq!(run.code, 0, "{}", run.errors);
    says(&run, "last close", "warning", "storage check");
    assert!(tree(&bench.path("store")) == before);
    assert_eq!(bench.run(&["check"]).code, 0);
    says(&doctor(&bench), "last close", "ok", "clean");
}

/// A process that has the store open, until its standard input ends.
fn hold(bench: &Bench) -> Child {
    use std::io::Write;
    let mut holder = command()
        .args(["--store", &bench.url(), "put", "held"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = holder.stdin.as_mut().unwrap();
    stdin.write_all(b"value").unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    // The seal is broken when the store is open.
    while bench.path("store/SEAL").exists() {
        assert!(Instant::now() < patience, "the store was never opened");
        thread::sleep(Duration::from_millis(5));
    }
    holder
}

#[test]
fn an_unfinished_copy_is_pointed_out() {
    let bench = Bench::new();
    many_entries(&bench, 500, 2_000);
    bench.done(&["compact"]);
    damage_tables(&bench);
    let to = format!("fjall:{}", bench.path("copy").display());
    bench.run(&["copy", "--to", &to]).failed(5, &["--resume"]);
    let run = bench.run(&["doctor", "--open", "--json", &to]);
    assert_eq!(run.code, 0, "{}", run.errors);
    says(&run, "copy", "warning", "--resume");
}

#[test]
fn a_store_in_memory_has_no_directory_to_look_at() {
    let mut doctor = command();
    doctor.args(["doctor", "--json", "memory:"]);
    let run = run_it(doctor);
    assert_eq!(run.code, 0);
    says(&run, "engine", "ok", "memory: is built in");
    assert!(findings(&run).iter().all(|it| it.0 != "directory"));
}
