//! Each exit code, from something a person might really do.

use std::{
    fs::File,
    io::Write,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::support::{Bench, Run, command, run};
use serde_json::Value;

#[test]
fn done_is_0() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["put", "a", "1"]).code, 0);
    assert_eq!(bench.run(&["delete", "a"]).code, 0);
    assert_eq!(bench.run(&["scan"]).code, 0);
}

#[test]
fn an_absent_key_is_1() {
    let bench = Bench::new();
    bench.done(&["put", "b", "1"]);
    bench.run(&["get", "a"]).failed(1, &["there is no key `a`"]);
    bench
        .run(&["delete", "a"])
        .failed(1, &["there is no key `a`"]);
}

#[test]
fn wrong_usage_is_2() {
    let bench = Bench::new();
    bench.run(&["frobnicate"]).failed(2, &["frobnicate"]);
    bench
        .run(&["put", "a", "v", "--ttl", "soon"])
        .failed(2, &["`soon` is no duration"]);
    let mut get = command();
    get.args(["get", "a"]);
    run(get, b"").failed(
        2,
        &["no store was named", "--store fjall:PATH", "STORAGE_URL"],
    );
    bench
        .run(&["put", "a", "v", "--durability", "volatile"])
        .failed(2, &["unsupported", "Buffered to Synced"]);
}

#[test]
fn a_conflict_is_3() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["put", "a", "1", "--if-absent"]).code, 0);
    bench
        .run(&["put", "a", "2", "--if-absent"])
        .failed(3, &["conflict"]);
    assert_eq!(bench.done(&["get", "a"]), b"1");
}

#[test]
fn a_store_that_another_process_holds_is_4() {
    let bench = Bench::new();
    // It opens the store and waits for the rest of its value.
    let mut holder = command()
        .args(["--store", &bench.url(), "put", "held"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut value = holder.stdin.take().unwrap();
    value.write_all(b"va").unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while !bench.path("store/STORAGE").exists() {
        assert!(Instant::now() < patience, "the store was never opened");
        thread::sleep(Duration::from_millis(5));
    }
    let refused = bench.run(&["scan"]);
    refused.failed(4, &["unavailable", "open already"]);
    value.write_all(b"lue").unwrap();
    drop(value);
    assert!(holder.wait().unwrap().success());
    assert_eq!(bench.done(&["get", "held"]), b"value");
}

#[test]
fn a_damaged_store_is_5() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    bench.write("store/STORAGE", "stor\0ge");
    bench.run(&["get", "a"]).failed(5, &["corrupt", "damaged"]);
}

#[test]
fn anything_else_is_6() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut get = command();
    get.args(["--store", &bench.url(), "get", "a"]).stdout(full);
    let get: Run = get.output().unwrap().into();
    get.failed(6, &["could not write to standard output"]);
}

#[test]
fn an_error_for_a_program_is_json_on_the_last_line() {
    let bench = Bench::new();
    bench.done(&["put", "b", "1"]);
    let run = bench.run(&["get", "a", "--json"]);
    assert_eq!(run.output, b"");
    let line = run.errors.lines().last().unwrap();
    let error: Value = serde_json::from_str(line).unwrap();
    assert_eq!(error["error"]["code"], 1);
    assert_eq!(error["error"]["status"], "not_found");

    bench.done(&["put", "a", "1"]);
    let run = bench.run(&["put", "a", "2", "--if-absent", "--json"]);
    let error: Value = serde_json::from_str(run.errors.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["kind"], "conflict");
    assert_eq!(error["error"]["outcome"], "not_applied");
}

#[test]
fn a_command_line_that_cannot_be_read_is_told_to_a_program_too() {
    let bench = Bench::new();
    let run = bench.run(&["--json", "scan", "--limit", "many"]);
    run.failed(2, &["many", "--limit"]);
    let error: Value = serde_json::from_str(run.errors.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], 2);
    assert_eq!(error["error"]["status"], "usage");
    assert!(error["error"]["message"].as_str().unwrap().contains("many"));

    assert!(!bench.run(&["frobnicate"]).errors.contains("{\"error\""));
    assert_eq!(bench.run(&["--json", "--help"]).code, 0);
    assert_eq!(bench.run(&["--json", "--help"]).errors, "");
}
