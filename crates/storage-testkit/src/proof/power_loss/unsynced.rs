//! Which operations a loss of power may still undo.

use std::collections::BTreeSet;

use super::event::{Event, FileOperation, Scope};

/// The operations among `events` that no sync has made durable, by the index of
/// their event, in order.
///
/// A sync covers what had ended before it began, and counts once it has ended.
pub(super) fn unsynced(events: &[Event]) -> Vec<(usize, &FileOperation)> {
    let mut pending: Vec<(usize, &FileOperation)> = Vec::new();
    let mut running: Vec<(usize, BTreeSet<usize>)> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Mark(_) => {}
            Event::Operation(operation) => pending.push((index, operation)),
            Event::SyncBegins { sync, scope } => {
                let covered = pending
                    .iter()
                    .filter(|(index, operation)| covers(*scope, *index, operation))
                    .map(|(index, _)| *index)
                    .collect();
                running.push((*sync, covered));
            }
            Event::SyncEnds { sync } => {
                let ended = running.iter().position(|(begun, _)| begun == sync);
                if let Some(ended) = ended {
                    let (_, mut durable) = running.swap_remove(ended);
                    take_along(&pending, &mut durable);
                    pending.retain(|(index, _)| !durable.contains(index));
                }
            }
        }
    }
    pending
}

fn covers(scope: Scope, index: usize, operation: &FileOperation) -> bool {
    match scope {
        Scope::Node(node) => operation.governor() == node,
        Scope::Event(event) => event == index,
        Scope::All => true,
    }
}

/// Adds the operations on names without which the durable ones could not be.
fn take_along(pending: &[(usize, &FileOperation)], durable: &mut BTreeSet<usize>) {
    for (place, (index, operation)) in pending.iter().enumerate().rev() {
        if !operation.is_of_names() || !durable.contains(index) {
            continue;
        }
        for (earlier_index, earlier) in pending.iter().take(place) {
            if operation.depends_on(earlier) {
                durable.insert(*earlier_index);
            }
        }
    }
}
