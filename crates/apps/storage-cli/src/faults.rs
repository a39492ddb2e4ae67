//! What commands make of stores that fail at each of their calls in turn: the
//! error is reported, nothing is claimed that is not so, and running the command
//! again leads to the end.

use std::path::Path;

use storage::{ErrorKind, Put, SharedStore, blocking::block_on, prelude::*};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Rule};

use crate::{
    commands::{check, copy, export, import},
    failure::{Failure, Report},
    notation::Notation,
    output::{Form, Output},
    status::Status,
};

const FILES: u64 = 1_200;

/// Runs `work` on a store that fails at one of its calls, for the calls numbered
/// 1, 2, 3, 5, 8 … until there is none of that number.
fn at_each_call(calls: &[Call], fault: &Fault, work: impl Fn(&Struck)) {
    let (mut nth, mut before) = (1, 1);
    loop {
        let faults = Faults::new();
        let rule = Rule::on_any(calls.iter().copied()).nth(nth);
        let injection = faults.inject(rule, fault.clone()).unwrap();
        let below = block_on(storage::open("memory:")).unwrap();
        let store = SharedStore::new(FaultyStore::new(below.clone(), &faults));
        work(&Struck {
            store,
            below,
            faults,
            nth,
        });
        if injection.times() == 0 {
            assert!(nth > 1, "no call was ever struck");
            return;
        }
        (nth, before) = (nth + before, nth);
    }
}

/// A store that fails, and what it really holds.
struct Struck {
    store: SharedStore,
    below: SharedStore,
    faults: Faults,
    nth: u64,
}

impl Struck {
    fn was_struck(&self) -> bool {
        self.faults.injected() > 0
    }

    fn holds(&self) -> u64 {
        block_on(self.below.count(KeyRange::all())).unwrap()
    }

    /// Checks that a command failed exactly if a call of its was struck, and
    /// ends the fault.
    fn judged<T>(&self, result: Result<T, Failure>, status: Status) -> Option<Box<Report>> {
        let was_struck = self.was_struck();
        self.faults.withdraw_all();
        match result {
            Ok(_) => {
                assert!(!was_struck, "call {} failed unseen", self.nth);
                None
            }
            Err(Failure::Reported(report)) => {
                assert!(was_struck, "{report:?}");
                assert_eq!(report.status, status, "{report:?}");
                Some(report)
            }
            Err(Failure::OutputClosed) => panic!("call {}: the output is open", self.nth),
        }
    }
}

fn faults() -> [(Vec<Call>, Fault); 3] {
    let calls = [&Call::READS[..], &[Call::Commit]].concat();
    [
        (calls, Fault::refuse(ErrorKind::Unavailable)),
        (vec![Call::Commit], Fault::lose_answer(ErrorKind::TimedOut)),
        (vec![Call::Commit], Fault::lose_request(ErrorKind::TimedOut)),
    ]
}

fn sample_tree() -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for number in 0..FILES {
        std::fs::write(tree.path().join(number.to_string()), number.to_string()).unwrap();
    }
    tree
}

fn lines(directory: &Path) -> std::path::PathBuf {
    let path = directory.join("lines.jsonl");
    let lines = (0..FILES).map(|number| format!("{{\"id\":{number}}}\n"));
    std::fs::write(&path, lines.collect::<Vec<_>>().concat()).unwrap();
    path
}

/// How many entries the failure says are in the store.
fn claimed(report: &Report) -> u64 {
    let text = format!("{report:?}");
    let Some((_, after)) = text.split_once("what came before it, ") else {
        return 0;
    };
    let (number, _) = after.split_once(" entr").unwrap();
    number.replace(',', "").parse().unwrap()
}

/// Checks what the failure of an import says of a store that held so many
/// entries before.
fn tells_what_is_so(report: &Report, struck: &Struck, before: u64) {
    let text = format!("{report:?}");
    let holds = struck.holds();
    assert!(claimed(report) <= holds, "{text}");
    if text.contains("nothing was imported") {
        assert_eq!(holds, before, "{text}");
    }
    let leaves_open = text.contains("may be in the store") || text.contains("some more may be");
    if claimed(report) + before < holds {
        assert!(leaves_open, "{text}");
    }
    if leaves_open {
        assert!(text.contains("outcome: Some(Unknown)"), "{text}");
    }
}

