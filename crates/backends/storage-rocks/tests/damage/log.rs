//! The log, as a crash leaves it.

use super::*;

/// The files that a crash leaves of a store of `synced` commits that were synced
/// and as many more that were not, and where the log ended after each commit.
async fn crashed(synced: u16) -> (TempDir, PathBuf, Vec<usize>) {
    let directory = tempdir().unwrap();
    let (live, left) = (directory.path().join("live"), directory.path().join("left"));
    let store = open(&live).await.unwrap();
    let mut ends = Vec::new();
    for number in 0..2 * synced {
        let durability = if number < synced {
            Durability::Synced
        } else {
            Durability::Buffered
        };
        commit(&store, number..number + 1, durability).await;
        let log = newest_log(&live);
        ends.push(fs::read(log).unwrap().len());
    }
    copy(&live, &left);
    (directory, left, ends)
}

#[tokio::test]
async fn a_torn_end_of_the_log_takes_whole_commits_that_were_not_synced() {
    const SYNCED: u16 = 10;
    let (directory, left, ends) = crashed(SYNCED).await;
    let torn = directory.path().join("torn");
    let log = torn.join(newest_log(&left).strip_prefix(&left).unwrap());
    let unsynced = ends[usize::from(SYNCED) - 1]..*ends.last().unwrap();
    let random = SeededRandom::new(5);
    for round in 0..30_u8 {
        copy(&left, &torn);
        let written = fs::read(&log).unwrap();
        let draw = usize::try_from(random.next_u64() % 1_000_000).unwrap();
        let place = unsynced.start + draw % unsynced.len();
        match round % 3 {
            0 => fs::write(&log, &written[..place]).unwrap(),
            1 => flip(&log, place),
            _ => {
                // A sector that never came.
                let mut bytes = written.clone();
                let end = (place + 512).min(bytes.len());
                bytes[place..end].fill(0);
                fs::write(&log, bytes).unwrap();
            }
        }
        let whole = ends.iter().filter(|end| **end <= place).count();

        let store = open(&torn).await.unwrap();

        assert_eq!(
            count(&store).await.unwrap(),
            whole,
            "torn at {place} of {unsynced:?}"
        );
        store.put("later", "value").await.unwrap();
        store.close().await.unwrap();
        let store = open(&torn).await.unwrap();
        assert!(store.exists("later").await.unwrap());
        assert!(store.health().await.unwrap().is_well());
    }
}

#[tokio::test]
async fn damage_to_what_was_synced_is_corrupt_names_the_log_and_stays_so() {
    const SYNCED: u16 = 10;
    let (directory, left, ends) = crashed(SYNCED).await;
    let damaged = directory.path().join("damaged");
    for place in [0, 30, ends[0] + 100, ends[usize::from(SYNCED) - 1] - 1] {
        copy(&left, &damaged);
        let log = &newest_log(&damaged);
        flip(log, place);
        let before = tree(&damaged);
        for _ in 0..2 {
            let error = open(&damaged).await.unwrap_err();
            is_corrupt_and_names(&error, log);
            assert_eq!(tree(&damaged), before, "to refuse it changes nothing");
        }
    }
    copy(&left, &damaged);
    let log = &newest_log(&damaged);
    fs::remove_file(log).unwrap();
    assert_eq!(open(&damaged).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn where_the_end_of_one_log_was_lost_the_log_after_it_is_not_read() {
    let directory = tempdir().unwrap();
    let (live, left) = (directory.path().join("live"), directory.path().join("left"));
    let store = open(&live).await.unwrap();
    // What the disk holds of the list of files, and of all else but the logs.
    copy(&live, &left);
    fs::remove_file(left.join("SYNCED")).unwrap();
    let first = newest_log(&live);
    let kept = directory.path().join("kept");
    fs::hard_link(&first, &kept).unwrap();
    let mut ends = Vec::new();
    let (second, commits) = loop {
        let number = u16::try_from(ends.len()).unwrap();
        commit(&store, number..number + 1, Durability::Buffered).await;
        ends.push(fs::read(&kept).unwrap().len());
        let newer = with_extension(&live, "log")
            .into_iter()
            .find(|log| *log > first);
        if let Some(second) = newer {
            commit(&store, number + 1..number + 2, Durability::Buffered).await;
            break (second, ends.len());
        }
    };
    let to = |log: &Path| left.join(log.strip_prefix(&live).unwrap());
    fs::copy(&second, to(&second)).unwrap();
    let whole = fs::read(&kept).unwrap();

    // With both logs whole, everything is there.
    fs::write(to(&first), &whole).unwrap();
    let intact = directory.path().join("intact");
    copy(&left, &intact);
    let found = count(&open(&intact).await.unwrap()).await.unwrap();
    assert_eq!(found, commits + 1);

    // The first log ends with a whole record, so nothing in it looks torn.
    fs::write(to(&first), &whole[..ends[4]]).unwrap();
    assert_eq!(count(&open(&left).await.unwrap()).await.unwrap(), 5);
}
