//! Imports that were killed, interrupted or cut off, and are run again.

use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Bench, Moments, PROGRAM, Run, command, interrupt, tree};

const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn large_tree(bench: &Bench) {
    for number in 0..1_500_usize {
        let content = [u8::try_from(number % 251).unwrap()].repeat(number * 7);
        bench.write(&format!("tree/{}/{number}", number % 9), content);
    }
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_with_the_same_store() {
    let bench = Bench::new();
    large_tree(&bench);
    let mut moments = Moments::new();
    let mut kills = 0;
    for _ in 0..200 {
        let mut import = command()
            .args(["--store", &bench.url(), "import"])
            .arg(bench.path("tree"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(moments.next_up_to(Duration::from_millis(250)));
        import.kill().unwrap();
        let status = import.wait().unwrap();
        if status.signal() == Some(SIGKILL) {
            kills += 1;
        } else {
            // It came to its end first: there is nothing left to kill it in.
            assert!(status.success(), "{status}");
            fs::remove_dir_all(bench.path("store")).unwrap();
        }
        if kills == 8 {
            break;
        }
    }
    assert_eq!(kills, 8);
    bench.done(&["import", text(&bench.path("tree"))]);
    bench.done(&["export", text(&bench.path("out"))]);
    assert!(tree(&bench.path("out")) == tree(&bench.path("tree")));
    let again = bench.done(&["import", text(&bench.path("tree")), "--json"]);
    let again: Value = serde_json::from_slice(&again).unwrap();
    assert_eq!(again["entries"], 1_500);
    assert_eq!(again["unchanged"], 1_500);
}

#[test]
fn an_import_that_is_run_again_writes_only_what_changed() {
    let bench = Bench::new();
    bench.write("tree/a", "1");
    bench.write("tree/b", "2");
    let import = || -> Value {
        let output = bench.done(&["import", text(&bench.path("tree")), "--json"]);
        serde_json::from_slice(&output).unwrap()
    };
    assert_eq!(import()["unchanged"], 0);
    bench.write("tree/b", "changed");
    bench.write("tree/c", "new");
    let again = import();
    assert_eq!(again["entries"], 3);
    assert_eq!(again["unchanged"], 1);
    assert_eq!(bench.done(&["get", "b"]), b"changed");
    let output = bench.done(&["import", text(&bench.path("tree"))]);
    let output = String::from_utf8(output).unwrap();
    assert!(output.contains("imported 3 entries"), "{output}");
    assert!(output.contains("3 of them were there already"), "{output}");
}

#[test]
fn an_expiry_that_changed_is_imported_again() {
    let bench = Bench::new();
    let line = |expires: u64| format!("{{\"key\":\"a\",\"value\":\"1\",\"expires\":{expires}}}\n");
    let import = |line: String| bench.run_with_input(&["import", "-"], line.as_bytes()).code;
    assert_eq!(import(line(9_000_000_000_000)), 0);
    assert_eq!(import(line(9_000_000_000_001)), 0);
    assert_eq!(bench.entries()[0]["expires"], 9_000_000_000_001_u64);
}

#[test]
fn a_stream_that_was_cut_off_is_completed_by_the_same_stream() {
    let bench = Bench::new();
    let lines = (0..5_000).map(|number| format!("{{\"id\":{number}}}\n"));
    let lines = lines.collect::<Vec<_>>().concat();
    let half = lines.split_at(lines.len() / 2).0;
    let mut import = command()
        .args(["--store", &bench.url(), "import", "-", "--key", "id"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = import.stdin.take().unwrap();
    stream.write_all(half.as_bytes()).unwrap();
    // It has read all but what is in the pipe, and waits for more.
    thread::sleep(Duration::from_millis(300));
    import.kill().unwrap();
    import.wait().unwrap();
    let run = bench.run_with_input(&["import", "-", "--key", "id", "--json"], lines.as_bytes());
    let report: Value = serde_json::from_slice(&run.output).unwrap();
    assert_eq!(report["entries"], 5_000);
    assert!(report["unchanged"].as_u64().unwrap() < 5_000);
    assert_eq!(bench.keys().len(), 5_000);
}

#[test]
fn an_interrupted_import_says_what_is_in_the_store() {
    let bench = Bench::new();
    large_tree(&bench);
    for milliseconds in (5..3_000).step_by(11) {
        let _ = fs::remove_dir_all(bench.path("store"));
        let import = command()
            .args(["--store", &bench.url(), "import"])
            .arg(bench.path("tree"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(milliseconds));
        interrupt(&import);
        let output = import.wait_with_output().unwrap();
        if output.status.code() == Some(130) {
            let run: Run = output.into();
            run.failed(130, &["interrupted"]);
            let Some((_, after)) = run.errors.split_once("what came before it, ") else {
                continue;
            };
            let (entries, _) = after.split_once(" entr").unwrap();
            let entries: usize = entries.replace(',', "").parse().unwrap();
            assert_eq!(bench.keys().len(), entries);
            return;
        }
    }
    panic!("the import was never interrupted");
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    let bench = Bench::new();
    large_tree(&bench);
    fs::create_dir(bench.path("scratch")).unwrap();
    let scratch = || bench.path("scratch").read_dir().unwrap().count();
    let demo = command()
        .env("TMPDIR", bench.path("scratch"))
        .arg("demo")
        .arg(bench.path("tree"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_mins(1);
    while scratch() == 0 {
        assert!(Instant::now() < patience, "the demo never began");
        thread::sleep(Duration::from_millis(1));
    }
    interrupt(&demo);
    let status = demo.wait_with_output().unwrap().status;
    assert_eq!(status.code(), Some(130));
    assert_eq!(scratch(), 0);
}

#[test]
fn a_source_in_the_directory_of_the_store_is_refused() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    for inside in ["store", "store/data", "store/STORAGE"] {
        bench.run(&["import", text(&bench.path(inside))]).failed(
            2,
            &["is in the directory of the store itself", "storage copy"],
        );
    }
    assert_eq!(bench.keys(), ["a"]);
}

#[test]
fn a_signal_that_was_ignored_when_the_command_began_stays_ignored() {
    let bench = Bench::new();
    large_tree(&bench);
    let mut import = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", PROGRAM])
        .args(["--store", &bench.url(), "import"])
        .arg(bench.path("tree"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The shell ignores it by the time the store is there.
    while !bench.path("store/STORAGE").exists() && import.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    let process = import.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &process]).status();
    assert!(sent.unwrap().success());
    assert!(import.wait().unwrap().success());
    assert_eq!(bench.keys().len(), 1_500);
}

#[test]
fn an_import_from_a_pipe_by_name_ends_at_once_when_interrupted() {
    let bench = Bench::new();
    let pipe = bench.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut import = command()
        .args(["--store", &bench.url(), "import", text(&pipe)])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // This waits until the import reads from it, and then keeps silent.
    let silent = fs::File::options().write(true).open(&pipe).unwrap();
    interrupt(&import);
    let patience = Instant::now() + Duration::from_secs(20);
    while import.try_wait().unwrap().is_none() {
        if Instant::now() > patience {
            import.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(import.wait().unwrap().signal(), Some(SIGINT));
    drop(silent);
}
