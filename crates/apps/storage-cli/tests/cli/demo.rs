//! The demo, on a small tree.

use crate::support::{Bench, Run, command, run};
use serde_json::Value;

fn small_tree() -> Bench {
    let bench = Bench::new();
    for number in 0..300_usize {
        let content = [u8::try_from(number % 251).unwrap()].repeat(number * 37);
        bench.write(&format!("tree/{}/{number}", number % 7), content);
    }
    bench
}

fn demo(bench: &Bench, arguments: &[&str]) -> Run {
    let mut demo = command();
    let scratch = bench.path("scratch");
    std::fs::create_dir_all(&scratch).unwrap();
    demo.env("TMPDIR", scratch)
        .arg("demo")
        .arg(bench.path("tree"))
        .args(arguments);
    run(demo, b"")
}

#[test]
fn the_demo_finds_everything_that_was_acknowledged_before_the_kill() {
    let bench = small_tree();
    let run = demo(&bench, &["--json"]);
    assert_eq!(run.code, 0, "{}", run.errors);
    let report: Value = serde_json::from_slice(&run.output).unwrap();
    let acknowledged = report["killed"]["files_acknowledged"].as_u64().unwrap();
    assert_eq!(report["sound"], true);
    assert_eq!(report["files"], 300);
    let bytes = report["killed"]["bytes_acknowledged"].as_u64().unwrap();
    let half = report["bytes"].as_u64().unwrap() / 2;
    assert!(acknowledged >= 100, "{report}");
    assert!(bytes >= half, "{report}");
    assert_eq!(
        report["recovered"]["acknowledged"]["bytes_identical"],
        bytes
    );
    assert!(report["recovered"]["files_found"].as_u64().unwrap() >= acknowledged);
    assert_eq!(
        report["recovered"]["acknowledged"]["files_identical"],
        acknowledged
    );
    assert_eq!(report["recovered"]["acknowledged"]["missing"], 0);
    assert_eq!(report["complete"]["files_identical"], 300);
    assert_eq!(report["complete"]["bytes_identical"], report["bytes"]);
    assert_eq!(report["complete"]["missing"], 0);
    assert_eq!(report["complete"]["mismatched"], 0);
    let left = bench.path("scratch").read_dir().unwrap().count();
    assert_eq!(left, 0, "the demo cleans up");
}

#[test]
fn the_demo_reads_well_and_keeps_its_store_when_asked() {
    let bench = small_tree();
    let run = demo(&bench, &["--store", &bench.url()]);
    assert_eq!(run.code, 0, "{}", run.errors);
    let report = String::from_utf8(run.output).unwrap();
    assert!(report.contains("with SIGKILL"), "{report}");
    assert!(
        report.contains("300 files identical, 0 missing, 0 different"),
        "{report}"
    );
    assert_eq!(bench.keys().len(), 300);

    demo(&bench, &["--store", &bench.url()]).failed(2, &["is not empty"]);
    demo(&bench, &["--store", "memory:"]).failed(2, &["memory is gone"]);
}

#[test]
fn a_tree_of_one_file_is_enough_and_an_empty_one_is_not() {
    let bench = Bench::new();
    bench.write("tree/only", "content");
    assert_eq!(demo(&bench, &["--json"]).code, 0);
    std::fs::remove_file(bench.path("tree/only")).unwrap();
    demo(&bench, &[]).failed(2, &["there are no files in"]);
}

#[test]
fn a_tree_that_the_demo_would_write_to_is_refused() {
    let bench = small_tree();
    let inside = format!("fjall:{}", bench.path("tree/store").display());
    demo(&bench, &["--store", &inside]).failed(2, &["the store itself is in the tree"]);
    assert!(!bench.path("tree/store").exists());

    let mut around = command();
    let scratch = bench.path("tree/scratch");
    std::fs::create_dir_all(&scratch).unwrap();
    around
        .env("TMPDIR", scratch)
        .arg("demo")
        .arg(bench.path("tree"));
    run(around, b"").failed(2, &["which is in the tree", "TMPDIR"]);
}

#[test]
fn what_is_kept_is_the_store_and_nothing_else() {
    let bench = small_tree();
    let left = || bench.path("scratch").read_dir().unwrap().count();
    assert_eq!(demo(&bench, &["--store", &bench.url(), "--keep"]).code, 0);
    assert_eq!(left(), 0);
    assert_eq!(demo(&bench, &["--keep"]).code, 0);
    assert_eq!(left(), 1);
}
