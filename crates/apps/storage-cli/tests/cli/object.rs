//! Stores of objects: on a real S3, and in directories.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use storage_testkit::servers::S3Server;

use crate::{
    engines,
    support::{Bench, at, done_at},
};

/// The URL of a store in a bucket of its own, with credentials in a file.
pub(crate) fn bucket(bench: &Bench) -> String {
    let file = bench.write(
        "credentials",
        "[default]\naws_access_key_id=tests\naws_secret_access_key=hidden\n",
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let url = S3Server::shared().new_bucket().unwrap().url("store");
    format!("{url}&credentials_file={}", file.display())
}

fn directory(bench: &Bench) -> String {
    format!("object+file://{}", bench.path("objects").display())
}

#[test]
fn every_command_works_on_an_s3_and_in_a_directory() {
    let bench = Bench::new();
    for url in [bucket(&bench), directory(&bench)] {
        engines::every_command_works("object", &url);
    }
}

#[test]
fn a_copy_by_way_of_objects_is_the_same_store() {
    let bench = Bench::new();
    for key in ["", "00", "ff", "ffff", "0a00ff"] {
        bench.done(&["--hex", "put", key, "00ff"]);
    }
    bench.done(&["put", "expiring", "v", "--ttl", "7d"]);
    bench.run_with_input(&["put", "large"], &vec![7; 3 << 20]);
    let sqlite = format!("sqlite:{}", bench.path("sqlite").display());
    let stores = [bench.url(), bucket(&bench), directory(&bench), sqlite];
    let mut digests = Vec::new();
    for pair in stores.windows(2) {
        let copied = done_at(&pair[0], &["copy", "--to", &pair[1], "--json"]);
        let copied: Value = serde_json::from_slice(&copied).unwrap();
        digests.push(copied["verified"]["blake3"].clone());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let entries = |url: &str| done_at(url, &["scan", "--json", "--hex"]);
    assert!(entries(&stores[3]) == entries(&stores[0]));
}

#[test]
fn a_missing_bucket_and_unreadable_credentials_are_refused() {
    let bench = Bench::new();
    let url = bucket(&bench);
    let (start, rest) = url.split_once("bucket-").unwrap();
    let (_, behind) = rest.split_once('/').unwrap();
    let missing = format!("{start}no-such-bucket/{behind}");
    at(&missing, &["put", "a", "1"], b"").failed(2, &["NoSuchBucket"]);
    let file = bench.path("credentials");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = at(&url, &["put", "a", "1"], b"");
    assert!(!refused.errors.contains("hidden"), "{}", refused.errors);
    refused.failed(6, &["others may use", "chmod 600"]);
}
