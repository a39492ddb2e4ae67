//! Settings that fjall cannot take.

use storage_core::ErrorKind;
use storage_fjall::FjallConfig;
use tempfile::tempdir;

#[tokio::test]
async fn a_setting_out_of_bounds_is_refused_by_name() {
    let directory = tempdir().unwrap();
    let mut config = FjallConfig::new(directory.path());
    config.journal_bytes_max = 1;
    let error = config.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("journal_bytes_max"), "{error}");
}
