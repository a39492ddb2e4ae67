//! The journal: what was accepted, in the standby, in its order.
//!
//! A standby that outlives the process lets what it holds be written back after
//! the next open. Rows are numbered; the primary keeps the number of the last one
//! that it has, in a row of its own ([`marker`]).

mod codec;
mod marker;
mod owner;
mod sealed;

use storage_core::{
    Committed, Durability, Error, ErrorKind, KeyRange, Mutation, Outcome, OwnedKey, Random,
    ReadExt, Result, ScanOptions, SharedStore, Store, SystemKeys, WriteBatch, WriteOptions,
};

pub(crate) use self::marker::{fresh, marker_value, read_marker};
use self::{codec::Head, owner::Owner};
use crate::{NAME, pending::Accepted};

const HEAD: &[u8] = b"journal";
/// What keys of rows begin with, before their number.
const ROW: u8 = b'r';

/// Writes the journal. Whoever has it, alone appends, removes, and writes back.
#[derive(Debug)]
pub(crate) struct Journal {
    standby: SharedStore,
    owner: Owner,
    /// Whether another process is known to have the standby. Then nothing is
    /// accepted here any more.
    is_taken: bool,
    head: Head,
    /// The number of the last row, written or tried.
    last: u64,
    pub(crate) is_closed: bool,
}

impl Journal {
    /// Opens the journal in `standby`, and says what is pending there for `inner`,
    /// whose identity is `primary`.
    ///
    /// # Errors
    /// As for the standby and the primary; `Invalid` if what is pending there was
    /// accepted for another primary.
    pub(crate) async fn open<S: Store>(
        standby: SharedStore,
        inner: &S,
        primary: [u8; 16],
        random: &dyn Random,
    ) -> Result<(Self, Vec<Accepted>)> {
        // A mistake must not cost its owner the standby: it is looked at before it is taken.
        found(&standby, primary).await?;
        let owner = Owner::take(&standby).await?;
        // And after: what whoever had it still appended would otherwise be missed.
        let (head, mut pending) = found(&standby, primary).await?;
        let head = match head {
            Some(head) if head.primary == primary => head,
            // Another primary counts from the start, in a row of its own.
            _ => {
                let mut journal = [0; 16];
                random.fill(&mut journal)?;
                let fence = 0;
                Head {
                    journal,
                    primary,
                    fence,
                }
            }
        };
        let marker = read_marker(inner, &marker_key(&head)).await?;
        let marker = marker.map_or(0, |(_, number)| number);
        // No number is used twice, though its row is gone.
        let last = pending.last().map_or(0, |accepted| accepted.number);
        let last = last.max(head.fence).max(marker);
        let last = last.max(owner.numbers_after()?);
        let head = Head {
            // What the marker has reached, it need not reach again.
            fence: if marker < head.fence { head.fence } else { 0 },
            ..head
        };
        let batch = WriteBatch::new().put(head_key(), head.encode());
        let batch = owner.guarding(batch);
        standby.commit_with(batch, &WriteOptions::new()).await?;
        let journal = Self {
            standby,
            owner,
            is_taken: false,
            head,
            last,
            is_closed: false,
        };
        // A process that ended between writing back and removing has left these.
        let found = pending.len();
        pending.retain(|accepted| accepted.number > marker);
        if pending.len() < found {
            journal.remove_through(marker).await?;
        }
        Ok((journal, pending))
    }

    /// Appends a commit, which then is as durable as the standby says.
    ///
    /// # Errors
    /// As for the standby; `Poisoned` if another process has it. If the
    /// outcome is unknown, the number is
    /// [fenced](Self::fence) off: the next open would find the row, and take it for
    /// newer than what was committed since.
    pub(crate) async fn append(
        &mut self,
        mutations: &[Mutation],
        durability: Durability,
    ) -> Result<(u64, Committed)> {
        if self.is_taken {
            return Err(taken());
        }
        // Whatever becomes of it: nobody knows whether the number is used.
        self.last += 1;
        let row = row_key(self.last);
        let batch = WriteBatch::new()
            .absent(row.clone())
            .put(row, codec::encode(mutations));
        let batch = self.owner.guarding(batch);
        let options = WriteOptions::new().durability(durability);
        let appended = self.standby.commit_with(batch, &options).await;
        let appended = self.still_ours(appended);
        let committed = appended.inspect_err(|error| {
            if error.outcome() != Some(Outcome::NotApplied) {
                self.head.fence = self.last;
            }
        })?;
        Ok((self.last, committed))
    }

    /// Removes the rows up to this number.
    ///
    /// # Errors
    /// As for the standby. What stays is not written back twice: the primary
    /// knows its number.
    pub(crate) async fn remove_through(&self, number: u64) -> Result<()> {
        let batch = WriteBatch::new().delete_range(rows_through(number));
        let options = WriteOptions::new().durability(self.standby.capabilities().durability_min);
        self.standby.commit_with(batch, &options).await?;
        Ok(())
    }

