//! Commits: guarded or not, waited for or dropped.

use storage_core::{Guard, ReadSupport, Store};

use super::{
    super::{
        Condition, Moment, OperationKind,
        coverage::StampedCommit,
        exchange::Exchange,
        step::{ChangePlan, GuardPlan, Name, Patience},
    },
    Client,
};
use crate::{CaseResult, failure::ensure};

/// A guard to commit with.
#[derive(Debug)]
struct Guarded {
    name: Name,
    guard: Guard,
    /// What holds where the guard does.
    condition: Condition,
    /// When its stamp was asked for, if it has one.
    since: Option<Moment>,
}

impl<S: Store> Client<S> {
    pub(super) async fn commit(
        &mut self,
        guard: Option<(Name, GuardPlan)>,
        changes: &[(Name, ChangePlan)],
        patience: Patience,
    ) -> CaseResult {
        let guard = match guard {
            Some((name, plan)) => match self.guard(name, plan).await? {
                Some(guarded) => Some(guarded),
                None => return Ok(()),
            },
            None => None,
        };
        let asked = self.ask_for(changes);
        let mut batch = self.batch(&asked);
        if let Some(guarded) = &guard {
            batch = batch.guard(guarded.guard.clone());
        }
        let options = self.durability();
        let (kind, place) = (OperationKind::Commit, self.place.take());
        let commit = self.store.commit_with(batch, &options);
        let exchange = match patience {
            Patience::UntilAnswered => Exchange::of(kind, place, commit).await,
            Patience::OnePoll => Exchange::dropped(kind, place, commit).await,
        };
        self.cover(&exchange, guard.as_ref(), patience)?;
        let condition = guard
            .as_ref()
            .map(|guarded| (guarded.name.to_owned(), guarded.condition.clone()));
        // A stamp is of the stored form, which may change where the value does
        // not; so a conflict over a stamp says nothing of the value.
        let refused = match &guard {
            Some(guarded) if guarded.since.is_none() => {
                Some((guarded.name.to_owned(), guarded.condition.negated()))
            }
            Some(_) | None => None,
        };
        self.changed(&exchange, condition, asked, refused)
    }

    /// Counts a commit, and fails if its answer makes no sense.
    fn cover<T>(
        &mut self,
        exchange: &Exchange<T>,
        guard: Option<&Guarded>,
        patience: Patience,
    ) -> CaseResult {
        let is_refused = exchange.is_conflict();
        let is_answered = exchange.is_answered() || is_refused;
        ensure!(
            guard.is_some() || !is_refused,
            "a commit without a guard was refused as a conflict"
        );
        // What nobody waited for need not be answered.
        if is_answered || patience == Patience::UntilAnswered {
            match guard {
                Some(_) => self.coverage.guarded.count(is_answered),
                None => self.coverage.unguarded.count(is_answered),
            }
        }
        let since = guard.and_then(|guarded| Some((guarded.name, guarded.since?)));
        if let (true, Some((name, since)), Some(until)) = (is_answered, since, exchange.answered) {
            self.stamped.push(StampedCommit {
                key: name.to_owned(),
                since,
                until,
                is_applied: !is_refused,
            });
        }
        Ok(())
    }

    async fn guard(&mut self, name: Name, plan: GuardPlan) -> CaseResult<Option<Guarded>> {
        let key = self.keys.key(name);
        let (guard, condition, since) = match plan {
            GuardPlan::Absent => (Guard::Absent(key), Condition::Absent, None),
            GuardPlan::Present => (Guard::Present(key), Condition::Present, None),
            GuardPlan::Unchanged => {
                let since = self.earliest_read();
                match self.get(name, None).await? {
                    Some(Some(entry)) => {
                        let value = entry.value().escape_ascii().to_string();
                        let guard = Guard::Unchanged(key, entry.stamp());
                        (guard, Condition::Is(value), Some(since))
                    }
                    Some(None) => (Guard::Absent(key), Condition::Absent, None),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(Guarded {
            name,
            guard,
            condition,
            since,
        }))
    }

    /// The earliest instant whose state a read from now on may show.
    fn earliest_read(&self) -> Moment {
        match self.store.capabilities().reads {
            ReadSupport::Linearizable => Moment::now(),
            ReadSupport::Eventual | ReadSupport::OnDemand => Moment::START,
        }
    }
}
