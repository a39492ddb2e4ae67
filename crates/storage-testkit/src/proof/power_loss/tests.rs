//! What a loss of power may leave, rule by rule.

use std::{collections::BTreeMap, fs, path::Path};

use super::{
    crash_point,
    event::{Event, FileOperation, Kind, Name, NodeId, Scope},
    loss::{Loss, after},
    strategy::Strategy,
    tree::Tree,
    unsynced::unsynced,
};
use crate::dice::Dice;

const ROOT: NodeId = NodeId(0);
/// A file of the base, `old`, which holds 2000 bytes `o`.
const OLD: NodeId = NodeId(1);
const NEW: NodeId = NodeId(2);
const SUB: NodeId = NodeId(3);

fn base() -> Tree {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("old"), [b'o'; 2000]).unwrap();
    Tree::load(directory.path()).unwrap().0
}

fn name(directory: NodeId, name: &str) -> Name {
    Name {
        directory,
        name: name.into(),
    }
}

fn create(directory: NodeId, called: &str, node: NodeId, kind: Kind) -> Event {
    Event::Operation(FileOperation::Create {
        name: name(directory, called),
        node,
        kind,
    })
}

fn rename(from: &str, to: &str, node: NodeId) -> Event {
    Event::Operation(FileOperation::Rename {
        from: name(ROOT, from),
        to: name(ROOT, to),
        node,
        kind: Kind::File,
    })
}

fn write(node: NodeId, offset: u64, bytes: &[u8]) -> Event {
    Event::Operation(FileOperation::Write {
        node,
        offset,
        bytes: bytes.to_vec(),
    })
}

fn resize(node: NodeId, size: u64) -> Event {
    Event::Operation(FileOperation::Resize { node, size })
}

fn sync(sync: usize, node: NodeId) -> [Event; 2] {
    let scope = Scope::Node(node);
    [Event::SyncBegins { sync, scope }, Event::SyncEnds { sync }]
}

/// What is on the disk if the power goes at the end, by path.
fn outcome(events: &[Event], strategy: Strategy, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let losses = strategy.losses(&unsynced(events), &Dice::new(seed));
    files(&after(&base(), events, &losses))
}

fn files(tree: &Tree) -> BTreeMap<String, Vec<u8>> {
    fn visit(path: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                visit(&entry.path(), &format!("{name}/"), files);
            } else {
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    let image = tempfile::tempdir().unwrap();
    tree.write_to(image.path()).unwrap();
    let mut found = BTreeMap::new();
    visit(image.path(), "", &mut found);
    found
}

fn held(files: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    let held = files.iter();
    held.map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()))
        .collect()
}

/// Every outcome that some strategy finds.
fn outcomes(events: &[Event]) -> Vec<BTreeMap<String, Vec<u8>>> {
    let mut all = Vec::new();
    for seed in 0..300 {
        let outcome = outcome(events, Strategy::draw(&Dice::new(seed)), seed);
        if !all.contains(&outcome) {
            all.push(outcome);
        }
    }
    all
}

const OLD_BYTES: &[u8] = &[b'o'; 2000];

#[test]
fn without_a_sync_a_write_may_be_lost_or_kept() {
    let events = [write(OLD, 0, b"new")];
    let mut changed = OLD_BYTES.to_vec();
    changed[..3].copy_from_slice(b"new");
    let outcomes = outcomes(&events);
    assert_eq!(outcomes.len(), 2, "one sector is never torn");
    assert!(outcomes.contains(&held(&[("old", OLD_BYTES)])));
    assert!(outcomes.contains(&held(&[("old", &changed)])));
}

#[test]
fn a_synced_write_is_there_whatever_is_lost() {
    let mut events = vec![write(OLD, 0, b"new")];
    events.extend(sync(0, OLD));
    let mut changed = OLD_BYTES.to_vec();
    changed[..3].copy_from_slice(b"new");
    assert_eq!(outcomes(&events), [held(&[("old", &changed)])]);
}

#[test]
fn a_write_that_ended_after_the_sync_began_is_not_covered() {
    let [begins, ends] = sync(0, OLD);
    let events = [begins, write(OLD, 0, b"new"), ends];
    assert_eq!(outcomes(&events).len(), 2);
}

#[test]
fn a_sync_that_has_not_ended_covers_nothing() {
    let [begins, _] = sync(0, OLD);
    let events = [write(OLD, 0, b"new"), begins];
    assert_eq!(outcomes(&events).len(), 2);
}

