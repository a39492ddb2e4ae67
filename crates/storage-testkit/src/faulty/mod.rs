//! A store that fails, stalls and answers late, as a test directs it.
//!
//! [`FaultyStore`] lies over any store and passes everything through, until
//! [`Faults`], a handle that the test keeps, holds a [`Rule`] for the call: then
//! the [`Fault`] of that rule happens. So a test shows what a layer, or any
//! other caller, makes of the answers that a real engine gives on a bad day.
//!
//! ```
//! use storage_core::{ErrorKind, Outcome, ReadExt, StoreExt, memory::MemoryConfig};
//! use storage_testkit::{
//!     faulty::{Call, Fault, Faults, FaultyStore, Rule},
//!     storage_core,
//! };
//!
//! # fn main() -> storage_core::Result<()> {
//! # storage_core::blocking::block_on(async {
//! let faults = Faults::new();
//! let store = FaultyStore::new(MemoryConfig::new().open(), &faults);
//!
//! // The second commit from now on is applied, but its answer is lost.
//! let lost = faults.inject(
//!     Rule::on(Call::Commit).nth(2),
//!     Fault::lose_answer(ErrorKind::TimedOut),
//! )?;
//! store.put("planet/3", "Earth").await?;
//! let error = store.put("planet/4", "Mars").await.unwrap_err();
//! assert_eq!(error.outcome(), Some(Outcome::Unknown));
//! assert!(store.exists("planet/4").await?);
//! assert_eq!(lost.times(), 1);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! Every fault is one that the contract of [`Store`](storage_core::Store)
//! allows; [`Faults::inject`] refuses the others. So a caller that does
//! something wrong under a fault is at fault itself.
//! [`survives_faults!`](crate::survives_faults) tests a layer with all of them.

mod background;
mod call;
mod fault;
mod faults;
mod gate;
mod reader;
mod rule;
mod store;
mod tally;

pub use self::{
    call::Call,
    fault::{Fault, Until},
    faults::{Faults, Injection},
    gate::Gate,
    reader::FaultyReader,
    rule::Rule,
    store::FaultyStore,
};
