//! Moves money between accounts from several threads at once. No transfer is
//! lost, doubled or half done, because each is one guarded batch.
//!
//! `cargo run -p storage --example transfer`

use std::{
    error::Error,
    io::{self, Write},
    thread,
};

use storage::{blocking::block_on, prelude::*};

const ACCOUNTS: u64 = 4;
const OPENING_BALANCE: u64 = 1_000;
const CLERKS: u64 = 4;
const TRANSFERS: u64 = 250;

fn main() -> Result<(), Box<dyn Error>> {
    let store = block_on(storage::open("memory:"))?;
    block_on(open_accounts(&store))?;

    let conflicts = thread::scope(|scope| -> Result<u64, Box<dyn Error>> {
        let clerks: Vec<_> = (0..CLERKS)
            .map(|clerk| {
                let store = &store;
                scope.spawn(move || block_on(work(store, clerk)))
            })
            .collect();
        let mut conflicts = 0;
        for clerk in clerks {
            conflicts += clerk.join().map_err(|_| "a clerk panicked")??;
        }
        Ok(conflicts)
    })?;

    let total = block_on(total(&store))?;
    assert_eq!(total, ACCOUNTS * OPENING_BALANCE);
    writeln!(
        io::stdout(),
        "{} transfers, {conflicts} of them tried again after a conflict; \
         the accounts still hold {total} together",
        CLERKS * TRANSFERS,
    )?;
    Ok(())
}

async fn open_accounts(store: &SharedStore) -> storage::Result<()> {
    let mut batch = WriteBatch::new();
    for account in 0..ACCOUNTS {
        batch = batch.put(key(account), OPENING_BALANCE.to_string());
    }
    store.commit(batch).await?;
    Ok(())
}

/// Makes this clerk's transfers; answers how often one had to be tried again.
async fn work(store: &SharedStore, clerk: u64) -> storage::Result<u64> {
    let mut conflicts = 0;
    for number in 0..TRANSFERS {
        let from = (clerk + number) % ACCOUNTS;
        let to = (from + 1 + number % (ACCOUNTS - 1)) % ACCOUNTS;
        while let Err(error) = transfer(store, from, to, 1 + number % 7).await {
            if error.kind() != ErrorKind::Conflict {
                return Err(error);
            }
            conflicts += 1;
        }
    }
    Ok(conflicts)
}

/// Moves `amount`, or less where the account holds less.
///
/// # Errors
/// `Conflict` if one of the accounts changed between the reads and the commit.
async fn transfer(store: &SharedStore, from: u64, to: u64, amount: u64) -> storage::Result<()> {
    let (from, to) = (key(from), key(to));
    let (debtor, creditor) = (account(store, &from).await?, account(store, &to).await?);
    let (debtor_holds, creditor_holds) = (balance(&debtor)?, balance(&creditor)?);
    let amount = amount.min(debtor_holds);
    let batch = WriteBatch::new()
        .unchanged(&from, debtor.stamp())
        .unchanged(&to, creditor.stamp())
        .put(&from, (debtor_holds - amount).to_string())
        .put(&to, (creditor_holds + amount).to_string());
    store.commit(batch).await?;
    Ok(())
}

async fn total(store: &SharedStore) -> storage::Result<u64> {
    // A snapshot sees all accounts at one moment.
    let snapshot = store.snapshot().await?;
    let mut accounts = snapshot.scan_prefix("account/");
    let mut total = 0;
    while let Some(item) = accounts.next().await? {
        total += balance(&item.entry)?;
    }
    Ok(total)
}

async fn account(store: &SharedStore, key: &str) -> storage::Result<Entry> {
    let missing = || storage::Error::new(ErrorKind::Invalid, "there is no such account");
    store.get(key).await?.ok_or_else(missing)
}

fn balance(entry: &Entry) -> storage::Result<u64> {
    let text = str::from_utf8(entry.value()).ok();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| storage::Error::new(ErrorKind::Corrupt, "a balance is not a number"))
}

fn key(account: u64) -> String {
    format!("account/{account}")
}
