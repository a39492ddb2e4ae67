//! Where in a recording the power goes.

use super::event::{Event, FileOperation};
use crate::dice::Dice;

/// How many of the events have happened when the power goes.
///
/// Moments at which something is promised or begins to be durable are favoured:
/// each kind of moment is as likely as any other, however rare it is.
pub(super) fn draw(events: &[Event], dice: &Dice) -> usize {
    let mut moments: [Vec<usize>; 6] = Default::default();
    let [answers, begins, ends, names, sizes, any] = &mut moments;
    for (index, event) in events.iter().enumerate() {
        let (before, after) = (index, index.saturating_add(1));
        any.push(after);
        match event {
            Event::Mark(_) => answers.push(after),
            Event::SyncBegins { .. } => begins.extend([before, after]),
            Event::SyncEnds { .. } => ends.extend([before, after]),
            Event::Operation(FileOperation::Resize { .. }) => sizes.extend([before, after]),
            Event::Operation(operation) if operation.is_of_names() => {
                names.extend([before, after]);
            }
            Event::Operation(_) => {}
        }
    }
    let kinds: Vec<&Vec<usize>> = moments.iter().filter(|kind| !kind.is_empty()).collect();
    let kind = kinds.get(place_of(kinds.len(), dice));
    kind.and_then(|kind| kind.get(place_of(kind.len(), dice)))
        .copied()
        .unwrap_or_default()
}

fn place_of(count: usize, dice: &Dice) -> usize {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    usize::try_from(dice.below(count)).unwrap_or_default()
}
