//! What a test directs is what happens.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use storage_core::{
    ErrorKind, KeyRange, Outcome, ReadExt, Retry, RuntimeNeed, Space, Stack, Store, StoreExt,
    SystemKeys,
    blocking::block_on,
    memory::{MemoryBackend, MemoryConfig},
};
use storage_testkit::faulty::{Call, Fault, Faults, FaultyStore, Gate, Rule};

const KIND: ErrorKind = ErrorKind::Unavailable;

fn open() -> (FaultyStore<MemoryBackend>, Faults) {
    let faults = Faults::new();
    (
        FaultyStore::new(MemoryConfig::new().open(), &faults),
        faults,
    )
}

#[test]
fn a_rule_strikes_the_call_it_names() {
    let (store, faults) = open();
    let third = Rule::on(Call::Commit).nth(3);
    let injection = faults.inject(third, Fault::refuse(KIND)).unwrap();
    let answers: Vec<_> = (0..5_u8)
        .map(|n| block_on(store.put(&[n], "v")).is_ok())
        .collect();
    assert_eq!(answers, [true, true, false, true, true]);
    assert_eq!(
        (
            injection.times(),
            faults.injected(),
            faults.calls(Call::Commit)
        ),
        (1, 1, 5)
    );

    let from = Rule::on(Call::Get).from_nth(2);
    let injection = faults.inject(from, Fault::refuse(KIND)).unwrap();
    let answers: Vec<_> = (0..4_u8)
        .map(|n| block_on(store.get(&[n])).is_ok())
        .collect();
    assert_eq!(answers, [true, false, false, false]);
    faults.withdraw(&injection);
    assert!(block_on(store.get("k")).is_ok());
    assert_eq!(injection.times(), 3);
}

#[test]
fn a_rule_for_a_key_or_a_space_leaves_others_alone() {
    let (store, faults) = open();
    let system = SystemKeys::of("layer").key("row");
    faults
        .inject(Rule::on_any(Call::ALL).key("k"), Fault::refuse(KIND))
        .unwrap();
    let in_system = Rule::on_any(Call::ALL).space(Space::System);
    faults.inject(in_system, Fault::refuse(KIND)).unwrap();
    block_on(async {
        store.put("other", "v").await.unwrap();
        store.put("k", "v").await.unwrap_err();
        store.delete_range(KeyRange::prefix("j")).await.unwrap();
        store.delete_range(KeyRange::prefix("k")).await.unwrap_err();
        store.get_many(&["other".into()]).await.unwrap();
        store
            .get_many(&["other".into(), "k".into()])
            .await
            .unwrap_err();
        store.count(KeyRange::prefix("o")).await.unwrap();
        store.count(KeyRange::all()).await.unwrap_err();
        store.put(system.clone(), "v").await.unwrap_err();
        store.get(&system).await.unwrap_err();
        store.stats().await.unwrap();
    });
}

#[test]
fn chances_are_repeatable_and_about_as_often_as_asked() {
    let struck = |seed| {
        let faults = Faults::seeded(seed);
        let store = FaultyStore::new(MemoryConfig::new().open(), &faults);
        let rule = Rule::on(Call::Get).with_chance_percent(30);
        faults.inject(rule, Fault::refuse(KIND)).unwrap();
        (0..1_000)
            .map(|_| block_on(store.get("k")).is_err())
            .collect::<Vec<_>>()
    };
    assert_eq!(struck(5), struck(5));
    assert_ne!(struck(5), struck(6));
    let times = struck(5).iter().filter(|struck| **struck).count();
    assert!((250..350).contains(&times), "{times}");
}

#[test]
fn the_error_says_all_that_an_error_says() {
    let (store, faults) = open();
    let fault = Fault::refuse(ErrorKind::Full).retry_after(Duration::from_secs(3));
    faults.inject(Rule::on(Call::Commit), fault).unwrap();
    let error = block_on(store.put("k", "v")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3)));
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert_eq!(error.operation(), Some(storage_core::Operation::Commit));
    assert_eq!(
        (error.layer(), error.key().is_some()),
        (Some("faulty"), true)
    );
}

