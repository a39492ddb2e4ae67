//! Scans as streams of items, page by page.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures_core::Stream;

use crate::{Item, KeyRange, Page, Read, Result, ScanOptions};

type PageFuture<'a> = Pin<Box<dyn Future<Output = Result<Page>> + Send + 'a>>;

/// A scan under way: a [`Stream`] of items that holds one page at a time.
///
/// On a store each page shows the state at the time it was read; take a
/// snapshot to see one state throughout.
pub struct Scan<'a, R: Read> {
    source: &'a R,
    options: ScanOptions,
    items: vec::IntoIter<Item>,
    rest: Option<KeyRange>,
    page: Option<PageFuture<'a>>,
}

impl<'a, R: Read> Scan<'a, R> {
    pub(super) fn new(source: &'a R, range: KeyRange, options: ScanOptions) -> Self {
        Self {
            source,
            options,
            items: Vec::new().into_iter(),
            rest: Some(range),
            page: None,
        }
    }

    /// The next item; `None` at the end of the range.
    ///
    /// # Errors
    /// As for [`Read`]. After an error the scan is at its end.
    ///
    /// # Cancel safety
    /// No item is lost if the future is dropped.
    pub async fn next(&mut self) -> Result<Option<Item>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context))
            .await
            .transpose()
    }

    /// Every item that is left, in memory.
    ///
    /// # Errors
    /// As for [`Read`].
    pub async fn collect(mut self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<R: Read> Stream for Scan<'_, R> {
    type Item = Result<Item>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.items.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            if this.page.is_none() {
                let Some(range) = this.rest.take() else {
                    return Poll::Ready(None);
                };
                let (source, options) = (this.source, this.options.clone());
                this.page = Some(Box::pin(
                    async move { source.scan_with(&range, &options).await },
                ));
            }
            if let Some(page) = &mut this.page {
                let answer = ready!(page.as_mut().poll(context));
                this.page = None;
                match answer {
                    Ok(page) => {
                        this.items = page.items.into_iter();
                        this.rest = page.next;
                    }
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
        }
    }
}

impl<R: Read> std::fmt::Debug for Scan<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("options", &self.options)
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}
