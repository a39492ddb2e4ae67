//! The list of files, which RocksDB calls a manifest.

use super::*;

#[tokio::test]
async fn a_list_of_files_cut_back_to_an_older_state_is_corrupt_and_left_alone() {
    let directory = tempdir().unwrap();
    let path = directory.path();
    let store = open(path).await.unwrap();
    commit(&store, 0..20, Durability::Synced).await;
    let manifest = files(path)
        .into_iter()
        .find(|file| name(file).starts_with("MANIFEST"))
        .unwrap();
    let older = fs::read(&manifest).unwrap().len();
    store.close().await.unwrap();
    let newer = fs::read(&manifest).unwrap().len();
    assert!(older < newer, "the close writes a file and lists it");

    let mut bytes = fs::read(&manifest).unwrap();
    bytes[older + 10] ^= 1;
    for bytes in [&bytes[..], &bytes[..older]] {
        fs::write(&manifest, bytes).unwrap();
        let before = tree(path);
        let error = open(path).await.unwrap_err();
        is_corrupt_and_names(&error, &manifest);
        assert_eq!(tree(path), before);
    }
}

fn newest_list(path: &Path) -> PathBuf {
    let mut lists = files(path);
    lists.retain(|file| name(file).starts_with("MANIFEST"));
    lists.pop().unwrap()
}

#[tokio::test]
async fn a_damaged_list_of_files_of_a_checkpoint_is_corrupt_and_left_alone() {
    let directory = tempdir().unwrap();
    let store = open(&directory.path().join("store")).await.unwrap();
    commit(&store, 0..20, Durability::Buffered).await;
    let made = directory.path().join("checkpoint");
    let path = made.clone();
    let checkpoint = store.with_engine(move |engine| engine.checkpoint(path));
    checkpoint.await.unwrap();
    let damaged = directory.path().join("damaged");
    let list = newest_list(&made);
    let list = damaged.join(list.strip_prefix(&made).unwrap());
    let mut refused = 0;
    for place in 0..fs::read(newest_list(&made)).unwrap().len() {
        copy(&made, &damaged);
        flip(&list, place);
        let before = tree(&damaged);
        match open(&damaged).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{place}: {error}");
                assert_eq!(tree(&damaged), before, "{place}");
                refused += 1;
            }
            // What the list says there is of no weight.
            Ok(store) => assert_eq!(count(&store).await.unwrap(), 20, "{place}"),
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_list_of_files_that_names_none_that_are_there_is_left_alone_without_a_mark() {
    let directory = sorted_store().await;
    let path = directory.path();
    fs::remove_file(path.join("SYNCED")).unwrap();
    // The older state has other files, which were removed.
    let list = newest_list(path);
    let end = fs::read(&list).unwrap().len() - 1;
    flip(&list, end);
    let table = with_extension(path, "sst").remove(0);
    fs::remove_file(table).unwrap();
    let tree_without_mark = || {
        let mut tree = tree(path);
        tree.remove(&path.join("SYNCED"));
        tree
    };
    let before = tree_without_mark();
    let error = open(path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(tree_without_mark(), before);
}
