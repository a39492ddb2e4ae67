//! Power loss: what a store does to its files is recorded, and legal outcomes
//! of a loss of power are made of it.

mod content;
mod crash_point;
mod event;
mod fate;
mod record;
mod strategy;
#[cfg(test)]
mod tests;
mod tree;
mod unsynced;