    /// Removes all rows, as durably as the standby can: none may come back after a
    /// crash. A write-back of them may still be on its way to the primary, so they
    /// are [fenced](Self::fence) off.
    ///
    /// # Errors
    /// As for the standby. If the outcome is unknown, the rows may be gone.
    pub(crate) async fn abandon(&mut self) -> Result<()> {
        let fence = self.last;
        let head = Head { fence, ..self.head };
        // Not the rows that come later, should this come late.
        let batch = WriteBatch::new()
            .delete_range(rows_through(fence))
            .put(head_key(), head.encode());
        let batch = self.owner.guarding(batch);
        let options = WriteOptions::new();
        let abandoned = self.standby.commit_with(batch, &options).await;
        self.still_ours(abandoned)?;
        self.head = head;
        Ok(())
    }

    /// Says that another process has the standby where a guard has said so.
    fn still_ours<T>(&mut self, answer: Result<T>) -> Result<T> {
        answer.map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                self.is_taken = true;
                taken().with_source(error)
            }
            _ => error,
        })
    }

    /// Whether no other process has the standby.
    ///
    /// # Errors
    /// As for the standby.
    pub(crate) async fn is_ours(&mut self) -> Result<bool> {
        self.is_taken = self.is_taken || !self.owner.is_still(&self.standby).await?;
        Ok(!self.is_taken)
    }

    /// Lets go of the standby. Nothing else may come after.
    pub(crate) async fn release(&mut self) {
        self.is_closed = true;
        if let Err(error) = self.owner.release(&self.standby).await {
            tracing::warn!(%error, "the standby does not know that it was closed");
        }
    }

    /// What the marker is to reach before anything but a write-back is committed to
    /// the primary.
    pub(crate) fn fence(&self) -> u64 {
        self.head.fence
    }

    /// Lets pass what the primary counts: what this journal has come to, or more
    /// where another process has the standby, and has written back what this one had
    /// accepted and then more.
    ///
    /// # Errors
    /// As for the standby; `Corrupt` if the primary counts what nobody has accepted.
    pub(crate) async fn admit(&mut self, number: u64) -> Result<()> {
        if number <= self.last || !self.is_ours().await? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "the primary counts {number} as the last commit of the standby, whose last is {}",
                self.last
            ),
        ))
    }

    /// The key in the primary under which it keeps the number of the last commit
    /// of this journal that it has, or that was fenced off.
    pub(crate) fn marker(&self) -> OwnedKey {
        marker_key(&self.head)
    }
}

fn taken() -> Error {
    Error::new(
        ErrorKind::Poisoned,
        "another process has opened the same standby, so this one accepts no more commits; \
         give each its own, and open the store again",
    )
    .with_outcome(Outcome::NotApplied)
}

fn marker_key(head: &Head) -> OwnedKey {
    SystemKeys::of(NAME).key(head.journal)
}

fn rows_through(number: u64) -> KeyRange {
    let rows = SystemKeys::of(NAME).key([ROW]);
    KeyRange::between(rows.bytes().as_ref()..=row_key(number).bytes().as_ref())
        .in_space(rows.space())
}

/// The head and the rows that are in a standby.
///
/// # Errors
/// `Invalid` if rows were accepted for another primary.
async fn found(standby: &SharedStore, primary: [u8; 16]) -> Result<(Option<Head>, Vec<Accepted>)> {
    let pending = rows(standby).await?;
    let entry = standby.get(&head_key()).await?;
    let head = entry.map(|entry| Head::decode(entry.value())).transpose()?;
    if let Some(head) = &head
        && !pending.is_empty()
    {
        belongs_to(head, primary, pending.len())?;
    }
    Ok((head, pending))
}

fn belongs_to(head: &Head, primary: [u8; 16], pending: usize) -> Result<()> {
    if head.primary == primary {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!(
            "the standby holds {pending} commits that were accepted for another store; \
             open it with that one, or use another standby"
        ),
    ))
}

async fn rows(standby: &SharedStore) -> Result<Vec<Accepted>> {
    let rows = SystemKeys::of(NAME).key([ROW]);
    let prefix_length = rows.bytes().len();
    let range = KeyRange::prefix(rows.bytes().clone()).in_space(rows.space());
    let mut accepted = Vec::new();
    let mut scan = standby.scan(range, ScanOptions::new());
    while let Some(item) = scan.next().await? {
        let number = item.key.get(prefix_length..).unwrap_or_default();
        let number = number.try_into().map_err(|_| sealed::damaged())?;
        let number = u64::from_be_bytes(number);
        let mutations = codec::decode(item.entry.value())?;
        accepted.push(Accepted { number, mutations });
    }
    Ok(accepted)
}

fn head_key() -> OwnedKey {
    SystemKeys::of(NAME).key(HEAD)
}

fn row_key(number: u64) -> OwnedKey {
    let mut suffix = [ROW; 9];
    if let Some(digits) = suffix.get_mut(1..) {
        digits.copy_from_slice(&number.to_be_bytes());
    }
    SystemKeys::of(NAME).key(suffix)
}
