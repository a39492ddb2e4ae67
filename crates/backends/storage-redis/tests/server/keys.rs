//! What is in the server is what `docs/formats/redis.md` says, and what is not is
//! found.

use storage_core::{
    ErrorKind, KeyRange, Outcome, Read, ReadExt, ScanOptions, Store, StoreExt, Timestamp,
    WriteBatch,
};
use storage_testkit::servers::{RedisServer, RedisServerConfig};

use crate::{administrator, config, fails, not_applied, open};

fn call(server: &RedisServer, words: &[&str]) -> String {
    server.call(words).unwrap()
}

#[tokio::test]
async fn entries_are_stored_as_they_are_documented() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("height/1", "b5bb9d80").await.unwrap();
    let until = Timestamp::from_unix_milliseconds(u64::MAX);
    let batch = WriteBatch::new().put_until("k", "v", until);
    store
        .commit(batch.put_sequenced("log/", "!", "x"))
        .await
        .unwrap();

    let session = call(&server, &["HKEYS", "storage:notes"]);
    let stored = |key, commit: u8| {
        let script = "local value = redis.call('HGET', 'storage:entries', ARGV[1]) \
                      local stamp = redis.sha1hex(ARGV[2]):sub(1, 16) \
                      local found = value:sub(2, 9):gsub('.', function(byte) \
                        return string.format('%02x', byte:byte()) end) \
                      return {value:byte(1), tostring(found == stamp), value:sub(10)}";
        let from = format!("{session} {commit}");
        call(&server, &["EVAL", script, "0", key, &from])
    };
    assert_eq!(stored("\u{1}height/1", 1), "1\ntrue\nb5bb9d80");
    assert_eq!(stored("\u{1}log/\0\0\0\0\0\0\0\u{2}!", 2), "1\ntrue\nx");
    let length = call(&server, &["HSTRLEN", "storage:entries", "\u{1}k"]);
    assert_eq!(length, "18");
    let index = call(
        &server,
        &["ZRANGEBYLEX", "storage:index", "[\u{1}h", "(\u{1}i"],
    );
    assert_eq!(index, "\u{1}height/1");
    assert_eq!(call(&server, &["HGET", "storage:meta", "format"]), "1");
    assert_eq!(call(&server, &["HGET", "storage:meta", "last"]), "2");
    let mut keys: Vec<_> = call(&server, &["KEYS", "*"])
        .lines()
        .map(str::to_owned)
        .collect();
    keys.sort();
    let expected = ["entries", "index", "meta", "notes"].map(|name| format!("storage:{name}"));
    assert_eq!(keys, expected);
    for key in keys {
        assert_eq!(call(&server, &["TTL", &key]), "-1", "{key}");
    }
}

/// A failover takes the last commits along, and their numbers are given again.
#[tokio::test]
async fn a_guard_does_not_take_a_number_that_was_given_twice_for_one_commit() {
    let server = RedisServerConfig::new().start().unwrap();
    let (one, other) = (
        open(&administrator(&server)).await,
        open(&administrator(&server)).await,
    );
    let lost = one.put("k", "lost").await.unwrap();
    let stamp = one.get("k").await.unwrap().unwrap().stamp();
    call(&server, &["HINCRBY", "storage:meta", "last", "-1"]);
    let kept = other.put("k", "kept").await.unwrap();
    assert_eq!(lost.sequence, kept.sequence);
    let batch = WriteBatch::new().unchanged("k", stamp).put("k", "late");
    fails(one.commit(batch).await, ErrorKind::Conflict);
    assert_eq!(one.get("k").await.unwrap().unwrap().value(), "kept");
}

#[tokio::test]
async fn a_flushed_script_cache_is_filled_again() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    for round in 0..5_u8 {
        call(&server, &["SCRIPT", "FLUSH"]);
        store.put(&[round], "v").await.unwrap();
        call(&server, &["SCRIPT", "FLUSH"]);
        let count = store.count(KeyRange::all()).await.unwrap();
        assert_eq!(count, u64::from(round) + 1);
    }
}

#[tokio::test]
async fn ranges_that_hold_too_much_are_refused_and_spoil_no_other_commit() {
    let server = RedisServerConfig::new().start().unwrap();
    let mut config = config(&administrator(&server));
    config.range_entries_max = 10;
    let store = config.open().await.unwrap();
    for number in 0..11_u8 {
        store.put(&[number], "v").await.unwrap();
    }
    let all = || {
        WriteBatch::new()
            .put("k", "v")
            .delete_range(KeyRange::all())
    };
    let error = not_applied(store.commit(all()).await);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("11 entries"), "{error}");
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 11);
    store.delete(&[0]).await.unwrap();
    store.commit(all()).await.unwrap();
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_large_range_is_deleted_whole() {
    let server = RedisServer::shared();
    let store = open(&server.new_database()).await;
    for block in 0..4_u16 {
        let batch = (0..10_000_u16).fold(WriteBatch::new(), |batch, number| {
            let key = [block.to_be_bytes(), number.to_be_bytes()].concat();
            batch.put(key, "v")
        });
        store.commit(batch).await.unwrap();
    }
    let most = KeyRange::between([0, 0, 0, 1]..=[0, 3, 0x27, 0x0e]);
    store
        .commit(WriteBatch::new().delete_range(most))
        .await
        .unwrap();
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_store_that_was_removed_is_not_written_to() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("k", "v").await.unwrap();
    call(&server, &["FLUSHALL"]);
    let error = not_applied(store.put("k", "v").await);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(call(&server, &["DBSIZE"]), "0");
}

