//! A store stays where it is, whatever the process does to its working
//! directory. Alone in its file: tests share one working directory.

use std::{env, fs};

use storage_core::{ReadExt, Store, StoreExt, blocking::block_on};
use storage_fjall::FjallConfig;
use tempfile::tempdir;

#[test]
fn a_store_stays_where_it_is_when_the_working_directory_changes_or_goes() {
    let directory = tempdir().unwrap();
    let (home, elsewhere) = (
        directory.path().join("home"),
        directory.path().join("elsewhere"),
    );
    fs::create_dir(&home).unwrap();
    fs::create_dir(&elsewhere).unwrap();

    env::set_current_dir(&home).unwrap();
    let store = block_on(FjallConfig::new("store").open()).unwrap();
    env::set_current_dir(&elsewhere).unwrap();
    block_on(store.put("key", "value")).unwrap();
    block_on(store.close()).unwrap();
    assert!(home.join("store/SEAL").exists());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);

    fs::remove_dir(&elsewhere).unwrap();
    let error = block_on(FjallConfig::new(home.join("store")).open()).unwrap_err();
    assert!(error.message().contains("current directory"), "{error}");
    env::set_current_dir(&home).unwrap();
    let store = block_on(FjallConfig::new("store").open()).unwrap();
    assert!(block_on(store.exists("key")).unwrap());
}
