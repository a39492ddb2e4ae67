//! Taking ratios on a machine that other work shares.
//!
//! A cell is one subject doing one thing, measured in a process of its own, so
//! that no allocator, cache or page of an earlier subject is left over. In each
//! round every cell runs once, in shuffled order, and a subject is compared with
//! the baseline of the same round. What a row reports is the median of these
//! ratios and their interquartile range.

mod interrupt;
mod measurement;
mod ratio;
mod rounds;
mod row;

pub(crate) use self::{
    interrupt::Interrupt,
    measurement::{Measurement, Stopwatch},
    rounds::{Rounds, cells, median_wall, play},
    row::{Bar, Comparison, Figure, Labels, Row},
};
