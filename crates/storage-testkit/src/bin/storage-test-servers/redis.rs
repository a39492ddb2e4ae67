//! Redis, with its first database to begin with.

use storage_testkit::servers::{RedisServer, RedisServerConfig, ServerResult};

use super::Whereabouts;

/// Starts one.
pub(super) fn start() -> ServerResult<(RedisServer, Whereabouts)> {
    let server = RedisServerConfig::new().start()?;
    let administrator = server.administrator();
    let authority = server.authority_file().display().to_string();
    let verified = format!("{}?ca_file={authority}", server.tls_url(administrator, 0));
    let variables = [
        ("STORAGE_REDIS_URL", server.url(administrator, 0)),
        ("STORAGE_REDIS_TLS_URL", verified),
        ("STORAGE_REDIS_AUTHORITY", authority),
    ];
    let whereabouts = Whereabouts {
        address: server.address().to_string(),
        directory: server.directory().display().to_string(),
        variables: variables.into(),
    };
    Ok((server, whereabouts))
}
