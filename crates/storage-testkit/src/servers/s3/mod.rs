//! An S3, as a server of a test's own: moto, whose writes are made atomic.
//!
//! What it stores is in its memory: a restart begins with nothing. It asks for no
//! credentials that are right. What it answers that a real one would answer on a
//! bad day is [ordered](S3Server::order).

mod lifecycle;
mod orders;
mod programs;
mod server;

pub use self::{
    orders::{S3Conditions, S3Fault, S3When},
    server::{S3Bucket, S3Server},
};
