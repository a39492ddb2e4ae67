//! An S3, with a bucket to begin with.

use storage_testkit::servers::{S3Server, ServerResult};

use super::Whereabouts;

/// Starts one.
pub(super) fn start() -> ServerResult<(S3Server, Whereabouts)> {
    let server = S3Server::launch()?;
    let bucket = server.new_bucket()?;
    let variables = [
        ("STORAGE_S3_URL", bucket.url("store")),
        ("STORAGE_S3_ENDPOINT", server.endpoint()),
        // Any will do, and clients want some.
        ("AWS_ACCESS_KEY_ID", "tests".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "tests".to_owned()),
    ];
    let whereabouts = Whereabouts {
        address: server.address().to_string(),
        directory: server.directory().display().to_string(),
        variables: variables.into(),
    };
    Ok((server, whereabouts))
}
