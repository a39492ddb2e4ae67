//! Claims about a writer whose puts and removals meet, over one store.

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
