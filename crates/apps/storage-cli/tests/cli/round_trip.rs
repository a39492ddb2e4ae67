//! Import and export are each other's inverse.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

use crate::support::{Bench, tree};

/// A tree with what trees can have.
fn sample_tree(bench: &Bench) {
    bench.write("tree/a.txt", "text");
    bench.write("tree/a!", "sorts between a and a/");
    bench.write("tree/empty", "");
    bench.write("tree/deep/er/est.bin", [0, 0xFF, b'\n', 0x80]);
    bench.write("tree/spaces and ümläuts", "x");
    bench.write("tree/large", vec![7; 3 << 20]);
    for number in 0..2_500 {
        bench.write(&format!("tree/many/{number}"), number.to_string());
    }
    fs::create_dir_all(bench.path("tree/hollow/within")).unwrap();
    let raw = bench
        .path("tree")
        .join(OsStr::from_bytes(b"not-utf8-\xFF\n"));
    fs::write(raw, "raw").unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_directory_comes_out_as_it_went_in() {
    let bench = Bench::new();
    sample_tree(&bench);
    bench.done(&["import", text(&bench.path("tree"))]);
    bench.done(&["export", text(&bench.path("out"))]);
    assert_eq!(tree(&bench.path("out")), tree(&bench.path("tree")));
    assert!(bench.keys().contains(&"hollow/within/".to_owned()));
}

#[test]
fn a_store_is_the_same_after_a_round_through_json_lines() {
    let bench = Bench::new();
    sample_tree(&bench);
    bench.done(&["import", text(&bench.path("tree"))]);
    // Keys that no directory could hold.
    for key in ["", "00", "2e2e2f61", "ff", "2f", "c3"] {
        bench.done(&["--hex", "put", key, "0a00ff"]);
    }
    bench.done(&["put", "expiring", "v", "--ttl", "7d"]);
    let before = bench.entries();

    for arguments in [&["export"][..], &["export", "--hex"]] {
        let lines = bench.path(&format!("out-{}.jsonl", arguments.len()));
        let arguments = [arguments, &[text(&lines)]].concat();
        bench.done(&arguments);
        let other = Bench::new();
        other.done(&["import", text(&lines)]);
        assert_eq!(other.entries(), before);
    }
}

#[test]
fn json_lines_go_through_pipes_too() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    bench.done(&["--hex", "put", "ff", "00"]);
    let lines = bench.done(&["export", "-"]);
    let other = Bench::new();
    assert_eq!(other.run_with_input(&["import", "-"], &lines).code, 0);
    assert_eq!(other.entries(), bench.entries());
}

#[test]
fn lines_with_a_key_field_are_kept_as_they_are() {
    let bench = Bench::new();
    let lines = "{\"id\": \"u1\",  \"n\": 1}\r\n{\"n\":2,\"id\":17}\n{\"id_hex\":\"ff\"}";
    assert_eq!(
        bench
            .run_with_input(&["import", "-", "--key", "id"], lines.as_bytes())
            .code,
        0
    );
    assert_eq!(bench.done(&["get", "u1"]), b"{\"id\": \"u1\",  \"n\": 1}");
    assert_eq!(bench.done(&["get", "17"]), b"{\"n\":2,\"id\":17}");
    assert_eq!(
        bench.done(&["get", "--hex", "ff"]),
        b"7b2269645f686578223a226666227d\n"
    );
}

#[test]
fn symlinks_are_followed_unless_told_otherwise() {
    let bench = Bench::new();
    bench.write("elsewhere/file", "content");
    fs::create_dir(bench.path("tree")).unwrap();
    symlink("../elsewhere", bench.path("tree/link")).unwrap();
    bench.done(&["import", text(&bench.path("tree"))]);
    assert_eq!(bench.done(&["get", "link/file"]), b"content");
}

#[test]
fn a_directory_that_is_not_empty_is_refused_without_force() {
    let bench = Bench::new();
    bench.done(&["put", "a", "new"]);
    let old = bench.write("out/a", "old");
    let other = bench.write("out/b", "other");
    bench
        .run(&["export", text(&bench.path("out"))])
        .failed(2, &["is not empty", "--force"]);
    assert_eq!(fs::read(&old).unwrap(), b"old");
    bench.done(&["export", text(&bench.path("out")), "--force"]);
    assert_eq!(fs::read(&old).unwrap(), b"new");
    assert_eq!(fs::read(&other).unwrap(), b"other");

    let file = bench.write("out.jsonl", "old");
    bench
        .run(&["export", text(&file)])
        .failed(2, &["is there already", "--force"]);
    bench.done(&["export", text(&file), "--force"]);
    assert_eq!(
        fs::read(&file).unwrap(),
        b"{\"key\":\"a\",\"value\":\"new\"}\n"
    );
}

#[test]
fn a_key_that_leads_out_of_the_directory_is_refused_before_anything_is_written() {
    for key in ["../escaped", "/etc/escaped", "z/../../escaped", "z//a", ""] {
        let bench = Bench::new();
        bench.done(&["put", "a", "1"]);
        bench.done(&["put", key, "1"]);
        let export = bench.run(&["export", text(&bench.path("out"))]);
        export.failed(2, &["cannot be a file", "export to JSON Lines"]);
        assert!(!bench.path("out").exists());
        assert!(!bench.path("escaped").exists());
    }
}

#[test]
fn keys_that_need_one_name_for_a_file_and_a_directory_are_refused() {
    let bench = Bench::new();
    for key in ["a", "a!", "a/b"] {
        bench.done(&["put", key, "1"]);
    }
    let export = bench.run(&["export", text(&bench.path("out"))]);
    export.failed(2, &["`a/b`", "lies below the key `a`"]);
    assert!(!bench.path("out").exists());
}

#[test]
fn a_symlink_in_the_target_does_not_lead_the_export_out_of_it() {
    let bench = Bench::new();
    bench.done(&["put", "link/file", "1"]);
    fs::create_dir_all(bench.path("elsewhere")).unwrap();
    fs::create_dir_all(bench.path("out")).unwrap();
    symlink("../elsewhere", bench.path("out/link")).unwrap();
    let export = bench.run(&["export", text(&bench.path("out")), "--force"]);
    export.failed(2, &["out/link is in the way"]);
    assert!(!bench.path("elsewhere/file").exists());
}
