//! How much dictionaries save.

use storage_compress::{CompressConfig, DictionaryConfig};
use storage_testkit::json::{Kind, Records};

use crate::scene::Scene;

/// How many times smaller 2,000 records are stored, once those before them were learnt from.
fn ratio(make: Kind, dictionaries: Option<DictionaryConfig>) -> f64 {
    const LEARNT_FROM: u32 = 1_000;
    let scene = match dictionaries {
        Some(config) => Scene::learning_with(config),
        None => Scene::with(CompressConfig::new().dictionaries(None)),
    };
    let records = Records::new(41);
    scene.fill("records", LEARNT_FROM, || make(&records));
    let before = scene.stats();
    scene.fill("records", 2_000, || make(&records));
    let after = scene.stats();
    let bytes = |of: fn(&storage_compress::CompressStats) -> u64| of(&after) - of(&before);
    let (logical, stored) = (bytes(|of| of.logical_bytes), bytes(|of| of.stored_bytes));
    f64::from(u32::try_from(logical).unwrap()) / f64::from(u32::try_from(stored).unwrap())
}

#[test]
fn records_of_200_bytes_get_nearly_twice_as_small_and_of_1_kb_nearly_three_times() {
    let kinds: [(Kind, f64); 2] = [(Records::account, 1.9), (Records::order, 2.8)];
    for (make, least) in kinds {
        let trained = ratio(make, Some(DictionaryConfig::new()));
        let plain = ratio(make, None);
        assert!(trained >= least, "{trained} with, {plain} without");
        assert!(trained >= 1.5 * plain, "{trained} with, {plain} without");
    }
}

#[test]
fn the_figures_are_those_of_values_with_a_dictionary() {
    let scene = Scene::learning();
    let records = Records::new(42);
    scene.teach("", || records.account());
    let before = scene.stats();
    scene.put("long", "a".repeat(5_000));
    assert_eq!(scene.stats().dictionaries, before.dictionaries);
    let record = records.account();
    scene.put("k", record.clone());
    scene.get("k").unwrap();
    let stats = scene.stats().dictionaries;
    let more = |after: u64, before: u64| usize::try_from(after - before).unwrap();
    let before = before.dictionaries;
    assert_eq!((stats.known, stats.trainings), (1, 1));
    assert!(!stats.training.is_zero() && stats.ratio() > 1.3);
    assert_eq!(more(stats.codec.compressed, before.codec.compressed), 1);
    assert_eq!(more(stats.codec.decompressed, before.codec.decompressed), 1);
    assert_eq!(
        more(stats.logical_bytes, before.logical_bytes),
        record.len()
    );
    assert_eq!(
        more(stats.stored_bytes, before.stored_bytes),
        scene.form("k").len()
    );
}
