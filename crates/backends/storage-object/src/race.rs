//! The race at open: whether a server honours conditions, whoever meets at it.
//!
//! Some servers that speak as S3 does ignore conditions, others judge them first
//! and write afterwards, with others in between. Neither shows in a single
//! request. So many requests race, of which one may win.
//!
//! Each round writes one name many times. Google takes one write of a name in a
//! second, and may refuse others with 429. So a request that is throttled is sent again
//! after the wait that the server names, or else after a second, two, four, while
//! there is time. Those that were throttled at once come back at once: they race with
//! each other still. Some answers that throttle do not say that nothing was done: a
//! condition that fails after one of them may have failed by what the same request did
//! before, which is no verdict.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use object_store::path::Path;
use storage_core::{Error, ErrorKind, Random, Result, Retry};
use tokio::time::{Instant, sleep_until};

use crate::{
    bucket::{Bucket, Content, Form, PutIf},
    failure::{Failure, Fate},
    name::Names,
    object::WriteId,
};

const ROUNDS: usize = 3;
const RACERS: usize = 30;

/// How long a throttled request waits at first where the server names no time.
const WAIT: Duration = Duration::from_secs(1);

/// What a race has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every condition was honoured.
    Honoured,
    /// One was not, and which.
    Ignored(String),
}

/// Lets requests race for objects of their own, which are removed afterwards.
///
/// # Errors
/// What keeps the race from being judged: a server that cannot be reached, or that
/// did not answer a request.
pub(crate) async fn race(
    bucket: &Bucket,
    names: &Names,
    random: &dyn Random,
    deadline: Instant,
) -> Result<Verdict> {
    let id = WriteId::draw(random)?;
    let name = blake3::hash(id.bytes()).to_hex();
    let course = names.races().join(name.as_str());
    // Where few requests may be under way at once, those that race are so all the
    // same: one by one, all servers honour conditions. Nobody else has the bucket yet.
    bucket.permits.add_permits(RACERS);
    let verdict = rounds(bucket, &course, deadline).await;
    bucket.permits.forget_permits(RACERS);
    // The verdict is known: an open does not wait long for this.
    let by = deadline.min(Instant::now() + 2 * WAIT);
    let removing = (0..=ROUNDS).map(|round| {
        let path = at(&course, round);
        async move { politely(by, || bucket.delete(&path, by)).await.last }
    });
    // One that is left is removed by whoever opens the store later.
    drop(join_all(removing).await);
    match verdict {
        Ok(()) => Ok(Verdict::Honoured),
        Err(Lost::Ignored(what)) => Ok(Verdict::Ignored(what)),
        Err(Lost::Unjudged(error)) => Err(error),
    }
}

/// Why no verdict in favour was reached.
enum Lost {
    Ignored(String),
    Unjudged(Error),
}

async fn rounds(bucket: &Bucket, course: &Path, deadline: Instant) -> Result<(), Lost> {
    one_by_one(bucket, &at(course, ROUNDS), deadline).await?;
    for round in 0..ROUNDS {
        let path = at(course, round);
        // Nothing is put twice: the same content may have the same `ETag`.
        let creating =
            (RACERS..2 * RACERS).map(|racer| put(bucket, &path, racer, PutIf::Absent, deadline));
        let form = winner("put if absent", join_all(creating).await)?;
        let changing = (0..RACERS).map(|racer| {
            let (path, form) = (&path, form.clone());
            async move {
                if racer % 2 == 0 {
                    put(bucket, path, racer, PutIf::Form(form), deadline).await
                } else {
                    let deleted = delete_form(bucket, path, &form, deadline).await;
                    deleted.with(form)
                }
            }
        });
        winner("put or delete if unchanged", join_all(changing).await)?;
    }
    Ok(())
}

/// What fails without any race.
async fn one_by_one(bucket: &Bucket, path: &Path, deadline: Instant) -> Result<(), Lost> {
    let put = |racer, put_if| put(bucket, path, racer, put_if, deadline);
    let first = won("put if absent", put(0, PutIf::Absent).await)?;
    refused("put if absent", put(1, PutIf::Absent).await)?;
    won("put if unchanged", put(2, PutIf::Form(first.clone())).await)?;
    refused("put if unchanged", put(3, PutIf::Form(first.clone())).await)?;
    let stale = delete_form(bucket, path, &first, deadline).await;
    refused("delete if unchanged", stale)?;
    let content = bucket.get(path, None, deadline).await;
    match content.map_err(|failed| Lost::Unjudged(failed.error))? {
        Some(object) if object.bytes == content_of(2) => {
            let deleted = delete_form(bucket, path, &object.form, deadline).await;
            won("delete if unchanged", deleted)
        }
        _ => Err(Lost::Ignored(
            "an object is not the one that was put".into(),
        )),
    }
}

