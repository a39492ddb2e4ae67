//! Dictionaries: what small values of a namespace have in common, known ahead.
//!
//! A record of 200 B has hardly anything in it that repeats, but much that is in its
//! neighbours, too. The way of a dictionary, in the order of the modules:
//!
//! 1. Values of a namespace that pass are [gathered](gatherings) when its
//!    [course](course) says that it is time to.
//! 2. The pool [trains](training) a dictionary on them, and judges with values that it was
//!    not trained on whether it pays.
//! 3. It is [stored](storing) as a [row](row) of the layer's own, durably, under an
//!    [id](id::DictionaryId) that nothing had before.
//! 4. Only then is it [known](known), and values are [packed](packing) with it.
//!
//! INVARIANT: no value refers to a dictionary before its row is durable, and no row is ever
//! removed or changed.

mod config;
mod course;
mod gatherings;
mod id;
mod known;
mod loading;
mod packing;
mod prepared;
mod row;
mod storing;
mod trainer;
mod training;

pub use self::config::DictionaryConfig;
pub(crate) use self::{
    course::Course,
    id::DictionaryId,
    known::Dictionaries,
    loading::{Lack, all, one},
    packing::Packing,
    prepared::Dictionary,
    row::key,
    storing::train_and_store,
    trainer::{Trainer, Turn},
};