#[tokio::test]
async fn a_store_of_which_a_part_was_evicted_is_refused_until_it_is_emptied() {
    let server = RedisServerConfig::new().start().unwrap();
    let url = administrator(&server);
    for evicted in ["entries", "index", "meta", "notes"] {
        call(&server, &["FLUSHALL"]);
        let store = open(&url).await;
        store.put("k", "v").await.unwrap();
        call(&server, &["DEL", &format!("storage:{evicted}")]);
        if evicted == "notes" {
            store.put("k", "w").await.unwrap();
            continue;
        }
        let error = not_applied(store.put("k", "w").await);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{evicted}: {error}");
        if evicted == "meta" {
            fails(config(&url).open().await, ErrorKind::Invalid);
            continue;
        }
        assert!(error.message().contains("evicted"), "{error}");
        let error = fails(store.count(KeyRange::all()).await, ErrorKind::Corrupt);
        assert!(error.message().contains(evicted), "{error}");
    }
    call(&server, &["FLUSHALL"]);
    open(&url).await.put("k", "v").await.unwrap();
}

#[tokio::test]
async fn a_damaged_value_refuses_the_commit_that_looks_at_it_and_no_other() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("k", "v").await.unwrap();
    call(
        &server,
        &["HSET", "storage:entries", "\u{1}k", "\u{2}short"],
    );
    let guarded = WriteBatch::new().put("other", "v").present("k");
    let error = not_applied(store.commit(guarded).await);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    fails(store.count(KeyRange::all()).await, ErrorKind::Corrupt);
    assert!(!store.exists("other").await.unwrap());
    store.put("k", "mended").await.unwrap();
    assert_eq!(store.count(KeyRange::all()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_script_that_fails_in_the_middle_has_taken_its_number() {
    let server = RedisServerConfig::new().start().unwrap();
    let user = server.create_user("app", "~* +@all").unwrap();
    let store = open(&server.url(&user, 0)).await;
    store.put("a", "v").await.unwrap();
    call(&server, &["ACL", "SETUSER", "app", "-zadd"]);
    let error = store.put("b", "v").await.unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown), "{error:?}");
    assert_eq!(call(&server, &["HGET", "storage:meta", "last"]), "2");
}

#[tokio::test]
async fn a_scan_reads_no_more_large_values_than_a_page_holds() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    for number in 0..24_u8 {
        store.put(&[0, number], "v").await.unwrap();
    }
    for number in 0..48_u8 {
        store.put(&[1, number], vec![7; 1 << 20]).await.unwrap();
    }
    call(&server, &["SCRIPT", "FLUSH", "SYNC"]);
    let options = ScanOptions::new().bytes_max(2 << 20);
    let page = store.scan_with(&KeyRange::all(), &options).await.unwrap();
    assert!(page.items.len() >= 25, "{}", page.items.len());
    let memory = call(&server, &["INFO", "memory"]);
    let script = memory
        .lines()
        .find_map(|line| line.strip_prefix("used_memory_vm_eval:"));
    let script: u64 = script.unwrap().trim().parse().unwrap();
    assert!(script < 16 << 20, "{script}");
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let server = RedisServerConfig::new().start().unwrap();
    let store = open(&administrator(&server)).await;
    store.put("a", "v").await.unwrap();
    store.put("b", "v").await.unwrap();
    assert!(store.check().await.unwrap().damages.is_empty());
    let entries = "storage:entries";

    call(&server, &["HSET", entries, "\u{1}b", "no header"]);
    fails(store.get("b").await, ErrorKind::Corrupt);
    assert!(store.exists("a").await.unwrap());
    assert_eq!(store.check().await.unwrap().damages.len(), 1);

    call(&server, &["HDEL", entries, "\u{1}b"]);
    let scanned = store
        .scan(KeyRange::all(), ScanOptions::new())
        .collect()
        .await;
    fails(scanned, ErrorKind::Corrupt);
    call(&server, &["ZREM", "storage:index", "\u{1}b"]);
    assert!(store.check().await.unwrap().damages.is_empty());

    call(&server, &["ZREM", "storage:index", "\u{1}a"]);
    let damages = store.check().await.unwrap().damages;
    assert!(format!("{damages:?}").contains("\\\\x01a"), "{damages:?}");
}

#[tokio::test]
async fn notes_of_sessions_long_gone_are_removed() {
    let server = RedisServerConfig::new().start().unwrap();
    let url = administrator(&server);
    open(&url).await.put("k", "v").await.unwrap();
    for session in 0..10 {
        let name = format!("gone:{session}");
        call(&server, &["HSET", "storage:notes", &name, "1 1000 1"]);
    }
    for _ in 0..10 {
        open(&url).await.put("k", "v").await.unwrap();
    }
    let notes = call(&server, &["HKEYS", "storage:notes"]);
    assert!(!notes.contains("gone:"), "{notes}");
    assert_eq!(notes.lines().count(), 11);
}