#[test]
fn damage_needs_a_value_to_be_in() {
    let (store, faults) = open();
    let damage = faults
        .inject(Rule::on_any(Call::READS), Fault::corrupt())
        .unwrap();
    assert_eq!(block_on(store.get("k")).unwrap(), None);
    assert_eq!(damage.times(), 0);
    block_on(store.put("k", "v")).unwrap();
    let error = block_on(store.get("k")).unwrap_err();
    assert_eq!((error.kind(), damage.times()), (ErrorKind::Corrupt, 1));
}

#[test]
fn a_dropped_commit_that_is_held_is_made_without_any_runtime() {
    let (store, faults) = open();
    let gate = Gate::new();
    faults
        .inject(Rule::on(Call::Commit), Fault::hold(&gate))
        .unwrap();
    assert!(
        pin!(store.put("k", "v"))
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    block_on(gate.wait_for_arrival());
    assert!(!block_on(store.exists("k")).unwrap());
    gate.open();
    block_on(faults.settled());
    assert!(block_on(store.exists("k")).unwrap());
}

#[test]
fn closing_waits_for_held_commits_and_not_for_late_ones() {
    let (store, faults) = open();
    let (held, late) = (Gate::new(), Gate::new());
    let fault = Fault::hold(&held);
    faults.inject(Rule::on(Call::Commit).nth(1), fault).unwrap();
    let mut put = pin!(store.put("k", "v"));
    let mut context = Context::from_waker(Waker::noop());
    assert!(put.as_mut().poll(&mut context).is_pending());
    let mut closing = pin!(store.close());
    assert!(closing.as_mut().poll(&mut context).is_pending());
    held.open();
    block_on(closing).unwrap();
    block_on(put).unwrap();

    let (store, faults) = open();
    let fault = Fault::apply_late(ErrorKind::TimedOut, &late);
    faults.inject(Rule::on(Call::Commit), fault).unwrap();
    let error = block_on(store.put("k", "v")).unwrap_err();
    assert_eq!(error.outcome(), Some(Outcome::Unknown));
    block_on(store.close()).unwrap();
    late.open();
    block_on(faults.settled());
}

#[tokio::test(start_paused = true)]
async fn a_delay_passes_with_the_time_of_the_runtime() {
    let (store, faults) = open();
    let (hour, start) = (Duration::from_hours(1), tokio::time::Instant::now());
    assert_eq!(store.describe().runtime, RuntimeNeed::None);
    faults
        .inject(Rule::on(Call::Commit).nth(1), Fault::hold(hour))
        .unwrap();
    faults
        .inject(Rule::on(Call::Get).nth(1), Fault::hold_answer(hour))
        .unwrap();
    assert_eq!(store.describe().runtime, RuntimeNeed::TimersAndSockets);
    store.put("k", "v").await.unwrap();
    assert!(store.exists("k").await.unwrap());
    assert!(start.elapsed() >= 2 * hour);
}

#[test]
fn a_delay_without_a_runtime_is_refused_and_changes_nothing() {
    let (store, faults) = open();
    let fault = Fault::hold(Duration::from_secs(1));
    faults.inject(Rule::on(Call::Commit), fault).unwrap();
    let error = block_on(store.put("k", "v")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.outcome(), Some(Outcome::NotApplied));
    assert!(!block_on(store.exists("k")).unwrap());
}

#[test]
fn snapshots_fail_by_rules_of_their_own() {
    let (store, faults) = open();
    block_on(store.put("k", "v")).unwrap();
    let snapshot = block_on(store.snapshot()).unwrap();
    let expired = Fault::refuse(ErrorKind::SnapshotExpired);
    faults.inject(Rule::on(Call::SnapshotGet), expired).unwrap();
    block_on(snapshot.get("k")).unwrap_err();
    assert!(block_on(store.exists("k")).unwrap());
}

#[test]
fn faults_are_a_layer_and_can_be_found() {
    let faults = Faults::new();
    let stack = Stack::on(MemoryConfig::new().open()).with(faults.clone());
    let store = block_on(stack.open()).unwrap();
    assert_eq!(store.describe().to_string(), "faulty > memory");
    let found: &Faults = store.find().unwrap();
    found
        .inject(Rule::on(Call::Get), Fault::refuse(KIND))
        .unwrap();
    block_on(store.get("k")).unwrap_err();
    assert_eq!(faults.injected(), 1);
}
