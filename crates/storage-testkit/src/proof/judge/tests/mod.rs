//! Histories made by hand, and what the judge must say of them.

mod findings;
mod legal;
mod scene;
