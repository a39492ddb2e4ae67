//! Copies of whole stores, finished, refused, killed and interrupted.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::support::{Bench, Moments, Run, command, many_entries, run};

fn copy_to(bench: &Bench, target: &str, arguments: &[&str]) -> Run {
    let mut copy = command();
    copy.args(["copy", "--from", &bench.url(), "--to", target])
        .args(arguments);
    run(copy, b"")
}

fn target(bench: &Bench) -> String {
    format!("fjall:{}", bench.path("copy").display())
}

/// How a command ends that is given the target.
fn at_target(bench: &Bench, arguments: &[&str]) -> Run {
    let mut at = command();
    at.args(["--store", &target(bench)]).args(arguments);
    run(at, b"")
}

fn entries_of(url: &str) -> Vec<u8> {
    let mut scan = command();
    scan.args(["--store", url, "scan", "--json", "--hex"]);
    let scan = run(scan, b"");
    assert_eq!(scan.code, 0, "{}", scan.errors);
    scan.output
}

#[track_caller]
fn assert_same(bench: &Bench) {
    assert!(entries_of(&target(bench)) == entries_of(&bench.url()));
}

#[test]
fn a_copy_holds_the_same_entries_with_their_expiry() {
    let bench = Bench::new();
    for key in ["", "00", "ff", "0a00ff"] {
        bench.done(&["--hex", "put", key, "00ff"]);
    }
    bench.done(&["put", "expiring", "v", "--ttl", "7d"]);
    bench.run_with_input(&["put", "large"], &vec![7; 3 << 20]);
    let copy = copy_to(&bench, &target(&bench), &["--json"]);
    assert_eq!(copy.code, 0, "{}", copy.errors);
    let summary: Value = serde_json::from_slice(&copy.output).unwrap();
    assert_eq!(summary["entries"], 6);
    assert_eq!(summary["unchanged"], 0);
    assert_eq!(summary["verified"]["entries"], 6);
    assert_eq!(summary["verified"]["bytes"], summary["bytes"]);
    assert_eq!(summary["verified"]["blake3"].as_str().unwrap().len(), 64);
    assert_same(&bench);

    copy_to(&bench, &target(&bench), &[]).failed(2, &["is not empty"]);
    let again = copy_to(&bench, &target(&bench), &["--resume", "--json"]);
    assert_eq!(again.code, 0, "{}", again.errors);
    let summary: Value = serde_json::from_slice(&again.output).unwrap();
    assert_eq!(summary["unchanged"], 6);
    assert_eq!(summary["removed"], 0);
    bench.done(&["put", "later", "1"]);
    copy_to(&bench, &target(&bench), &["--resume"]).failed(2, &["changed since"]);
}

#[test]
fn a_copy_for_people_says_what_was_copied_and_its_hash() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let to = target(&bench);
    let output = String::from_utf8(bench.done(&["copy", "--to", &to])).unwrap();
    assert!(output.contains("copied 1 entry (2 B)"), "{output}");
    assert!(output.contains("verified 1 entry"), "{output}");
    assert!(output.contains("blake3 "), "{output}");
}

#[test]
fn a_store_is_not_copied_to_itself_or_into_itself() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    symlink("store", bench.path("link")).unwrap();
    for place in ["store", "link", "copy/../store"] {
        let to = format!("fjall:{}", bench.path(place).display());
        for arguments in [&[][..], &["--resume"]] {
            copy_to(&bench, &to, arguments).failed(2, &["the same store", "name another target"]);
        }
    }
    let inside = format!("fjall:{}", bench.path("store/copy").display());
    copy_to(&bench, &inside, &[]).failed(2, &["is in the directory of the store itself"]);
    assert!(!bench.path("store/copy").exists());

    // The files of a store are a store of the same identity.
    copy_files(&bench.path("store"), &bench.path("twin"));
    let twin = format!("fjall:{}", bench.path("twin").display());
    copy_to(&bench, &twin, &["--resume"]).failed(2, &["the same store"]);
}

fn copy_files(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(copied.unwrap().success());
}

#[test]
fn a_target_that_holds_something_is_refused_and_left_alone() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let other = Bench::new();
    other.done(&["put", "own", "data"]);
    for (arguments, words) in [
        (&[][..], "is not empty"),
        (&["--resume"], "no copy was begun in it"),
    ] {
        copy_to(&bench, &other.url(), arguments).failed(2, &[words, "name another target"]);
    }
    assert_eq!(other.keys(), ["own"]);
    bench.write("copy/letter", "dear");
    copy_to(&bench, &target(&bench), &[]).failed(2, &["not a store", "letter"]);
    assert_eq!(bench.path("copy").read_dir().unwrap().count(), 1);
}

#[test]
fn what_is_no_pair_of_stores_is_refused() {
    let bench = Bench::new();
    let to = target(&bench);
    copy_to(&bench, &to, &[]).failed(2, &["there is no store at"]);
    bench.done(&["put", "a", "1"]);
    copy_to(&bench, "memory:", &[]).failed(2, &["memory is empty", "two stores that last"]);
    copy_to(&bench, "oracle:db", &[]).failed(2, &["no scheme is called `oracle`"]);
    bench.run(&["copy"]).failed(2, &["--to"]);
    let mut nowhere = command();
    nowhere.args(["copy", "--to", &to]);
    run(nowhere, b"").failed(2, &["no store was named", "--from"]);
    assert!(!bench.path("copy").exists());
}