#[test]
fn a_write_through_a_synchronous_descriptor_is_durable_by_itself() {
    let events = [
        write(OLD, 0, b"lost"),
        write(OLD, 512, b"kept"),
        Event::SyncBegins {
            sync: 0,
            scope: Scope::Event(1),
        },
        Event::SyncEnds { sync: 0 },
    ];
    let outcome = outcome(&events, Strategy::LoseAll, 0);
    assert_eq!(outcome["old"][..4], *b"oooo");
    assert_eq!(outcome["old"][512..516], *b"kept");
}

#[test]
fn a_torn_write_keeps_or_loses_each_sector_whole() {
    let events = [write(OLD, 100, &[b'n'; 1500])];
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let outcome = outcome(&events, Strategy::Torn, seed);
        let bytes = &outcome["old"];
        assert_eq!(bytes.len(), 2000);
        let parts = [
            &bytes[100..512],
            &bytes[512..1024],
            &bytes[1024..1536],
            &bytes[1536..1600],
        ];
        let kept = parts.map(|part| {
            assert!(part.iter().all(|byte| *byte == part[0]), "half a sector");
            part[0] == b'n'
        });
        assert!(
            bytes[..100]
                .iter()
                .chain(&bytes[1600..])
                .all(|byte| *byte == b'o')
        );
        seen.insert(kept);
    }
    assert_eq!(seen.len(), 16, "each sector is torn by itself");
}

#[test]
fn lost_data_of_a_kept_size_reads_as_zeros() {
    let events = [write(OLD, 2000, &[b'n'; 100])];
    let outcome = outcome(&events, Strategy::LoseData, 0);
    assert_eq!(outcome["old"], [OLD_BYTES, &[0; 100]].concat());
}

#[test]
fn kept_data_of_a_lost_size_is_not_seen() {
    let events = [write(OLD, 2000, &[b'n'; 100])];
    let outcome = outcome(&events, Strategy::LoseNames, 0);
    assert_eq!(outcome["old"], OLD_BYTES);
}

#[test]
fn a_truncation_is_undone_or_kept() {
    let outcomes = outcomes(&[resize(OLD, 10)]);
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&held(&[("old", &OLD_BYTES[..10])])));
    assert!(outcomes.contains(&held(&[("old", OLD_BYTES)])));
}

#[test]
fn a_synced_truncation_stays_and_what_was_cut_off_stays_away() {
    let mut events = vec![resize(OLD, 10), resize(OLD, 20)];
    events.extend(sync(0, OLD));
    let expected = [&OLD_BYTES[..10], &[0; 10]].concat();
    assert_eq!(outcomes(&events), [held(&[("old", &expected)])]);
}

#[test]
fn syncing_a_file_does_not_make_its_name_durable() {
    let mut events = vec![create(ROOT, "new", NEW, Kind::File), write(NEW, 0, b"n")];
    events.extend(sync(0, NEW));
    let without = held(&[("old", OLD_BYTES)]);
    let with = held(&[("old", OLD_BYTES), ("new", b"n")]);
    let outcomes = outcomes(&events);
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&without) && outcomes.contains(&with));
}

#[test]
fn syncing_a_directory_makes_its_names_durable_and_no_content() {
    let mut events = vec![create(ROOT, "new", NEW, Kind::File), write(NEW, 0, b"n")];
    events.extend(sync(0, ROOT));
    let outcomes = outcomes(&events);
    assert!(outcomes.iter().all(|outcome| outcome.contains_key("new")));
    let contents: std::collections::BTreeSet<_> = outcomes
        .iter()
        .map(|outcome| outcome["new"].clone())
        .collect();
    assert_eq!(
        contents,
        [b"".to_vec(), b"\0".to_vec(), b"n".to_vec()].into()
    );
}

#[test]
fn a_directory_that_is_lost_takes_along_what_was_synced_in_it() {
    let mut events = vec![
        create(ROOT, "sub", SUB, Kind::Directory),
        create(SUB, "new", NEW, Kind::File),
        write(NEW, 0, b"n"),
    ];
    events.extend(sync(0, NEW));
    events.extend(sync(1, SUB));
    let lost = outcome(&events, Strategy::LoseAll, 0);
    assert_eq!(lost, held(&[("old", OLD_BYTES)]));
    events.extend(sync(2, ROOT));
    let kept = outcome(&events, Strategy::LoseAll, 0);
    assert_eq!(kept, held(&[("old", OLD_BYTES), ("sub/new", b"n")]));
}

