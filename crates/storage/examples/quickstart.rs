//! Opens a store on disk, writes to it, and finds everything after a reopen.
//!
//! `cargo run -p storage --example quickstart`

use std::io::{self, Write};

use storage::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    storage::blocking::block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let url = format!("fjall:{}", directory.path().join("data").display());
    let mut out = io::stdout().lock();

    let store = storage::open(&url).await?;
    store.put("city/paris", "2,100,000").await?;
    store.put("city/lagos", "15,900,000").await?;
    store.put("river/seine", "777 km").await?;

    // A batch takes effect as a whole, and only if its guards hold.
    let batch = WriteBatch::new()
        .absent("city/oslo")
        .put("city/oslo", "720,000")
        .delete("river/seine");
    store.commit(batch).await?;
    store.close().await?;

    let store = storage::open(&url).await?;
    writeln!(out, "after a reopen, {} holds:", store.describe())?;
    let mut cities = store.scan_prefix("city/");
    while let Some(city) = cities.next().await? {
        let name = String::from_utf8_lossy(&city.key);
        let people = String::from_utf8_lossy(city.entry.value());
        writeln!(out, "  {name}: {people}")?;
    }
    assert!(!store.exists("river/seine").await?);
    drop(cities);
    store.close().await?;
    Ok(())
}
