//! One loss of power: when it happened, and what it left.

use std::collections::BTreeMap;

use super::{
    crash_point,
    event::Event,
    loss::{Loss, after},
    record::Recording,
    strategy::Strategy,
    tree::Tree,
    unsynced::unsynced,
};
use crate::dice::Dice;

/// A loss of power in the course of a recording.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// How many events had happened.
    pub(super) point: usize,
    pub(super) strategy: Strategy,
    /// What became of each operation that was not durable, by its event.
    pub(super) losses: BTreeMap<usize, Loss>,
}

impl Image {
    /// Some loss of power in a recording.
    pub(super) fn draw(recording: &Recording, dice: &Dice) -> Self {
        Self::at(crash_point::draw(&recording.events, dice), recording, dice)
    }

    /// A loss of power after everything that was recorded.
    pub(super) fn at_the_end(recording: &Recording, dice: &Dice) -> Self {
        Self::at(recording.events.len(), recording, dice)
    }

    fn at(point: usize, recording: &Recording, dice: &Dice) -> Self {
        let strategy = Strategy::draw(dice);
        let happened = recording.events.get(..point).unwrap_or_default();
        Self {
            point,
            strategy,
            losses: strategy.losses(&unsynced(happened), dice),
        }
    }

    /// What the disk holds.
    pub(super) fn tree(&self, recording: &Recording) -> Tree {
        after(&recording.base, self.happened(recording), &self.losses)
    }

    /// What the process had noted.
    pub(super) fn notes(&self, recording: &Recording) -> Vec<u8> {
        let marks = self.happened(recording).iter();
        let marks = marks.filter_map(|event| match event {
            Event::Mark(text) => Some(text.as_slice()),
            _ => None,
        });
        marks.collect::<Vec<_>>().concat()
    }

    fn happened<'a>(&self, recording: &'a Recording) -> &'a [Event] {
        recording.events.get(..self.point).unwrap_or_default()
    }
}