#[test]
fn a_copy_that_is_killed_again_and_again_ends_the_same() {
    let bench = Bench::new();
    many_entries(&bench, 4_000, 3_000);
    let (mut kills, mut marked) = (0, 0);
    let mut moments = Moments::new();
    // A copy that comes to its end before it was ever caught on its way is no
    // test: it is begun anew.
    for _ in 0..100 {
        if kills >= 6 && marked > 0 {
            break;
        }
        let mut copy = command()
            .args(["copy", "--resume", "--from", &bench.url()])
            .args(["--to", &target(&bench)])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(moments.next_up_to(Duration::from_millis(150)));
        copy.kill().unwrap();
        if copy.wait().unwrap().success() {
            if marked > 0 {
                break;
            }
            fs::remove_dir_all(bench.path("copy")).unwrap();
            continue;
        }
        kills += 1;
        marked += u32::from(is_marked(&bench));
    }
    assert!(marked > 0, "no copy was killed on its way");
    let copy = copy_to(&bench, &target(&bench), &["--resume", "--json"]);
    assert_eq!(copy.code, 0, "{}", copy.errors);
    assert_same(&bench);
    bench.done(&["put", "later", "1"]);
    let mut check = command();
    check.args(["--store", &target(&bench), "check"]);
    assert_eq!(run(check, b"").code, 0);
}

fn is_marked(bench: &Bench) -> bool {
    let stats = at_target(bench, &["stats", "--json"]);
    serde_json::from_slice::<Value>(&stats.output)
        .is_ok_and(|report| report["unfinished_copy_of"].is_string())
}

#[test]
fn a_resumed_copy_whose_target_does_not_open_still_says_how_to_go_on() {
    let bench = Bench::new();
    many_entries(&bench, 3_000, 3_000);
    interrupt_copy(&bench);
    let format = fs::read(bench.path("copy/STORAGE")).unwrap();
    bench.write("copy/STORAGE", "stor\0ge");
    let copy = copy_to(&bench, &target(&bench), &["--resume"]);
    assert_ne!(copy.code, 0);
    copy.failed(copy.code, &["with --resume, once the target can be read"]);
    fs::write(bench.path("copy/STORAGE"), format).unwrap();
    assert_eq!(copy_to(&bench, &target(&bench), &["--resume"]).code, 0);
}

#[test]
fn a_copy_that_was_begun_is_refused_without_resume_and_follows_the_source() {
    let bench = Bench::new();
    many_entries(&bench, 3_000, 3_000);
    interrupt_copy(&bench);
    copy_to(&bench, &target(&bench), &[]).failed(2, &["unfinished copy; resume it"]);
    is_refused_but_examined(&bench);
    bench.done(&["delete", "key-00000000"]);
    bench.done(&["put", "key-00000001", "changed"]);
    let copy = copy_to(&bench, &target(&bench), &["--resume", "--json"]);
    assert_eq!(copy.code, 0, "{}", copy.errors);
    let summary: Value = serde_json::from_slice(&copy.output).unwrap();
    assert_eq!(summary["entries"], 2_999);
    assert_eq!(summary["removed"], 1);
    assert!(summary["unchanged"].as_u64().unwrap() >= 900, "{summary}");
    assert_same(&bench);
}

fn is_refused_but_examined(bench: &Bench) {
    for data in [
        &["get", "key-00000000"][..],
        &["put", "a", "1"],
        &["delete", "key-00000000"],
        &["scan"],
        &["import", "/dev/null"],
        &["export", "-"],
    ] {
        at_target(bench, data).failed(2, &["an unfinished copy of the store", "--resume"]);
    }
    for examining in ["check", "stats"] {
        let run = at_target(bench, &[examining]);
        let output = String::from_utf8(run.output).unwrap();
        assert_eq!(run.code, 0, "{}", run.errors);
        assert!(output.contains("unfinished copy"), "{output}");
        let run = at_target(bench, &[examining, "--json"]);
        let report: Value = serde_json::from_slice(&run.output).unwrap();
        assert!(report["unfinished_copy_of"].is_string(), "{report}");
    }
}

/// Sends Ctrl-C to a copy while it copies, and checks what it says.
fn interrupt_copy(bench: &Bench) {
    for milliseconds in (5..2_000).step_by(7) {
        let _ = fs::remove_dir_all(bench.path("copy"));
        let copy = command()
            .args(["copy", "--from", &bench.url(), "--to", &target(bench)])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(milliseconds));
        crate::support::interrupt(&copy);
        let output = copy.wait_with_output().unwrap();
        if output.status.code() == Some(130) {
            let run: Run = output.into();
            run.failed(130, &["interrupted"]);
            if run.errors.contains("run the same command with --resume")
                && bytes_in(&bench.path("copy")) > 3_000_000
            {
                return;
            }
        }
    }
    panic!("the copy was never interrupted while it copied");
}

fn bytes_in(path: &Path) -> u64 {
    let files = fs::read_dir(path).unwrap().map(Result::unwrap);
    let sizes = files.map(|file| match file.metadata().unwrap() {
        directory if directory.is_dir() => bytes_in(&file.path()),
        // What is set aside for a journal is not in it yet.
        file => file.blocks() * 512,
    });
    sizes.sum()
}
