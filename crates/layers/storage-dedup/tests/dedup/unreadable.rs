//! Rows and chunks that the store below cannot read.

use std::time::Duration;

use storage_core::{ErrorKind, Space, Store, blocking::block_on};
use storage_dedup::CollectConfig;
use storage_testkit::{
    faulty::{Call, Fault, Rule},
    wait_for,
};

use crate::scene::{Scene, config, noise};

fn issues(scene: &Scene) -> Vec<&'static str> {
    let health = block_on(scene.store.health()).unwrap();
    health.issues.iter().map(|issue| issue.name).collect()
}

#[test]
fn a_row_that_cannot_be_read_keeps_its_chunk_and_no_others() {
    for kind in ["l", "m"] {
        let scene = Scene::new();
        for number in 0..3 {
            scene.put(&format!("{number}"), noise(number, 64));
        }
        for number in 0..3 {
            scene.delete(&format!("{number}"));
        }
        if kind == "m" {
            assert_eq!(scene.collect().condemned, 3);
            scene.clock.advance(super::scene::GRACE);
        }
        // The one in the middle.
        let row = Scene::own_key(kind, &scene.rows(kind)[1].0);
        let unreadable = Rule::on(Call::Get).key(row.clone());
        scene.faults.inject(unreadable, Fault::corrupt()).unwrap();
        let page = Rule::on(Call::Scan).key(row).nth(1);
        scene.faults.inject(page, Fault::corrupt()).unwrap();

        let report = scene.collect();
        assert_eq!(report.condemned + report.removed, 2, "{kind}");
        assert_eq!(scene.rows(kind).len(), 1, "{kind}");
        let failure = scene.stats().failure.unwrap();
        assert!(failure.contains("not collected"), "{failure}");
        assert_eq!(issues(&scene), ["dedup_collect"]);

        scene.faults.withdraw_all();
        let report = scene.collect();
        assert_eq!(report.condemned + report.removed, 1, "{kind}");
        assert_eq!(scene.stats().failure, None);
        assert_eq!(issues(&scene), [""; 0]);
        scene.assert_sound();
    }
}

#[test]
fn a_failed_pass_is_an_issue_until_one_succeeds() {
    let scene = Scene::new();
    scene.put("k", noise(1, 64));
    let fault = Fault::refuse(ErrorKind::Unavailable);
    scene.faults.inject(Rule::on(Call::Scan), fault).unwrap();
    let error = block_on(scene.control().collect_now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(issues(&scene), ["dedup_collect"]);
    scene.faults.withdraw_all();
    scene.collect();
    assert_eq!(issues(&scene), [""; 0]);
}

#[test]
fn a_pass_that_fails_in_the_background_is_an_issue() {
    let collect = CollectConfig::new().every(Duration::from_millis(1));
    let scene = Scene::with(config().collect(collect));
    let fault = Fault::refuse(ErrorKind::Unavailable);
    scene.faults.inject(Rule::on(Call::Scan), fault).unwrap();
    wait_for("an issue", || issues(&scene) == ["dedup_collect"]);
    scene.faults.withdraw_all();
    wait_for("a pass", || issues(&scene).is_empty());
}

/// From the nth page on the check can read nothing more.
#[test]
fn what_a_check_cannot_look_at_is_named_and_taken_for_nothing_else() {
    let scene = Scene::new();
    for number in 0..3 {
        scene.put(&format!("{number}"), noise(number, 64));
    }
    scene.delete("0");
    scene.collect();
    for space in [Space::User, Space::System] {
        for nth in 1.. {
            let pages = Rule::on(Call::SnapshotScan).space(space).from_nth(nth);
            let injection = scene.faults.inject(pages, Fault::corrupt()).unwrap();
            let damages = scene.check().damages;
            scene.faults.withdraw_all();
            if injection.times() == 0 {
                assert!(nth > 2, "{space:?} {nth}");
                assert_eq!(damages, []);
                break;
            }
            assert!(!damages.is_empty(), "{space:?} {nth}");
            for damage in damages {
                assert!(damage.detail.contains("was not looked at"), "{damage:?}");
            }
        }
    }
}
