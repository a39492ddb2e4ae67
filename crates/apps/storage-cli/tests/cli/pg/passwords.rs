//! Where passwords come from, and that they are shown nowhere.

use std::{fs, os::unix::fs::PermissionsExt};

use storage_testkit::servers::PgDatabase;

use super::{database, with_password};
use crate::support::{Bench, Run, command, run};

/// Nothing else in the world says this.
const PASSWORD: &str = "Xyzzy-4711";

fn get(url: &str, variable: Option<(&str, &str)>) -> Run {
    let mut get = command();
    get.args(["--store", url, "get", "a"]).envs(variable);
    run(get, b"")
}

#[track_caller]
fn assert_hidden(run: &Run, what: &str) {
    let output = String::from_utf8_lossy(&run.output);
    for said in [&*output, &run.errors] {
        // Whatever comes before a `:`, `/`, `@` or `?` is a part of it, too.
        assert!(!said.contains("4711"), "{what}: {said}");
        assert!(!said.contains("Xyzzy"), "{what}: {said}");
    }
}

#[test]
fn a_password_in_a_url_is_shown_by_no_command() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let source = bench.write("tree/a", "1");
    let source = source.parent().unwrap().to_str().unwrap();
    let out = bench.path("out");
    let out = out.to_str().unwrap();
    let fjall = bench.url();
    let database = database();
    let wrong = with_password(&database, Some(PASSWORD));
    // It must be found in what is said about a store that does open, too.
    let parameter = with_password(&database, None) + "?password=" + database.owner().password();
    let opens = database.url();
    let commands: [&[&str]; 15] = [
        &["put", "a", "1"],
        &["get", "a"],
        &["delete", "a"],
        &["scan"],
        &["import", source],
        &["export", out],
        &["stats"],
        &["check"],
        &["compact"],
        &["doctor"],
        &["doctor", "--open"],
        &["demo", source],
        &["copy", "--to", &fjall],
        &["copy", "--from", &fjall, "--to", "URL"],
        &["copy", "--from", "URL", "--to", "URL"],
    ];
    for arguments in commands {
        for form in [None, Some("--json")] {
            for url in [&wrong, &opens, &parameter] {
                let mut told = command();
                told.args(["--store", url]);
                told.args(
                    arguments
                        .iter()
                        .map(|it| if *it == "URL" { url } else { *it }),
                );
                told.args(form);
                let told = run(told, b"");
                assert_hidden(&told, &format!("{arguments:?}"));
                let password = database.owner().password();
                assert!(!told.errors.contains(password), "{}", told.errors);
                let output = String::from_utf8_lossy(&told.output);
                assert!(!output.contains(password), "{output}");
                let is_same = arguments.starts_with(&["copy", "--from", "URL"]);
                if *url == wrong && !is_same {
                    assert_eq!(told.code, 6, "{arguments:?}: {output}{}", told.errors);
                    assert!(format!("{output}{}", told.errors).contains("28P01"));
                }
            }
        }
    }
}

#[test]
fn a_password_in_what_cannot_be_used_is_shown_nowhere() {
    let urls = [
        "postgres://a:Xyzzy-4711@127.0.0.1:1/d",
        "postgres://a:Xyzzy-4711",
        "postgres://a:Xyzzy/4711@127.0.0.1:1/d",
        "postgres://a:Xyzzy?4711@127.0.0.1:1/d",
        "postgres://a:Xyzzy@4711@127.0.0.1:1/d",
        "postgres://a:Xyzzy-4711%@127.0.0.1:1/d",
        "postgres://127.0.0.1:1/d?passwrod=Xyzzy-4711",
        "postgres://127.0.0.1:1/d?password=Xyzzy-4711&colour=red",
        "postgres://127.0.0.1:1/d?Xyzzy-4711",
        "postgres:a:Xyzzy-4711@127.0.0.1:1/d",
        "postgress://a:Xyzzy-4711@127.0.0.1:1/d?schema=s",
        "postgres//a:Xyzzy-4711@127.0.0.1:1/d",
    ];
    for url in urls {
        let forms: [&[&str]; 7] = [
            &["--store", url, "get", "a"],
            &["--store", url, "--json", "get", "a"],
            // Wrong usage is answered by repeating it.
            &["get", "a", url, "--json"],
            &[url, "get", "a"],
            &["--json=x", "--store", url, "get"],
            &["copy", "--form", url],
            &["doctor", url, "--json"],
        ];
        for arguments in forms {
            let mut told = command();
            told.args(arguments);
            let told = run(told, b"");
            assert_ne!(told.code, 0);
            assert_hidden(&told, &format!("{arguments:?}"));
        }
        let option = format!("--json={url}");
        let mut told = command();
        told.args([&option, "get", "a"]);
        assert_hidden(&run(told, b""), &option);
    }
}

#[test]
fn help_does_not_show_the_store_of_the_environment() {
    for arguments in [
        &["--help"][..],
        &["help", "copy"],
        &["copy", "--help"],
        &["get"],
    ] {
        let mut help = command();
        help.args(arguments)
            .env("STORAGE_URL", "postgres://a:Xyzzy-4711@h/d");
        assert_hidden(&run(help, b""), &format!("{arguments:?}"));
    }
}

/// A store with an entry, and its URL without a password.
fn store_without_password() -> (PgDatabase, String) {
    let database = database();
    crate::support::done_at(&database.url(), &["put", "a", "1"]);
    let url = with_password(&database, None);
    (database, url)
}

#[test]
fn a_password_comes_from_the_environment() {
    let (database, url) = store_without_password();
    let password = database.owner().password();
    let without = get(&url, None);
    without.failed(6, &["denied"]);
    assert_eq!(get(&url, Some(("PGPASSWORD", password))).output, b"1");
    let named = format!("{url}?password_env=LEDGER_PASSWORD");
    assert_eq!(
        get(&named, Some(("LEDGER_PASSWORD", password))).output,
        b"1"
    );
    get(&named, None).failed(2, &["LEDGER_PASSWORD", "not set"]);
    // What is said here counts for more than what the environment says.
    let wrong = get(
        &with_password(&database, Some(PASSWORD)),
        Some(("PGPASSWORD", password)),
    );
    wrong.failed(6, &["28P01"]);
}

#[test]
fn a_password_comes_from_a_file_that_nobody_else_may_read() {
    let (database, url) = store_without_password();
    let password = database.owner().password();
    let bench = Bench::new();
    let plain = bench.write("plain", format!("{password}\n"));
    let lines = bench.write("lines", format!("*:*:*:*:{password}\n"));
    let by = |parameter: &str, path: &std::path::Path| {
        get(&format!("{url}?{parameter}={}", path.display()), None)
    };
    let home = bench.path("home");
    fs::create_dir(&home).unwrap();
    fs::copy(&lines, home.join(".pgpass")).unwrap();
    let home_file = home.join(".pgpass");
    for (mode, is_read) in [(0o600, true), (0o400, true), (0o644, false), (0o640, false)] {
        for path in [&plain, &lines, &home_file] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let lines_text = lines.to_str().unwrap();
        for told in [
            by("password_file", &plain),
            by("passfile", &lines),
            get(&url, Some(("PGPASSFILE", lines_text))),
            get(&url, Some(("HOME", home.to_str().unwrap()))),
        ] {
            assert!(!told.errors.contains(password), "{}", told.errors);
            if is_read {
                assert_eq!(told.output, b"1", "{}", told.errors);
            } else {
                told.failed(6, &[&format!("{mode:04o}"), "chmod 600"]);
            }
        }
    }
    by("password_file", &bench.path("missing")).failed(2, &["missing"]);
}
