//! Scans of engines that know when they begin whether they would have to wait.

use crate::{Item, Result};

/// The items of a scan, or word that it would have to wait: what
/// [`scan_cached`](super::EngineRead::scan_cached) returns where the engine can
/// tell before the first item.
#[derive(Debug)]
pub struct CachedItems<I>(State<I>);

#[derive(Debug)]
enum State<I> {
    Begun(I),
    WouldWait,
    Over,
}

impl<I> CachedItems<I> {
    /// `None` where the scan would have to wait.
    #[must_use]
    pub fn new(items: Option<I>) -> Self {
        Self(items.map_or(State::WouldWait, State::Begun))
    }
}

impl<I: Iterator<Item = Result<Item>>> Iterator for CachedItems<I> {
    type Item = Option<Result<Item>>;

    #[inline]
    fn next(&mut self) -> Option<Option<Result<Item>>> {
        match &mut self.0 {
            State::Begun(items) => items.next().map(Some),
            State::WouldWait => {
                self.0 = State::Over;
                Some(None)
            }
            State::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, Error};

    #[test]
    fn a_scan_that_would_wait_says_so_once() {
        let items: [Result<Item>; 2] = [
            Ok(Item::new("key".into(), Entry::without_value(None))),
            Err(Error::closed()),
        ];
        let begun: Vec<_> = CachedItems::new(Some(items.into_iter())).collect();
        assert!(matches!(&*begun, [Some(Ok(_)), Some(Err(_))]));
        let refused: Vec<_> = CachedItems::new(None::<std::vec::IntoIter<_>>).collect();
        assert!(matches!(&*refused, [None]));
    }
}
