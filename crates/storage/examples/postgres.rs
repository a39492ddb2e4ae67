//! Seats sold by several sellers that share a PostgreSQL store: no seat twice,
//! as guards hold between them. Run it in two terminals at once, too.
//!
//! `cargo run -p storage --features pg --example postgres -- postgres://USER@HOST/DATABASE`
//!
//! The password comes from `PGPASSWORD` or `~/.pgpass`. Without a server at hand,
//! `cargo xtask services up` starts one and prints its URL.

use std::{
    env,
    error::Error,
    io::{self, Write},
};

use storage::prelude::*;

const SEATS: u32 = 40;
const SELLERS: usize = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args()
        .nth(1)
        .ok_or("name a store: postgres://USER@HOST/DATABASE")?;
    let store = storage::open(&url).await?;
    let mut out = io::stdout().lock();
    writeln!(out, "opened {}", store.describe())?;

    let sellers: Vec<_> = (0..SELLERS)
        .map(|seller| {
            let name = format!("seller {seller} of process {}", std::process::id());
            tokio::spawn(sell_all(store.clone(), name))
        })
        .collect();
    for (seller, sales) in sellers.into_iter().enumerate() {
        writeln!(out, "seller {seller} sold {} seats", sales.await??)?;
    }

    let sold = store.count(KeyRange::prefix("seat/")).await?;
    writeln!(out, "{sold} of {SEATS} seats are sold, none of them twice")?;
    store.close().await?;
    Ok(())
}

/// Tries to sell every seat, and counts those that nobody else had sold.
async fn sell_all(store: SharedStore, name: String) -> storage::Result<u32> {
    let mut sales = 0;
    for seat in 0..SEATS {
        let key = format!("seat/{seat:03}");
        let sale = WriteBatch::new()
            .absent(key.as_str())
            .put(key.as_str(), name.clone());
        match store.commit(sale).await {
            Ok(_) => sales += 1,
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sales)
}
