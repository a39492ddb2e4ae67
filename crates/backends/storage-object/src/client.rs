//! What the places on servers have in common.

use std::sync::Arc;

use object_store::{ObjectStore, RetryConfig};
use storage_core::Result;

use crate::{config::invalid, deletes::Deletes, place::Promise};

/// A client of a server.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) deletes: Deletes,
    pub(crate) promise: Promise,
}

/// What is sent again, and when, is for the engine to say.
pub(crate) fn no_retries() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    }
}

/// # Errors
/// `Invalid` for what is no address of a server.
pub(crate) fn validate_endpoint(endpoint: Option<&str>) -> Result<()> {
    let Some(endpoint) = endpoint else {
        return Ok(());
    };
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| endpoint.strip_prefix(scheme));
    // Who writes credentials there is not shown them again.
    if host.is_none_or(|host| host.is_empty() || host.contains(['@', '?'])) {
        return Err(invalid(
            "endpoint must be http:// or https:// and a host, without credentials",
        ));
    }
    Ok(())
}
