//! The two judges agree: over thousands of histories that are right, and over
//! thousands that may not be.

use storage_testkit::{
    linearizability::{History, Moment, Verdict, judge},
    storage_core::ReadSupport,
};

use crate::{
    at,
    random::{Choices, legal, perturbed},
};

/// A history of this seed: mostly small, of operations that overlap little or
/// much.
fn history(choices: &Choices) -> History {
    let count = 2 + choices.below(12);
    let spread = 1 + choices.below(80);
    legal(choices, count, spread, 8)
}

#[test]
fn both_judges_accept_what_is_right() {
    for seed in 0..5_000 {
        let history = history(&Choices::new(seed));
        let verdict = judge(&history, ReadSupport::Linearizable);
        assert_eq!(verdict, Verdict::Linearizable, "seed {seed}: {history:#?}");
        let verdict = judge(&history, ReadSupport::Eventual);
        assert_eq!(
            verdict,
            Verdict::Linearizable,
            "lagging, seed {seed}: {history:#?}"
        );
    }
}

#[test]
fn both_judges_agree_on_what_may_be_wrong() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..5_000 {
        let choices = Choices::new(seed);
        let history = perturbed(&choices, &history(&choices));
        match judge(&history, ReadSupport::Linearizable) {
            Verdict::Linearizable => right += 1,
            Verdict::NotLinearizable(_) => wrong += 1,
            other => panic!("{other:?}, seed {seed}: {history:#?}"),
        }
    }
    // Agreement over histories of one kind alone would say little.
    assert!(right > 1_000 && wrong > 1_000, "{right} and {wrong}");
}

#[test]
fn histories_of_hundreds_of_operations_are_judged() {
    for seed in 0..20 {
        let choices = Choices::new(seed);
        let history = legal(&choices, 300, 40, 60);
        let verdict = judge(&history, ReadSupport::Linearizable);
        assert_eq!(verdict, Verdict::Linearizable, "seed {seed}");
    }
}

/// What is rejected stays rejected, whatever follows.
#[test]
fn what_follows_does_not_heal_a_history() {
    let mut rejected = 0;
    for seed in 0..1_000 {
        let choices = Choices::new(seed);
        let history = perturbed(&choices, &history(&choices));
        let is_wrong = |history: &History| {
            let verdict = judge(history, ReadSupport::Linearizable);
            matches!(verdict, Verdict::NotLinearizable(_))
        };
        if !is_wrong(&history) {
            continue;
        }
        rejected += 1;
        let later = |moment: Moment| at(moment.as_nanoseconds() + 10_000);
        let mut longer = history.clone();
        for mut operation in legal(&choices, 5, 10, 8).operations().iter().cloned() {
            operation.called = later(operation.called);
            operation.answered = operation.answered.map(later);
            longer.merge(History::from_iter([operation]));
        }
        assert!(is_wrong(&longer), "seed {seed}: {longer:#?}");
    }
    assert!(rejected > 100, "{rejected}");
}
