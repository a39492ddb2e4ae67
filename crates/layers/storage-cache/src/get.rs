//! The future of a get.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use storage_core::{Key, ReadOptions};

use crate::{Cache, cache::Look, stripes::Answer};

pin_project! {
    /// A get: looks the key up, and asks below if that finds nothing.
    ///
    /// Written by hand so that it becomes one with the code that waits for it. The body of an
    /// async function is a function of its own, which gets its key through memory: written as
    /// two words and read as one piece, it would keep the processor from beginning a
    /// hit before all of the one before is done, which doubles the time of a hit.
    pub(crate) struct Get<'c, 'k, 'o, F> {
        cache: &'c Cache,
        key: Key<'k>,
        options: &'o ReadOptions,
        has_looked: bool,
        #[pin]
        below: F,
    }
}

impl<'c, 'k, 'o, F> Get<'c, 'k, 'o, F> {
    /// A get that is answered by `below` where the cache does not know the key.
    #[expect(clippy::inline_always, reason = "see `Get`")]
    #[inline(always)]
    pub(crate) const fn new(
        cache: &'c Cache,
        key: Key<'k>,
        options: &'o ReadOptions,
        below: F,
    ) -> Self {
        Self {
            cache,
            key,
            options,
            has_looked: false,
            below,
        }
    }
}

impl<F: Future<Output = Answer>> Future for Get<'_, '_, '_, F> {
    type Output = Answer;

    #[expect(clippy::inline_always, reason = "see `Get`")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let this = self.project();
        if !*this.has_looked {
            *this.has_looked = true;
            let demand = this.cache.demand(this.options.consistency);
            if let Look::Hit(entry) = this.cache.look(*this.key, demand) {
                return Poll::Ready(Ok(entry));
            }
        }
        poll_below(this.below, context)
    }
}

/// Not a part of what becomes one with its caller.
#[inline(never)]
fn poll_below<F: Future<Output = Answer>>(
    below: Pin<&mut F>,
    context: &mut Context<'_>,
) -> Poll<Answer> {
    below.poll(context)
}
