//! Dictionaries: how they come about, what they save, and what becomes of values whose
//! dictionary is not what it was.

mod crashes;
mod lacking;
mod outcomes;
mod saving;
mod scene;
mod sharing;
mod training;
