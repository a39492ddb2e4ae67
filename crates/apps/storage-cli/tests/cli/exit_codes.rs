//! Each exit code, from something a person might really do.

use std::{
    io::Write,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::support::{Bench, command, run};
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
    // It opens the store and waits for its value.
    let mut holder = command()
        .args(["--store", &bench.url(), "put", "held"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while !bench.path("store/STORAGE").exists() {
        assert!(Instant::now() < patience, "the store was never opened");
        thread::sleep(Duration::from_millis(5));
    }
    let refused = bench.run(&["scan"]);
    refused.failed(4, &["unavailable", "open already"]);
    holder.stdin.take().unwrap().write_all(b"value").unwrap();
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
    bench
        .run(&["export", "/dev/null/x"])
        .failed(6, &["could not write /dev/null/x"]);
}

#[test]
fn an_error_for_a_program_is_json_on_the_last_line() {
    let bench = Bench::new();
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
