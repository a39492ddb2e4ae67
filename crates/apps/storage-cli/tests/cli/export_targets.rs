//! Where an export may go, and where not.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::support::{Bench, tree};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn bench_with_an_entry() -> Bench {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    bench
}

#[test]
fn the_directory_of_the_store_is_no_target_in_spite_of_force() {
    let bench = bench_with_an_entry();
    bench.done(&["put", "STORAGE", "overwritten"]);
    symlink("store", bench.path("link")).unwrap();
    for target in [
        "store",
        "store/new/er",
        "store/out.jsonl",
        "link",
        "link/out.jsonl",
    ] {
        bench
            .run(&["export", text(&bench.path(target)), "--force"])
            .failed(2, &["is in the directory of the store itself"]);
    }
    assert_eq!(bench.done(&["get", "a"]), b"1");
}

#[test]
fn a_key_does_not_lead_an_export_into_the_store() {
    let bench = bench_with_an_entry();
    bench.done(&["put", "store/STORAGE", "overwritten"]);
    bench
        .run(&["export", text(&bench.path("")), "--force"])
        .failed(2, &["would lie in the directory of the store itself"]);
    assert!(!bench.path("a").exists());
    assert_eq!(bench.done(&["get", "a"]), b"1");
}

#[test]
fn what_is_no_regular_file_is_not_replaced() {
    let bench = bench_with_an_entry();
    let made = Command::new("mkfifo")
        .arg(bench.path("pipe.jsonl"))
        .status();
    assert!(made.unwrap().success());
    let kept = bench.write("kept", "kept");
    symlink("kept", bench.path("link.jsonl")).unwrap();
    for target in ["pipe.jsonl", "link.jsonl"] {
        bench
            .run(&["export", text(&bench.path(target)), "--force"])
            .failed(2, &["is no regular file", "write to -"]);
        assert!(!bench.path(target).symlink_metadata().unwrap().is_file());
    }
    assert_eq!(fs::read(kept).unwrap(), b"kept");
}

#[test]
fn a_target_of_the_wrong_kind_is_refused_with_a_remedy() {
    let bench = bench_with_an_entry();
    bench.write("file", "kept");
    fs::create_dir_all(bench.path("directory/a")).unwrap();
    let refused = |arguments: &[&str], target: &str, words: &str| {
        let target = bench.path(target);
        let arguments = [&["export", text(&target)], arguments].concat();
        let run = bench.run(&arguments);
        run.failed(2, &[words, "remedy: "]);
        assert!(!run.errors.contains(".storage-export-"), "{}", run.errors);
    };
    refused(&[], "file", "is no directory");
    refused(&["--force"], "file/below", "is no directory");
    refused(&[], "missing/out.jsonl", "there is no directory");
    refused(&[], "file/out.jsonl", "is no directory");
    refused(
        &["--format", "jsonl", "--force"],
        "directory",
        "is a directory",
    );
    refused(&["--force"], "directory", "is in the way");
    assert_eq!(fs::read(bench.path("file")).unwrap(), b"kept");
}

#[test]
fn entries_that_cannot_be_files_are_refused_before_anything_is_written() {
    let long_name = format!("z/{}", "n".repeat(256));
    let long_path = "z/".repeat(2_100) + "z";
    for (key, words) in [
        ("z/", "ends in a slash and has a value"),
        (&long_name, "longer than a file's name"),
        (&long_path, "longer than a path"),
    ] {
        let bench = bench_with_an_entry();
        bench.done(&["put", key, "value"]);
        bench
            .run(&["export", text(&bench.path("out"))])
            .failed(2, &["cannot be a file", words]);
        assert!(!bench.path("out").exists());
    }
}

#[test]
fn a_file_gives_way_to_a_symbolic_link_s_name_in_a_tree_but_not_to_where_it_leads() {
    let bench = bench_with_an_entry();
    let kept = bench.write("kept", "kept");
    fs::create_dir(bench.path("out")).unwrap();
    symlink("../kept", bench.path("out/a")).unwrap();
    bench.done(&["export", text(&bench.path("out")), "--force"]);
    assert_eq!(fs::read(kept).unwrap(), b"kept");
    assert_eq!(
        tree(&bench.path("out")),
        [(b"a".to_vec(), Some(b"1".to_vec()))]
    );
}

#[test]
fn what_a_killed_export_left_is_not_imported_and_a_key_is_not_exported_like_it() {
    let bench = Bench::new();
    bench.write("tree/a", "1");
    bench.write("tree/.storage-export-tree/.tmp1", "part of a value");
    bench.write("tree/below/.storage-export-Ab12", "part of a line");
    let run = bench.run(&["import", text(&bench.path("tree"))]);
    assert_eq!(run.code, 0, "{}", run.errors);
    for left in [
        "tree/.storage-export-tree: ",
        "below/.storage-export-Ab12: ",
    ] {
        assert!(run.errors.contains(left), "{}", run.errors);
    }
    assert_eq!(bench.keys(), ["a"]);

    bench.done(&["export", text(&bench.path("tree")), "--force"]);
    assert!(!bench.path("tree/.storage-export-tree").exists());

    bench.done(&["put", "z/.storage-export-1", "value"]);
    bench
        .run(&["export", text(&bench.path("out"))])
        .failed(2, &["cannot be a file", "unfinished export"]);
}
