//! Input that cannot be taken: a clear error, nothing half done, and what was
//! acknowledged before is still there.

use std::{
    fs::{self, File, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        process::CommandExt,
    },
    process::Command,
};

use crate::support::{self, Bench, PROGRAM, command, run};

#[test]
fn an_unknown_scheme_is_refused_naming_the_known_ones() {
    let mut get = command();
    get.args(["--store", "oracle:db", "get", "a"]);
    run(get, b"").failed(2, &["no scheme is called `oracle`", "memory:, fjall:PATH"]);
}

#[test]
fn a_directory_that_is_no_store_is_refused_and_left_alone() {
    let bench = Bench::new();
    let letter = bench.write("store/letter.txt", "dear");
    bench
        .run(&["put", "a", "1"])
        .failed(2, &["not a store", "letter.txt"]);
    assert_eq!(support::tree(&bench.path("store")).len(), 1);
    assert_eq!(fs::read(letter).unwrap(), b"dear");
}

#[test]
fn a_line_that_is_not_json_is_named_and_those_before_it_stay() {
    let bench = Bench::new();
    let source = bench.write(
        "in.jsonl",
        "{\"id\":1}\n\n{\"id\":2}\nnot json\n{\"id\":4}\n",
    );
    let import = bench.run(&["import", source.to_str().unwrap(), "--key", "id"]);
    import.failed(
        2,
        &[
            "in.jsonl, line 4,",
            "column 2",
            "what came before it, 2 entries",
        ],
    );
    assert_eq!(bench.keys(), ["1", "2"]);
}

#[test]
fn a_line_of_json_that_is_no_object_is_named() {
    let bench = Bench::new();
    let run = bench.run_with_input(&["import", "-", "--key", "id"], b"[1, 2]\n");
    run.failed(2, &["standard input, line 1,", "nothing was imported"]);
}

#[test]
fn a_missing_key_field_is_named_with_its_line() {
    let bench = Bench::new();
    let source = bench.write("in.jsonl", "{\"id\":\"a\"}\n{\"name\":\"b\"}\n");
    let import = bench.run(&["import", source.to_str().unwrap(), "--key", "id"]);
    import.failed(
        2,
        &["in.jsonl, line 2,", "the field `id` is missing", "1 entry"],
    );
    assert_eq!(bench.keys(), ["a"]);

    let import = bench.run(&["import", source.to_str().unwrap()]);
    import.failed(2, &["in.jsonl, line 1,", "`key` is missing", "--key FIELD"]);
}

#[test]
fn a_key_field_that_is_no_text_is_refused() {
    let bench = Bench::new();
    let run = bench.run_with_input(&["import", "-", "--key", "id"], b"{\"id\":{\"a\":1}}\n");
    run.failed(2, &["line 1,", "the field `id` is no string or number"]);
}

#[test]
fn a_number_that_would_lose_digits_is_no_key() {
    let bench = Bench::new();
    for number in ["123456789012345678901234567890", "1e2", "1.50"] {
        let lines = format!("{{\"id\":1}}\n{{\"id\":{number}}}\n");
        let run = bench.run_with_input(&["import", "-", "--key", "id"], lines.as_bytes());
        run.failed(2, &["line 2,", "the field `id`", "write it as a string"]);
    }
    assert_eq!(bench.keys(), ["1"]);
}

