//! Buckets, prefixes and credentials that will not do.

use std::{fs, os::unix::fs::PermissionsExt};

use storage_core::{Components, ErrorKind, ReadExt, Store, StoreExt};
use storage_object::{ObjectConfig, ObjectCreation, ObjectPlace};
use storage_testkit::servers::S3When::Before;

use crate::{blocking, bucket, config_of, fails, fault, server};

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_missing_is_named() {
    let bucket = blocking(bucket).await;
    let url = bucket.url("store").replace(bucket.name(), "no-such-bucket");
    let error = fails(config_of(&url).open().await, ErrorKind::Invalid);
    assert!(error.message().contains("NoSuchBucket"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_that_belongs_to_something_else_is_refused_and_left_alone() {
    let bucket = blocking(bucket).await;
    let store = config_of(&bucket.url("a")).open().await.unwrap();
    store.put("k", "v").await.unwrap();
    // The bucket has something in it, but none of a store below no prefix.
    fails(config_of(&bucket.url("")).open().await, ErrorKind::Invalid);
    // Beside it there is room.
    let other = config_of(&bucket.url("b")).open().await.unwrap();
    assert!(!other.exists("k").await.unwrap());
    assert!(store.exists("k").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_missing_is_not_made_where_that_is_forbidden() {
    let bucket = blocking(bucket).await;
    let mut config = config_of(&bucket.url("store"));
    config.creation = ObjectCreation::Never;
    fails(config.clone().open().await, ErrorKind::Invalid);
    config_of(&bucket.url("store")).open().await.unwrap();
    config.open().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_have_expired_and_a_wrong_clock_are_denied_at_open() {
    let (server, bucket) = server().await;
    for code in ["ExpiredToken", "RequestTimeTooSkewed", "InvalidAccessKeyId"] {
        blocking(move || server.order(fault("GET", 403, code, Before)).unwrap()).await;
        let error = fails(
            config_of(&bucket.url("store")).open().await,
            ErrorKind::Denied,
        );
        assert!(error.message().contains(code), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_gives_credentials_if_nobody_else_may_read_it() {
    let bucket = blocking(bucket).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    let text = "[tests]\naws_access_key_id = id\naws_secret_access_key = hidden-key\n";
    fs::write(&file, text).unwrap();
    let config = |profile: &str| {
        let mut config = config_of(&bucket.url("store"));
        if let ObjectPlace::S3(place) = &mut config.place {
            place.access_key = None;
            place.credentials_file = Some(file.clone());
            place.profile = Some(profile.into());
        }
        config
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fails(config("tests").open().await, ErrorKind::Denied);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let error = fails(config("none").open().await, ErrorKind::Invalid);
    assert!(error.message().contains("[none]"), "{error}");
    let store = config("tests").open().await.unwrap();
    store.put("k", "v").await.unwrap();
    assert!(!format!("{store:?} {:?}", config("tests")).contains("hidden-key"));
    assert!(!store.describe().to_string().contains("hidden-key"));
}

#[tokio::test]
async fn settings_out_of_bounds_are_refused() {
    type Change = fn(&mut ObjectConfig);
    let changes: [Change; 6] = [
        |config| config.prefix = "a".repeat(129),
        |config| config.prefix = "a//b".into(),
        |config| config.prefix = "a?b".into(),
        |config| config.time_limit = std::time::Duration::ZERO,
        |config| config.requests_at_once = 1_025.try_into().unwrap(),
        |config| config.parts.part_bytes = 1,
    ];
    for change in changes {
        let mut config = ObjectConfig::new(ObjectPlace::Memory);
        change(&mut config);
        fails(
            config.open_with(Components::default()).await,
            ErrorKind::Invalid,
        );
    }
}
