//! A client of a server, as all places on servers have it.

use std::sync::Arc;

use object_store::{ObjectStore, RetryConfig};

use crate::{deletes::Deletes, place::Promise, sought::CredentialLook};

/// A client of a server.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) deletes: Deletes,
    pub(crate) promise: Promise,
    /// Of requests that are signed.
    pub(crate) credentials: Option<CredentialLook>,
}

/// What is sent again, and when, is for the engine to say.
pub(crate) fn no_retries() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    }
}