#[test]
fn an_exported_record_holds_no_numbers() {
    let bench = Bench::new();
    for line in [r#"{"key":"a","value":7}"#, r#"{"key":7,"value":"a"}"#] {
        let run = bench.run_with_input(&["import", "-"], line.as_bytes());
        run.failed(2, &["line 1,", "is no string"]);
    }
    let run = bench.run_with_input(&["import", "-"], br#"{"key":"a"}"#);
    run.failed(2, &["the field `value` is missing"]);
    assert!(!run.errors.contains("--key"), "{}", run.errors);
    assert!(bench.keys().is_empty());
}

#[test]
fn a_symlink_loop_is_named_before_anything_is_imported() {
    let bench = Bench::new();
    bench.write("tree/a/file", "content");
    symlink("..", bench.path("tree/b")).unwrap();
    symlink("../a", bench.path("tree/a/loop")).unwrap();
    let tree = bench.path("tree");
    let import = bench.run(&["import", tree.to_str().unwrap()]);
    import.failed(2, &["tree/a/loop", "leads back to", "--symlinks skip"]);
    assert!(bench.keys().is_empty());

    let import = bench.run(&["import", tree.to_str().unwrap(), "--symlinks", "skip"]);
    assert_eq!(import.code, 0, "{}", import.errors);
    assert!(
        import.errors.contains("tree/a/loop: a symbolic link"),
        "{}",
        import.errors
    );
    assert_eq!(bench.keys(), ["a/file"]);
}

#[test]
fn a_symlink_that_leads_nowhere_is_named() {
    let bench = Bench::new();
    bench.write("tree/file", "content");
    symlink("missing", bench.path("tree/link")).unwrap();
    let import = bench.run(&["import", bench.path("tree").to_str().unwrap()]);
    import.failed(2, &["tree/link", "leads nowhere", "--symlinks skip"]);
    assert!(bench.keys().is_empty());
}

#[test]
fn a_file_over_the_value_limit_is_named_before_anything_is_imported() {
    let bench = Bench::new();
    bench.write("tree/a", "fits");
    let large = File::create(bench.path("tree/large")).unwrap();
    // No bytes of it are on disk, and none is read.
    large.set_len(8 << 30).unwrap();
    let import = bench.run(&["import", bench.path("tree").to_str().unwrap()]);
    import.failed(2, &["tree/large has 8589934592 bytes", "split the file"]);
    assert!(bench.keys().is_empty());
}

#[test]
fn a_key_over_the_limit_is_refused() {
    let bench = Bench::new();
    bench.done(&["put", "kept", "1"]);
    let key = "k".repeat(100_000);
    bench
        .run(&["put", &key, "v"])
        .failed(2, &["the key has 100000"]);
    let line = format!("{{\"id\":\"ok\"}}\n{{\"id\":\"{key}\"}}\n");
    let run = bench.run_with_input(&["import", "-", "--key", "id"], line.as_bytes());
    run.failed(2, &["line 2,", "the key has 100000", "1 entry"]);
    assert_eq!(bench.keys(), ["kept", "ok"]);
}

#[test]
fn a_store_inside_the_imported_tree_is_refused() {
    let bench = Bench::new();
    let root = bench.path("");
    bench
        .run(&["import", root.to_str().unwrap()])
        .failed(2, &["the store itself is in the tree"]);
}

#[test]
fn a_missing_source_is_refused() {
    let bench = Bench::new();
    bench
        .run(&["import", "/no/such/place"])
        .failed(2, &["there is no /no/such/place"]);
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_and_its_store_survives() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    fs::create_dir(bench.path("sealed")).unwrap();
    let read_only = Permissions::from_mode(0o555);
    fs::set_permissions(bench.path("sealed"), read_only.clone()).unwrap();
    let usual = fs::metadata(bench.path("store")).unwrap().permissions();
    fs::set_permissions(bench.path("store"), read_only).unwrap();
    let lock = bench.path("store/LOCK");
    let usual_lock = fs::metadata(&lock).unwrap().permissions();
    fs::set_permissions(&lock, Permissions::from_mode(0o444)).unwrap();

    let new_store = format!("fjall:{}", bench.path("sealed/store").display());
    for url in [new_store, bench.url()] {
        let mut put = unprivileged(&bench);
        put.args(["--store", &url, "put", "b", "2"]);
        run(put, b"").failed(6, &["denied"]);
    }
    fs::set_permissions(bench.path("store"), usual).unwrap();
    fs::set_permissions(&lock, usual_lock).unwrap();
    assert_eq!(bench.keys(), ["a"]);
}

/// The command as a user whom permissions bind: root, whom they do not, becomes
/// `nobody`, who needs a copy of the program that he can reach.
fn unprivileged(bench: &Bench) -> Command {
    const NOBODY: u32 = 65_534;
    const ROOT: u32 = 0;
    let own = fs::metadata(bench.path("")).unwrap().uid();
    let mut command = command();
    if own == ROOT {
        let copy = bench.path("program");
        // Another test may start a process while a file is open here, which then
        // has it open for writing, and nobody can run it.
        let copied = Command::new("cp").arg(PROGRAM).arg(&copy).status();
        assert!(copied.unwrap().success());
        fs::set_permissions(bench.path(""), Permissions::from_mode(0o755)).unwrap();
        command = Command::new(copy);
        command.env_remove("STORAGE_URL").uid(NOBODY).gid(NOBODY);
    }
    command
}
