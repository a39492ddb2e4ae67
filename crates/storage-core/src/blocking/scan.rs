//! Scans as iterators.

use super::driver::Driver;
use crate::{Item, Read, Result, Scan};

/// A scan under way, as an iterator that holds one page at a time. After an
/// error it is at its end.
#[derive(Debug)]
#[must_use = "a scan reads nothing until it is iterated over"]
pub struct BlockingScan<'a, R: Read> {
    driver: &'a Driver,
    scan: Scan<'a, R>,
}

impl<'a, R: Read> BlockingScan<'a, R> {
    pub(super) const fn new(driver: &'a Driver, scan: Scan<'a, R>) -> Self {
        Self { driver, scan }
    }
}

impl<R: Read> Iterator for BlockingScan<'_, R> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Self::Item> {
        self.driver.drive(self.scan.next()).transpose()
    }
}
