//! Servers that demand a certificate of their clients.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use storage_core::{ErrorKind, StoreExt};
use storage_pg::{PgConfig, TlsMode};
use storage_testkit::servers::{Authority, Certificate, PgServerConfig};
use tempfile::TempDir;

use crate::fails;

/// A directory that the server's account can read.
fn readable() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

/// Writes a certificate of `authority` and its key.
fn write_identity(
    authority: &Authority,
    certificate: Certificate,
    config: &mut PgConfig,
    to: &Path,
) {
    let identity = authority.identity(certificate).unwrap();
    let (certificate_file, key_file) = (to.join("client.pem"), to.join("client.key"));
    fs::write(&certificate_file, identity.certificate()).unwrap();
    fs::write(&key_file, identity.key()).unwrap();
    config.tls.certificate_file = Some(certificate_file);
    config.tls.key_file = Some(key_file);
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_the_right_one_or_denies() {
    let directory = readable();
    let authority = Authority::new().unwrap();
    let trusted = directory.path().join("clients.pem");
    fs::write(&trusted, authority.pem()).unwrap();
    let access = directory.path().join("pg_hba.conf");
    let rules = "local all all trust\n\
                 hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n";
    fs::write(&access, rules).unwrap();
    let server = PgServerConfig::new()
        .setting("ssl_ca_file", trusted.display().to_string())
        .setting("hba_file", access.display().to_string())
        .start()
        .unwrap();
    let database = server.new_database().unwrap();
    let mut config = PgConfig::from_url(&database.url()).unwrap();
    config.tls.mode = Some(TlsMode::VerifyFull);
    config.tls.ca_file = Some(server.authority_file());

    // None.
    fails(config.clone().open().await, ErrorKind::Denied);

    // One that another authority vouches for, and one that was valid once.
    let stranger = Authority::new().unwrap();
    for (authority, certificate) in [
        (&stranger, Certificate::Valid),
        (&authority, Certificate::Expired),
        (&authority, Certificate::SelfSigned),
    ] {
        let mut config = config.clone();
        write_identity(authority, certificate, &mut config, directory.path());
        let error = fails(config.open().await, ErrorKind::Denied);
        assert!(!format!("{error:?}").contains("PRIVATE"), "{error:?}");
    }

    write_identity(
        &authority,
        Certificate::Valid,
        &mut config,
        directory.path(),
    );
    let store = config.clone().open().await.unwrap();
    store.put("k", "v").await.unwrap();

    // A certificate without its own key is none.
    let other = authority.identity(Certificate::Valid).unwrap();
    fs::write(directory.path().join("client.key"), other.key()).unwrap();
    assert!(config.open().await.is_err());
}
