//! Faults of the store below: it fails, stalls, answers late, and does not know
//! what became of a commit. Values are compressed with a dictionary.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod golden;

use storage_compress::{CompressConfig, CompressLayer, DictionaryConfig};
use storage_core::{Stack, StoreExt};
use storage_testkit::{survival::FaultyMemory, survives_faults};

survives_faults!(|below: FaultyMemory, components| async move {
    let config = CompressConfig::new().bytes_min(1);
    let sound = below.below().clone();
    let plain = CompressLayer::new(config.clone().dictionaries(None));
    Stack::on(sound.clone()).with(plain).open().await?;
    sound.put(golden::row_key(0), golden::row()).await?;
    let dictionaries = DictionaryConfig::new().value_bytes(1, 64 << 10);
    Stack::on(below)
        .with(CompressLayer::new(config.dictionaries(Some(dictionaries))))
        .components(components)
        .open()
        .await
});
