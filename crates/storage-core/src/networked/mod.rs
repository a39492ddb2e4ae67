//! Engines across a network: one adapter for all of them.
//!
//! Such an engine is a client of a server. It implements [`Engine`], a trait of
//! async calls, and [`Networked`] makes a [`Store`](crate::Store) of it, owning
//! everything that such engines have in common: how many calls are under way,
//! what is made one of what waits, how long anything may take, what becomes of
//! commits that nobody waits for, panics, and closing. What only one engine can
//! do is reached through [`Networked::with_engine`].
//!
//! **Lanes.** [`Limits`] say how many calls there are at once. A read that finds
//! a lane free is called at once, by its caller. While all lanes are busy,
//! requests queue; the lane that is free next takes the first of them and what
//! is like it, and makes one call of them: waiting gets become one multi-get,
//! waiting commits one transaction, each with its own answer. Nobody waits
//! where nobody is ahead.
//!
//! A call that its caller drives goes on only while the caller polls it. Whoever
//! keeps reads that have begun without polling them keeps their lanes, too: a
//! stream of gets buffered as wide as there are lanes, whose consumer reads from
//! the same store, waits for itself until its time is over.
//!
//! **Partitions.** An engine whose parts stand and fall by themselves says how its
//! [keys are spread](Partitions). Each part has lanes and queues of its own, and
//! scans, which need all of them, have lanes besides.
//!
//! **Deadlines.** Each request has [`Limits::time_limit`]. What waits until then
//! is refused, and has had no effect. A read that takes longer is cut off. A
//! commit under way is the engine's to end in time; if it does not, the outcome
//! is unknown. An engine that can look up what became of a commit keeps [a part of
//! its time](answer_by) for that.
//!
//! **Runtime.** Engines are called on the Tokio runtime that the store was opened
//! on, wherever the store's futures are polled. It has to run for as long as the
//! store is used.

mod call;
mod calls;
mod closing;
mod commits;
mod engine;
mod host;
mod lanes;
mod limits;
mod lost_answer;
mod partitions;
mod parts;
mod pause;
mod private_file;
mod queue;
mod read_request;
mod reader;
mod reads;
mod reservation;
mod runtime;
mod secret;
mod shared;
mod snapshot;
mod source;
mod store;
mod url;

pub use self::{
    engine::{Engine, EngineRead},
    host::{parse_host, write_host},
    limits::Limits,
    lost_answer::{Fate, answer_by},
    partitions::Partitions,
    pause::Pause,
    private_file::read_private_file,
    reservation::Reservation,
    runtime::require_runtime,
    secret::Secret,
    snapshot::NetworkedSnapshot,
    store::Networked,
    url::{UrlParts, UrlPlace},
};
