//! PostgreSQL, with a database to begin with.

use storage_testkit::servers::{PgServer, PgServerConfig, ServerResult};

use super::Whereabouts;

/// Starts one.
pub(super) fn start() -> ServerResult<(PgServer, Whereabouts)> {
    let server = PgServerConfig::new().start()?;
    let database = server.new_database()?;
    let authority = server.authority_file().display().to_string();
    let verified = |url: String| format!("{url}?sslmode=verify-full&sslrootcert={authority}");
    let superuser = server.url(server.superuser(), PgServer::MAINTENANCE);
    let variables = [
        ("STORAGE_PG_URL", verified(database.url())),
        ("STORAGE_PG_SUPERUSER_URL", verified(superuser)),
        ("STORAGE_PG_AUTHORITY", authority.clone()),
    ];
    let whereabouts = Whereabouts {
        address: server.address().to_string(),
        directory: server.directory().display().to_string(),
        variables: variables.into(),
    };
    Ok((server, whereabouts))
}
