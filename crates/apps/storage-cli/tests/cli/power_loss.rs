//! What an export has synced when it ends, as its system calls tell.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use crate::support::{Bench, PROGRAM};

/// What the command syncs, by path.
fn synced(bench: &Bench, arguments: &[&str]) -> BTreeSet<PathBuf> {
    let trace = bench.path("trace");
    let traced = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=fsync,fdatasync", "-o"])
        .arg(&trace)
        .args([PROGRAM, "--store", &bench.url()])
        .args(arguments)
        .status();
    assert!(traced.is_ok_and(|status| status.success()), "strace fails");
    let trace = fs::read_to_string(trace).unwrap();
    let path = |line: &str| Some(line.split_once('<')?.1.split_once('>')?.0.into());
    trace.lines().filter_map(path).collect()
}

#[track_caller]
fn are_synced(synced: &BTreeSet<PathBuf>, bench: &Bench, directories: &[&str]) {
    for directory in directories {
        let path = bench.path(directory).canonicalize().unwrap();
        assert!(synced.contains(&path), "{directory}: {synced:#?}");
    }
}

#[test]
fn the_name_of_an_exported_file_of_lines_is_synced() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    fs::create_dir(bench.path("into")).unwrap();
    let target = bench.path("into/out.jsonl");
    let synced = synced(&bench, &["export", target.to_str().unwrap()]);
    are_synced(&synced, &bench, &["into"]);
}

#[test]
fn every_directory_that_an_export_makes_is_synced_and_the_one_it_is_made_in() {
    let bench = Bench::new();
    bench.done(&["put", "a/b", "1"]);
    fs::create_dir(bench.path("into")).unwrap();
    let target = bench.path("into/x/y/z");
    let synced = synced(&bench, &["export", target.to_str().unwrap()]);
    let made = ["into", "into/x", "into/x/y", "into/x/y/z", "into/x/y/z/a"];
    are_synced(&synced, &bench, &made);
}
