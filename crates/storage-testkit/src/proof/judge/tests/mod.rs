//! Histories made by hand, and what the judge must say of them.

mod alone;
mod findings;
mod legal;
mod scene;
