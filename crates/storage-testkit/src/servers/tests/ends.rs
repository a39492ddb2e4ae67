//! Nothing is left of a server, however it ends.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{LONG, tests_postgres};
use crate::servers::{PgServer, PgServerConfig};

/// Set in a process that starts a server to be killed with it.
const VICTIM_VARIABLE: &str = "STORAGE_TEST_SERVERS_VICTIM";

/// What a server leaves behind if nobody sees to it.
#[derive(Debug)]
struct Traces {
    directory: PathBuf,
    /// The ids of its processes.
    processes: Vec<String>,
    /// The id of its bit of shared memory.
    segment: String,
}

impl Traces {
    fn of(directory: &Path) -> Self {
        let told = fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
        let segment = told.lines().nth(6).unwrap().split_whitespace().nth(1);
        let traces = Self {
            directory: directory.to_owned(),
            processes: working_in(directory),
            segment: segment.unwrap().to_owned(),
        };
        assert!(traces.processes.len() > 3, "{traces:?}");
        assert!(traces.has_segment(), "{traces:?}");
        traces
    }

    fn has_segment(&self) -> bool {
        let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap();
        let mut ids = segments
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1));
        ids.any(|id| id == self.segment)
    }

    fn are_gone(&self) -> bool {
        let is_gone = |id: &String| !Path::new("/proc").join(id).join("cwd").exists();
        !self.directory.exists()
            && self.processes.iter().all(is_gone)
            && working_in(&self.directory).is_empty()
            && !self.has_segment()
    }
}

/// The ids of the processes that work below a directory.
fn working_in(directory: &Path) -> Vec<String> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter(|process| {
        fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory))
    })
    .map(|process| process.file_name().into_string().unwrap())
    .collect()
}

fn wait_until_gone(traces: &Traces) {
    let deadline = Instant::now() + LONG;
    while !traces.are_gone() {
        assert!(Instant::now() < deadline, "left: {traces:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn nothing_is_left_of_a_dropped_server_that_runs_is_paused_or_was_killed() {
    if !tests_postgres() {
        return;
    }
    let endings: [fn(&PgServer); 3] = [
        |_| {},
        |server| server.pause().unwrap(),
        |server| server.kill().unwrap(),
    ];
    for ending in endings {
        let server = PgServerConfig::new().start().unwrap();
        let traces = Traces::of(server.directory());
        ending(&server);
        drop(server);
        assert!(traces.are_gone(), "left: {traces:?}");
    }
}

/// What the test below starts, and kills.
#[test]
fn a_victim_starts_a_server() {
    if env::var_os(VICTIM_VARIABLE).is_none() {
        return;
    }
    let server = PgServerConfig::new().start().unwrap();
    server.pause().unwrap();
    say(server.directory());
    thread::sleep(LONG);
}

#[expect(clippy::print_stdout, reason = "the test below reads it")]
fn say(directory: &Path) {
    println!("\ndirectory={}", directory.display());
}

#[test]
fn nothing_is_left_of_a_server_whose_process_was_killed() {
    if !tests_postgres() {
        return;
    }
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", "servers::tests::ends::a_victim_starts_a_server"])
        .arg("--nocapture")
        .env(VICTIM_VARIABLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let directory = lines
        .map(Result::unwrap)
        .find_map(|line| Some(line.strip_prefix("directory=")?.to_owned()))
        .unwrap();
    let traces = Traces::of(Path::new(&directory));
    victim.kill().unwrap();
    victim.wait().unwrap();
    wait_until_gone(&traces);
}
