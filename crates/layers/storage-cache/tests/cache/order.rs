//! Reads and writes of one process have one order, also where others may write.

use std::{sync::Arc, time::Duration};

use storage_cache::{CacheConfig, CacheLayer};
use storage_core::{ReadSupport, Stack, Store, memory::MemoryConfig};
use storage_testkit::linearizability::{Verdict, Workload, judge};

#[tokio::test]
async fn a_cache_that_others_may_outdate_is_linearizable_within_its_process() {
    let config = CacheConfig::shared(1 << 20, Duration::from_mins(1));
    let store = Stack::on(MemoryConfig::new().open())
        .with(CacheLayer::new(config))
        .open()
        .await
        .unwrap();
    assert_eq!(store.capabilities().reads, ReadSupport::OnDemand);
    let store = Arc::new(store);
    for seed in 0..50 {
        let workload = Workload {
            prefix: format!("history {seed}/").into(),
            process: 0,
            clients: 4,
            operations: 20,
            seed,
        };
        let history = workload.record(&store).await.unwrap();
        let verdict = judge(&history, ReadSupport::Linearizable);
        assert!(
            matches!(verdict, Verdict::Linearizable),
            "seed {seed}: {verdict:?}\n{}",
            history.to_lines().unwrap()
        );
    }
}
