//! A listing, object by object, for as long as somebody wants more of it.

use futures_util::{TryStreamExt, stream::BoxStream};
use object_store::{ObjectMeta, Result};
use tokio::time::{Instant, timeout_at};

/// What somebody who is shown a listing wants next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// More.
    More,
    /// More, if it is there by then: a listing comes in several answers.
    MoreBy(Instant),
    /// No more.
    Enough,
}

/// How a listing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// With the last object, or where nobody wanted more.
    AsWanted,
    /// Where nobody wanted to wait for more.
    Late,
}

/// Shows `visit` the objects of a listing, until it wants no more.
pub(crate) async fn show(
    mut objects: BoxStream<'_, Result<ObjectMeta>>,
    visit: &mut (dyn FnMut(ObjectMeta) -> Step + Send),
) -> Result<Walked> {
    let mut step = Step::More;
    loop {
        let next = objects.try_next();
        let next = match step {
            Step::Enough => return Ok(Walked::AsWanted),
            Step::More => next.await,
            // What has come is shown, however late it is.
            Step::MoreBy(late) => match timeout_at(late, next).await {
                Ok(next) => next,
                Err(_) => return Ok(Walked::Late),
            },
        };
        step = match next? {
            Some(object) => visit(object),
            None => return Ok(Walked::AsWanted),
        };
    }
}
