//! fjall needs a working directory, even where it does not use it. Alone in its
//! file: tests share one working directory.

use std::{env, fs};

use storage_core::{ReadExt, Store, StoreExt, blocking::block_on};
use storage_fjall::FjallConfig;
use tempfile::tempdir;

#[test]
fn a_store_is_refused_while_the_working_directory_is_gone() {
    let directory = tempdir().unwrap();
    let (home, elsewhere) = (
        directory.path().join("home"),
        directory.path().join("elsewhere"),
    );
    fs::create_dir(&home).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    let open = || block_on(FjallConfig::new(home.join("store")).open());
    let store = open().unwrap();
    block_on(store.put("key", "value")).unwrap();
    block_on(store.close()).unwrap();

    env::set_current_dir(&elsewhere).unwrap();
    fs::remove_dir(&elsewhere).unwrap();
    let error = open().unwrap_err();
    assert!(error.message().contains("current directory"), "{error}");
    env::set_current_dir(&home).unwrap();
    assert!(block_on(open().unwrap().exists("key")).unwrap());
}
