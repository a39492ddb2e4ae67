//! What people see of a store: its files.

use std::fs;

use storage_core::{
    ErrorKind, Key, ReadExt, SharedStore, Stack, Store, StoreExt, SystemKeys, WriteBatch,
    layer::PassThrough,
};
use storage_fs::FsBackend;

use crate::place::{Place, compact, file_of, value_files};

#[tokio::test]
async fn a_value_is_a_file_that_is_called_after_its_key() {
    let place = Place::new();
    let store = place.open().await;
    store.put("cat.jpg", "a picture").await.unwrap();
    let file = file_of(&store, "cat.jpg").await.unwrap();
    assert!(file.starts_with(place.path("store/data/values/0/000")));
    assert!(file.to_str().unwrap().ends_with(".cat.jpg"), "{file:?}");
    assert_eq!(fs::read_to_string(file).unwrap(), "a picture");
}

#[tokio::test]
async fn absent_keys_and_values_without_bytes_have_no_file() {
    let place = Place::new();
    let store = place.open().await;
    store.put("empty", "").await.unwrap();
    assert_eq!(file_of(&store, "empty").await, None);
    assert_eq!(file_of(&store, "absent").await, None);
    assert_eq!(store.get("empty").await.unwrap().unwrap().value(), "");
    store.close().await.unwrap();
    let store = place.open().await;
    assert_eq!(store.get("empty").await.unwrap().unwrap().value(), "");
}

#[tokio::test]
async fn keys_of_every_kind_have_a_file_of_their_own_within_the_store() {
    let place = Place::new();
    let store = place.open().await;
    let long = vec![b'x'; 65_536];
    let keys: Vec<&[u8]> = vec![
        b"",
        b".",
        b"..",
        b"../../../../escaped",
        b"/etc/passwd",
        b"a/b",
        b"a%2Fb",
        b"a b\n",
        b"\0",
        &[0xFF; 300],
        &long,
        &long[1..],
        "käse".as_bytes(),
        b"CON",
    ];
    let values = place.path("store/data/values");
    let mut files = Vec::new();
    for key in &keys {
        store.put(*key, key.to_vec()).await.unwrap();
        if let Some(file) = file_of(&store, *key).await {
            assert!(file.canonicalize().unwrap().starts_with(&values));
            assert_eq!(&fs::read(&file).unwrap(), key);
            assert!(!files.contains(&file));
            files.push(file);
        }
    }
    assert_eq!(files.len(), keys.len() - 1, "the empty value has no file");
    store.close().await.unwrap();
    let store = place.open().await;
    for key in keys {
        assert_eq!(store.get(key).await.unwrap().unwrap().value(), key);
    }
}

#[tokio::test]
async fn rows_of_layers_are_files_too_and_told_from_those_of_users() {
    let place = Place::new();
    let store = place.open().await;
    let key = SystemKeys::of("layer").key("row");
    store
        .commit(WriteBatch::new().put(key.clone(), "system"))
        .await
        .unwrap();
    store.put(key.bytes(), "user").await.unwrap();
    let system = file_of(&store, key.clone()).await.unwrap();
    let user = file_of(&store, key.bytes()).await.unwrap();
    assert!(system.to_str().unwrap().contains("+%02layer%00row"));
    assert!(user.to_str().unwrap().contains(".%02layer%00row"));
    assert_eq!(fs::read_to_string(system).unwrap(), "system");
    assert_eq!(fs::read_to_string(user).unwrap(), "user");
}

#[tokio::test]
async fn a_new_value_is_a_new_file_and_the_old_one_goes_unchanged() {
    let place = Place::new();
    let store = place.open().await;
    store.put("key", "one").await.unwrap();
    let one = file_of(&store, "key").await.unwrap();
    store.put("key", "two").await.unwrap();
    let two = file_of(&store, "key").await.unwrap();
    assert_ne!(one, two);
    // It may be gone already, but is never another value's.
    if let Ok(value) = fs::read_to_string(&one) {
        assert_eq!(value, "one");
    }
    compact(&store).await;
    assert!(!one.exists());
    assert_eq!(fs::read_to_string(two).unwrap(), "two");
    store.delete("key").await.unwrap();
    compact(&store).await;
    let left = value_files(&place.path("store"));
    let of_users = left
        .iter()
        .filter(|file| !file.to_str().unwrap().contains('+'));
    assert_eq!(of_users.count(), 0, "{left:?}");
}

#[tokio::test]
async fn what_people_put_among_value_files_is_reported_and_stays() {
    let place = Place::new();
    let store = place.open().await;
    store.put("key", "value").await.unwrap();
    let values = place.path("store/data/values");
    let foreign = [
        "readme",
        "0/notes",
        "0/000/photo.jpg",
        "0/000/5000.elsewhere",
        "7/1000",
    ];
    fs::create_dir(values.join("7")).unwrap();
    for path in foreign {
        fs::write(values.join(path), "mine").unwrap();
    }
    compact(&store).await;
    let report = store.check().await.unwrap();
    let mut places: Vec<_> = report.damages.iter().map(|damage| &*damage.place).collect();
    places.sort_unstable();
    let mut expected = foreign.map(|path| format!("data/values/{path}"));
    expected.sort_unstable();
    assert_eq!(places, expected);
    assert!(report.damages[0].detail.contains("move it elsewhere"));
    store.close().await.unwrap();
    let store = place.open().await;
    assert!(store.exists("key").await.unwrap());
    for path in foreign {
        assert_eq!(fs::read_to_string(values.join(path)).unwrap(), "mine");
    }
}

#[tokio::test]
async fn a_file_that_no_entry_names_is_reported_until_a_compaction_removes_it() {
    let place = Place::new();
    let store = place.open().await;
    store.put("key", "value").await.unwrap();
    store.put("key", "other").await.unwrap();
    compact(&store).await;
    // The number of the value that was replaced, and that of another entry.
    let orphan = place.path("store/data/values/0/000/1.key");
    let namesake = place.path("store/data/values/0/000/2.key");
    fs::write(&orphan, "value").unwrap();
    fs::write(&namesake, "value").unwrap();
    let report = store.check().await.unwrap();
    let mut places: Vec<_> = report.damages.iter().map(|damage| &*damage.place).collect();
    places.sort_unstable();
    assert_eq!(places, ["data/values/0/000/1.*", "data/values/0/000/2.key"]);
    compact(&store).await;
    assert!(!orphan.exists());
    assert!(namesake.exists());
    let report = store.check().await.unwrap();
    assert_eq!(report.damages.len(), 1, "{report:?}");
}

#[tokio::test]
async fn the_engine_is_found_below_layers_and_in_a_shared_store() {
    let place = Place::new();
    let store = Stack::on(place.open().await)
        .with(PassThrough)
        .open()
        .await
        .unwrap();
    let store = SharedStore::new(store);
    store.put("key", "value").await.unwrap();
    let files = store.find::<FsBackend>().unwrap();
    assert!(file_of(files, Key::from("key")).await.unwrap().exists());
    store.close().await.unwrap();
    let answer = files.with_engine(|_| Ok(())).await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Closed);
}
