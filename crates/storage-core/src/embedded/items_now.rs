//! Scans of engines that know when they begin whether they would have to wait.

use crate::{Item, Result};

/// The items of a scan, or word that it would have to wait: what
/// [`scan_cached`](super::EngineRead::scan_cached) returns where the engine can
/// tell before the first item.
#[derive(Debug)]
pub struct ItemsNow<I>(Option<I>);

impl<I> ItemsNow<I> {
    /// `None` where the scan would have to wait.
    #[must_use]
    pub const fn new(items: Option<I>) -> Self {
        Self(items)
    }
}

impl<I: Iterator<Item = Result<Item>>> Iterator for ItemsNow<I> {
    type Item = Option<Result<Item>>;

    #[inline]
    fn next(&mut self) -> Option<Option<Result<Item>>> {
        match &mut self.0 {
            Some(items) => items.next().map(Some),
            None => Some(None),
        }
    }
}
