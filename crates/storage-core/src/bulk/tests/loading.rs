//! Claims about a writer over one store: what it leaves out, how durably it ends,
//! and its limits.

use super::*;

#[test]
fn a_put_behind_the_removal_of_its_key_is_never_left_out() {
    let store = memory();
    for key in ["a", "b", "c"] {
        block_on(store.put(key, "1")).unwrap();
    }
    let report = block_on(async {
        let mut writer = BulkWriter::new(&store, BulkLimits::default(), Unchanged::LeaveOut);
        writer.remove("a".into()).await?;
        writer.put(Put::new("a", "1")).await?;
        writer.put(Put::new("b", "1")).await?;
        writer.remove("b".into()).await?;
        writer.put(Put::new("c", "1")).await?;
        writer.finish().await
    });
    let report = report.unwrap();
    assert_eq!((report.unchanged.entries, report.removed), (1, 2));
    assert_eq!(block_on(store.get("a")).unwrap().unwrap().value(), "1");
    assert!(block_on(store.get("b")).unwrap().is_none());
    assert!(block_on(store.get("c")).unwrap().is_some());
}

#[test]
fn a_put_that_changes_nothing_is_left_out_only_if_it_would_have_been_the_last() {
    let store = memory();
    block_on(store.put("a", "2")).unwrap();
    block_on(store.put("b", "2")).unwrap();
    block_on(async {
        let mut writer = BulkWriter::new(&store, BulkLimits::default(), Unchanged::LeaveOut);
        for (key, value) in [("a", "1"), ("a", "2"), ("b", "2"), ("b", "1"), ("c", "1")] {
            writer.put(Put::new(key, value)).await.unwrap();
        }
        writer.put(Put::new("c", "1").until(far())).await.unwrap();
        let report = writer.finish().await.unwrap();
        assert_eq!((report.unchanged.entries, report.written.entries), (2, 4));
        let value = async |key: &str| store.get(key).await.unwrap().unwrap();
        assert_eq!(value("a").await.value(), "2");
        assert_eq!(value("b").await.value(), "1");
        assert_eq!(value("c").await.expires(), Some(far()));
    });
}

#[test]
fn a_load_ends_as_durable_as_the_store_can_though_nothing_changed() {
    use crate::Durability::{Buffered, Synced};
    let store = Altered::new(memory(), |it| it.durability_max = Synced);
    let limits = BulkLimits {
        entries_max: 1,
        ..BulkLimits::default()
    };
    for unchanged in [Unchanged::Rewrite, Unchanged::LeaveOut] {
        store.durabilities.lock().unwrap().clear();
        let mut writer = BulkWriter::new(&store, limits, unchanged);
        for key in ["a", "b"] {
            block_on(writer.put(Put::new(key, "1"))).unwrap();
        }
        block_on(writer.finish()).unwrap();
        let asked = store.durabilities.lock().unwrap().clone();
        match unchanged {
            Unchanged::Rewrite => assert_eq!(asked, [Some(Buffered), None]),
            Unchanged::LeaveOut => assert_eq!(asked, [None]),
        }
    }
}

#[test]
fn a_load_stays_within_its_limits() {
    let store = memory();
    let limits = BulkLimits {
        entries_max: 10,
        bytes_max: 25,
    };
    let mut writer = BulkWriter::new(&store, limits, Unchanged::Rewrite);
    for number in 0..30_u8 {
        block_on(writer.put(Put::new(&[number], vec![0; 9]))).unwrap();
        let acknowledged = writer.acknowledged().written.entries;
        assert_eq!(acknowledged, u64::from(number) / 2 * 2);
    }
    block_on(writer.put(Put::new("large", vec![0; 100]))).unwrap();
    assert_eq!(
        block_on(writer.finish()).unwrap().written.bytes,
        30 * 10 + 105
    );
    let user = KeyRange::all().in_space(Space::User);
    assert_eq!(block_on(store.count(user)).unwrap(), 31);
}

/// A store whose batches are of one key.
fn narrow(store: MemoryBackend) -> Altered<MemoryBackend> {
    Altered::new(store, |it| {
        it.batch = crate::BatchScope::Key;
        it.batch_operations_max = 1;
    })
}

#[test]
fn what_is_done_to_one_key_keeps_its_order_where_batches_are_of_one_key() {
    let store = memory();
    let target = narrow(store.clone());
    let report = block_on(async {
        let mut writer = BulkWriter::new(&target, BulkLimits::default(), Unchanged::Rewrite);
        for number in 0..200_u32 {
            writer.put(Put::new("same", number.to_string())).await?;
            writer.put(Put::new(&number.to_be_bytes(), "v")).await?;
            if number % 3 == 0 {
                writer.remove((&number.to_be_bytes()[..]).into()).await?;
            }
        }
        writer.finish().await
    });
    let report = report.unwrap();
    assert_eq!((report.written.entries, report.removed), (400, 67));
    assert_eq!(block_on(store.get("same")).unwrap().unwrap().value(), "199");
    assert_eq!(block_on(store.count(KeyRange::all())).unwrap(), 1 + 133);
}

#[test]
fn batches_of_one_key_are_committed_at_once() {
    let store = narrow(memory());
    block_on(async {
        let mut writer = BulkWriter::new(&store, BulkLimits::default(), Unchanged::Rewrite);
        for number in 0..300_u32 {
            let put = Put::new(&number.to_be_bytes(), "v");
            writer.put(put).await.unwrap();
        }
        assert_eq!(writer.finish().await.unwrap().written.entries, 300);
    });
    assert_eq!(store.under_way.lock().unwrap().1, 64);
}
