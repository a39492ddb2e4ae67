//! An event log that never disagrees with the data it is about: each change of
//! an order commits together with its event, and the event's key holds the
//! sequence of that commit.
//!
//! `cargo run -p storage --example event_log`

use std::{
    error::Error,
    io::{self, Write},
};

use storage::{Sequence, Space, prelude::*};

fn main() -> Result<(), Box<dyn Error>> {
    storage::blocking::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let store = storage::open("memory:").await?;
    let mut out = io::stdout().lock();

    set_state(&store, "order/17", "placed").await?;
    set_state(&store, "order/18", "placed").await?;
    set_state(&store, "order/17", "paid").await?;

    // A reader remembers where it stopped.
    let mut position = Sequence::ZERO;
    position = print_events_after(&store, position, &mut out).await?;

    set_state(&store, "order/17", "shipped").await?;
    set_state(&store, "order/18", "cancelled").await?;
    writeln!(out, "-- the reader comes back at {position} --")?;
    print_events_after(&store, position, &mut out).await?;
    Ok(())
}

async fn set_state(store: &SharedStore, order: &str, state: &str) -> storage::Result<()> {
    let event = format!("{order} is {state}");
    let batch = WriteBatch::new()
        .put(order, state.to_owned())
        .put_sequenced("event/", "", event);
    store.commit(batch).await?;
    Ok(())
}

/// Prints the events after `position`; answers the position of the last one.
async fn print_events_after(
    store: &SharedStore,
    position: Sequence,
    out: &mut impl Write,
) -> Result<Sequence, Box<dyn Error>> {
    let mut events = store.scan(events_after(position), ScanOptions::new());
    let mut last = position;
    while let Some(item) = events.next().await? {
        last = sequence_of(&item.key).ok_or("an event's key holds no sequence")?;
        writeln!(
            out,
            "{last:>4}  {}",
            String::from_utf8_lossy(item.entry.value())
        )?;
    }
    Ok(last)
}

fn events_after(position: Sequence) -> KeyRange {
    let mut key = b"event/".to_vec();
    key.extend_from_slice(&position.to_key_bytes());
    let (_, _, end) = KeyRange::prefix("event/").into_bounds();
    KeyRange::from_bounds(Space::User, std::ops::Bound::Excluded(key.into()), end)
}

fn sequence_of(key: &[u8]) -> Option<Sequence> {
    let bytes = key.strip_prefix(b"event/")?.try_into().ok()?;
    Some(Sequence::from_key_bytes(bytes))
}