async fn put(
    bucket: &Bucket,
    path: &Path,
    racer: usize,
    put_if: PutIf,
    deadline: Instant,
) -> Answer<Form> {
    let content = Content {
        pieces: [content_of(racer), Bytes::new()],
        class: None,
    };
    let put = || bucket.put(path, content.clone(), put_if.clone(), deadline);
    politely(deadline, put).await
}

async fn delete_form(bucket: &Bucket, path: &Path, form: &Form, deadline: Instant) -> Answer<()> {
    politely(deadline, || bucket.delete_form(path, form, deadline)).await
}

/// What is answered to a request that is sent again while it is throttled.
struct Answer<T> {
    last: Result<T, Failure>,
    /// Why an earlier one failed that may have done it all the same.
    doubt: Option<Error>,
}

impl<T> Answer<T> {
    fn with<U>(self, value: U) -> Answer<U> {
        Answer {
            last: self.last.map(|_| value),
            doubt: self.doubt,
        }
    }
}

/// The answer to a request that is sent again while it is throttled and there is time
/// to wait.
async fn politely<T, F>(deadline: Instant, request: impl Fn() -> F) -> Answer<T>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut wait = WAIT;
    let mut doubt = None;
    loop {
        let failed = match request().await {
            Err(failed) if failed.error.kind() == ErrorKind::Throttled => failed,
            last => return Answer { last, doubt },
        };
        let named = match failed.error.retry() {
            Retry::After(named) => named,
            Retry::Never => Duration::ZERO,
        };
        let again = Instant::now() + named.max(wait);
        if again >= deadline {
            let last = Err(failed);
            return Answer { last, doubt };
        }
        if failed.fate == Fate::Lost {
            doubt.get_or_insert(failed.error);
        }
        sleep_until(again).await;
        wait *= 2;
    }
}

fn content_of(racer: usize) -> Bytes {
    Bytes::from(format!("racer {racer}"))
}

/// The answer of the only racer that won.
fn winner(what: &str, answers: Vec<Answer<Form>>) -> Result<Form, Lost> {
    let count = answers.len();
    let mut winners = Vec::new();
    let mut doubt = None;
    for answer in answers {
        doubt = doubt.or(answer.doubt);
        match answer.last {
            Ok(form) => winners.push(form),
            Err(failed) => lost(what, failed)?,
        }
    }
    let all = winners.len();
    match (winners.pop(), doubt) {
        (Some(winner), _) if all == 1 => Ok(winner),
        // Who has won may have been told otherwise.
        (None, Some(doubt)) => Err(Lost::Unjudged(doubt)),
        _ => Err(Lost::Ignored(format!(
            "of {count} that raced to {what}, {all} won"
        ))),
    }
}

fn won<T>(what: &str, answer: Answer<T>) -> Result<T, Lost> {
    let Answer { last, doubt } = answer;
    last.map_err(|failed| match (lost(what, failed), doubt) {
        (Ok(()), None) => Lost::Ignored(format!("it refused to {what}, which held")),
        (Ok(()), Some(doubt)) => Lost::Unjudged(doubt),
        (Err(lost), _) => lost,
    })
}

fn refused<T>(what: &str, answer: Answer<T>) -> Result<(), Lost> {
    match answer.last {
        Ok(_) => Err(Lost::Ignored(format!(
            "it did not refuse to {what}, which did not hold"
        ))),
        Err(failed) => lost(what, failed),
    }
}

/// A failure that is the condition's.
fn lost(what: &str, failed: Failure) -> Result<(), Lost> {
    match failed.fate {
        Fate::ConditionFailed | Fate::Absent => Ok(()),
        Fate::Refused if failed.error.kind() == ErrorKind::Unsupported => {
            Err(Lost::Ignored(format!("it cannot {what}")))
        }
        Fate::Refused | Fate::Lost => Err(Lost::Unjudged(failed.error)),
    }
}

fn at(course: &Path, round: usize) -> Path {
    course.clone().join(round.to_string())
}
