//! Reading and writing single keys, and scans.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    os::unix::ffi::OsStrExt,
    process::{Command, Stdio},
};

use crate::support::{Bench, PROGRAM, command, run};
use serde_json::Value;

#[test]
fn a_value_comes_back_byte_for_byte() {
    let bench = Bench::new();
    bench.done(&["put", "planet/3", "Earth"]);
    assert_eq!(bench.done(&["get", "planet/3"]), b"Earth");
}

#[test]
fn a_value_is_taken_from_standard_input() {
    let bench = Bench::new();
    let value = b"\0\xFFline\n\n";
    for arguments in [&["put", "a"][..], &["put", "b", "-"]] {
        assert_eq!(bench.run_with_input(arguments, value).code, 0);
    }
    assert_eq!(bench.done(&["get", "a"]), value);
    assert_eq!(bench.done(&["get", "b"]), value);
    assert_eq!(bench.run_with_input(&["put", "c", "--hex"], b"x").code, 2);
    assert_eq!(
        bench
            .run_with_input(&["put", "63", "--hex"], b"00 ff\n")
            .code,
        0
    );
    assert_eq!(bench.done(&["get", "c"]), b"\x00\xFF");
}

#[test]
fn hexadecimal_keys_and_values_are_the_bytes_they_stand_for() {
    let bench = Bench::new();
    bench.done(&["--hex", "put", "00ff", "fe0a"]);
    assert_eq!(bench.done(&["--hex", "get", "00ff"]), b"fe0a\n");
    assert_eq!(bench.done(&["scan", "--hex"]), b"00ff\tfe0a\n");
    let raw = [
        OsStr::new("put"),
        OsStr::from_bytes(b"\xFF"),
        OsStr::new("x"),
    ];
    bench.done(&raw);
    assert_eq!(bench.done(&["--hex", "get", "ff"]), b"78\n");
    bench
        .run(&["--hex", "get", "0"])
        .failed(2, &["`0` is not hexadecimal"]);
}

#[test]
fn an_empty_key_is_a_key() {
    let bench = Bench::new();
    bench.done(&["put", "", "nothing"]);
    assert_eq!(bench.done(&["get", ""]), b"nothing");
}

#[test]
fn a_scan_goes_where_it_is_told() {
    let bench = Bench::new();
    for key in ["a/1", "a/2", "a/3", "b/1"] {
        bench.done(&["put", key, "v"]);
    }
    let scan = |arguments: &[&str]| {
        let arguments = [&["scan", "--keys-only"][..], arguments].concat();
        String::from_utf8(bench.done(&arguments))
            .unwrap()
            .replace('\n', " ")
    };
    assert_eq!(scan(&["--prefix", "a/"]), "a/1 a/2 a/3 ");
    assert_eq!(scan(&["--start", "a/2", "--end", "b/1"]), "a/2 a/3 ");
    assert_eq!(scan(&["--reverse", "--limit", "2"]), "b/1 a/3 ");
    assert_eq!(scan(&["--limit", "0"]), "");
    assert_eq!(bench.done(&["scan", "--limit", "1"]), b"a/1\tv\n");
    assert_eq!(
        bench.done(&["scan", "--limit", "1", "--json"]),
        b"{\"key\":\"a/1\",\"value\":\"v\"}\n"
    );
}

#[test]
fn an_entry_that_expires_says_when_and_goes() {
    let bench = Bench::new();
    bench.done(&["put", "long", "v", "--ttl", "1h"]);
    bench.done(&["put", "gone", "v", "--ttl", "0s"]);
    let record: Value = serde_json::from_slice(&bench.done(&["get", "long", "--json"])).unwrap();
    assert!(record["expires"].as_u64().unwrap() > 1_700_000_000_000);
    bench
        .run(&["get", "gone"])
        .failed(1, &["there is no key `gone`"]);
}

#[test]
fn a_put_says_how_durable_it_is() {
    let bench = Bench::new();
    let put = |durability: &[&str]| {
        let arguments = [&["put", "a", "v", "--json"][..], durability].concat();
        let answer: Value = serde_json::from_slice(&bench.done(&arguments)).unwrap();
        answer["durability"].as_str().unwrap().to_owned()
    };
    assert_eq!(put(&[]), "synced");
    assert_eq!(put(&["--durability", "buffered"]), "buffered");
}

#[test]
fn statistics_name_the_engine() {
    let bench = Bench::new();
    bench.done(&["put", "a", "v"]);
    let stats: Value = serde_json::from_slice(&bench.done(&["stats", "--json"])).unwrap();
    assert_eq!(stats["engine"], "fjall");
    assert_eq!(stats["issues"], Value::Array(Vec::new()));
    assert!(
        String::from_utf8(bench.done(&["stats"]))
            .unwrap()
            .contains("well")
    );
}

#[test]
fn the_store_may_come_from_the_environment() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let mut get = command();
    get.env("STORAGE_URL", bench.url()).args(["get", "a"]);
    assert_eq!(run(get, b"").output, b"1");
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    let bench = Bench::new();
    let mut lines = Vec::new();
    for number in 0..100_000 {
        writeln!(lines, r#"{{"key":"{number}","value":""}}"#).unwrap();
    }
    let source = bench.write("many.jsonl", lines);
    bench.done(&[OsStr::new("import"), source.as_os_str()]);
    let mut scan = command()
        .args(["--store", &bench.url(), "scan"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(scan.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    let ended = scan.wait_with_output().unwrap();
    assert_eq!(first, "0\t\n");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(ended.stderr, b"");
}

#[test]
fn one_store_may_be_at_both_ends_of_a_pipe() {
    let bench = Bench::new();
    let value = "large ".repeat(50_000);
    bench.run_with_input(&["put", "a"], value.as_bytes());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#""$0" get a | "$0" put b"#, PROGRAM])
        .env("STORAGE_URL", bench.url());
    for _ in 0..5 {
        let piped = shell.output().unwrap();
        assert!(piped.status.success(), "{piped:?}");
        assert_eq!(bench.done(&["get", "b"]), value.as_bytes());
        bench.done(&["delete", "b"]);
    }
}

#[test]
fn a_command_that_only_reads_or_removes_makes_no_store() {
    let bench = Bench::new();
    let target = bench.path("out");
    let target = target.to_str().unwrap();
    let refuse = || {
        for arguments in [
            &["get", "a"][..],
            &["scan"],
            &["delete", "a"],
            &["stats"],
            &["export", target],
        ] {
            bench
                .run(arguments)
                .failed(2, &["there is no store at", "`put` or `import`"]);
        }
    };
    refuse();
    assert!(!bench.path("store").exists());
    std::fs::create_dir(bench.path("store")).unwrap();
    refuse();
    assert_eq!(bench.path("store").read_dir().unwrap().count(), 0);

    let mut scan = command();
    scan.args(["--store", "memory:", "scan"]);
    assert_eq!(run(scan, b"").code, 0);
}

#[test]
fn a_variable_that_is_set_to_nothing_names_no_store() {
    let mut get = command();
    get.env("STORAGE_URL", "").args(["get", "a"]);
    run(get, b"").failed(2, &["no store was named"]);
}