fn fill(store: &SharedStore) {
    let mut batch = WriteBatch::new();
    for number in 0..FILES {
        batch = batch.mutation(Put::new(number.to_string(), number.to_string()));
    }
    block_on(store.commit(batch)).unwrap();
}

#[test]
fn an_import_of_a_tree_says_what_is_in_the_store_and_is_completed_by_another() {
    let tree = sample_tree();
    for (calls, fault) in faults() {
        for begun in [false, true] {
            at_each_call(&calls, &fault, |struck| {
                if begun {
                    block_on(struck.below.put("1", "other")).unwrap();
                }
                let import = || block_on(import::from_directory(&struck.store, tree.path()));
                if let Some(report) = struck.judged(import(), Status::Unavailable) {
                    tells_what_is_so(&report, struck, u64::from(begun));
                    import().unwrap();
                }
                assert_eq!(struck.holds(), FILES);
                let entry = block_on(struck.below.get("1")).unwrap().unwrap();
                assert_eq!(entry.value(), "1");
            });
        }
    }
}

#[test]
fn an_import_of_lines_says_what_is_in_the_store_and_is_completed_by_another() {
    let place = tempfile::tempdir().unwrap();
    let lines = lines(place.path());
    for (calls, fault) in faults() {
        at_each_call(&calls, &fault, |struck| {
            let import = || block_on(import::from_lines(&struck.store, &lines, "id"));
            if let Some(report) = struck.judged(import(), Status::Unavailable) {
                tells_what_is_so(&report, struck, 0);
                import().unwrap();
            }
            assert_eq!(struck.holds(), FILES);
        });
    }
}

#[test]
fn an_export_that_fails_leaves_no_file_of_lines_and_no_file_in_part() {
    for (fault, status) in [
        (Fault::refuse(ErrorKind::Unavailable), Status::Unavailable),
        (Fault::corrupt(), Status::Corrupt),
    ] {
        at_each_call(&Call::READS, &fault, |struck| {
            fill(&struck.below);
            let place = tempfile::tempdir().unwrap();
            let lines = place.path().join("out.jsonl");
            let exported = block_on(export::to_lines(&struck.store, &lines));
            let failed = struck.judged(exported, status).is_some();
            assert_eq!(lines.exists(), !failed);
            let left = place.path().read_dir().unwrap().count();
            assert_eq!(left, usize::from(!failed), "no temporary file is left");
        });
        at_each_call(&Call::READS, &fault, |struck| {
            fill(&struck.below);
            let place = tempfile::tempdir().unwrap();
            let exported = block_on(export::to_directory(&struck.store, place.path()));
            let failed = struck.judged(exported, status).is_some();
            let mut files = 0;
            for file in place.path().read_dir().unwrap() {
                let file = file.unwrap();
                let content = std::fs::read(file.path()).unwrap();
                assert_eq!(file.file_name().into_encoded_bytes(), content);
                files += 1;
            }
            assert_eq!(files == FILES, !failed);
        });
    }
}

#[test]
fn a_copy_that_fails_says_how_to_go_on_and_does() {
    let source = block_on(storage::open("memory:")).unwrap();
    fill(&source);
    for (calls, fault) in faults() {
        at_each_call(&calls, &fault, |struck| {
            let copy = || block_on(copy::between(&source, &struck.store, Notation::Plain));
            if let Some(report) = struck.judged(copy(), Status::Unavailable) {
                let text = format!("{report:?}");
                if text.contains("nothing was copied") {
                    assert_eq!(struck.holds(), 0, "{text}");
                }
                if !text.contains("the copy is finished all the same") {
                    assert!(
                        struck.holds() == 0 || text.contains("with --resume"),
                        "{text}"
                    );
                    copy().unwrap();
                }
            }
            assert_eq!(struck.holds(), FILES);
        });
    }
}

#[test]
fn a_check_that_fails_does_not_pass() {
    for (kind, status) in [
        (ErrorKind::Unavailable, Status::Unavailable),
        (ErrorKind::Corrupt, Status::Corrupt),
    ] {
        at_each_call(&[Call::Check], &Fault::refuse(kind), |struck| {
            let output = &mut Output::to_stdout();
            let checked = block_on(check::check(&struck.store, Form::Text, output));
            struck.judged(checked, status);
        });
    }
}
