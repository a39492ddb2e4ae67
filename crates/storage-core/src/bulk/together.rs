//! Futures that go on together.

use std::{future::poll_fn, task::Poll};

/// The outputs of all, in their order. Few at once: each wake looks at all of them.
pub(super) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).map(Ok).collect();
    poll_fn(|context| {
        for future in &mut futures {
            if let Ok(waiting) = future
                && let Poll::Ready(output) = waiting.as_mut().poll(context)
            {
                *future = Err(output);
            }
        }
        if futures.iter().any(Result::is_ok) {
            return Poll::Pending;
        }
        let outputs = std::mem::take(&mut futures).into_iter();
        Poll::Ready(outputs.filter_map(Result::err).collect())
    })
    .await
}