#[test]
fn a_rename_is_undone_whole_or_kept_whole() {
    let mut events = vec![create(ROOT, "new", NEW, Kind::File), write(NEW, 0, b"n")];
    events.extend(sync(0, NEW));
    events.extend(sync(1, ROOT));
    events.push(rename("new", "old", NEW));
    let outcomes_before = outcomes(&events);
    assert_eq!(outcomes_before.len(), 2);
    assert!(outcomes_before.contains(&held(&[("old", OLD_BYTES), ("new", b"n")])));
    assert!(outcomes_before.contains(&held(&[("old", b"n")])));
    events.extend(sync(2, ROOT));
    assert_eq!(outcomes(&events), [held(&[("old", b"n")])]);
}

#[test]
fn a_renamed_file_that_was_not_synced_may_be_empty() {
    let mut events = vec![
        create(ROOT, "new", NEW, Kind::File),
        write(NEW, 0, b"n"),
        rename("new", "old", NEW),
    ];
    events.extend(sync(0, ROOT));
    let lost = outcome(&events, Strategy::LoseAll, 0);
    assert_eq!(lost, held(&[("old", b"")]));
}

#[test]
fn a_rename_is_lost_with_the_creation_that_it_depends_on() {
    let events = [
        create(ROOT, "new", NEW, Kind::File),
        rename("new", "old", NEW),
    ];
    let legal = [
        held(&[("old", OLD_BYTES)]),
        held(&[("old", OLD_BYTES), ("new", b"")]),
        held(&[("old", b"")]),
    ];
    for outcome in outcomes(&events) {
        assert!(legal.contains(&outcome), "{outcome:?}");
    }
}

#[test]
fn a_durable_rename_makes_durable_what_it_depends_on() {
    let mut events = vec![
        create(ROOT, "sub", SUB, Kind::Directory),
        create(ROOT, "new", NEW, Kind::File),
    ];
    events.extend(sync(0, ROOT));
    events.push(Event::Operation(FileOperation::Rename {
        from: name(ROOT, "new"),
        to: name(ROOT, "newer"),
        node: NEW,
        kind: Kind::File,
    }));
    events.push(Event::Operation(FileOperation::Rename {
        from: name(ROOT, "newer"),
        to: name(SUB, "newest"),
        node: NEW,
        kind: Kind::File,
    }));
    // Only the target's directory: the first rename is of the root.
    events.extend(sync(1, SUB));
    let kept = outcome(&events, Strategy::LoseAll, 0);
    assert_eq!(kept, held(&[("old", OLD_BYTES), ("sub/newest", b"")]));
}

#[test]
fn an_unlink_is_undone_with_all_content() {
    let events = [Event::Operation(FileOperation::Unlink {
        name: name(ROOT, "old"),
        node: OLD,
    })];
    let outcomes = outcomes(&events);
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&held(&[])));
    assert!(outcomes.contains(&held(&[("old", OLD_BYTES)])));
}

#[test]
fn holes_stay_holes_in_an_image() {
    use std::os::unix::fs::MetadataExt;
    let events = [
        create(ROOT, "new", NEW, Kind::File),
        resize(NEW, 64 << 20),
        write(NEW, 1 << 20, b"n"),
    ];
    let tree = after(&base(), &events, &BTreeMap::new());
    let image = tempfile::tempdir().unwrap();
    tree.write_to(image.path()).unwrap();
    let file = fs::metadata(image.path().join("new")).unwrap();
    assert_eq!(file.len(), 64 << 20);
    assert!(file.blocks() * 512 < 1 << 20, "{} blocks", file.blocks());
    let (read, _) = Tree::load(image.path()).unwrap();
    assert_eq!(read.differences(&tree, |_| false), Vec::<String>::new());
}

#[test]
fn a_loss_that_is_torn_names_its_sectors() {
    let loss = Loss::Torn {
        sectors: vec![true, false],
        size: None,
    };
    assert_eq!(loss.to_string(), "torn: 1 of 2 sectors kept, size lost");
}

#[test]
fn rare_moments_are_crash_points_as_often_as_frequent_ones() {
    let mut events: Vec<Event> = (0..500).map(|offset| write(OLD, offset, b"x")).collect();
    events.extend(sync(0, OLD));
    let around_the_sync = (0..300)
        .map(|seed| crash_point::draw(&events, &Dice::new(seed)))
        .filter(|point| *point >= 500)
        .count();
    assert!(around_the_sync > 100, "{around_the_sync}");
}
