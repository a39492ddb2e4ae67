//! Stores on a real PostgreSQL server.

mod copy;
mod passwords;
mod refusals;

use storage_testkit::servers::{PgDatabase, PgServer};

use crate::{
    engines,
    support::{Bench, at, done_at, tree},
};

/// A database of the server that all tests of this process share.
fn database() -> PgDatabase {
    PgServer::shared().new_database().unwrap()
}

/// The URL of a database, with another password or none.
fn with_password(database: &PgDatabase, password: Option<&str>) -> String {
    let url = database.url();
    let (start, rest) = url.split_once("://").unwrap();
    let (user_info, place) = rest.rsplit_once('@').unwrap();
    let (user, _) = user_info.split_once(':').unwrap();
    match password {
        Some(password) => format!("{start}://{user}:{password}@{place}"),
        None => format!("{start}://{user}@{place}"),
    }
}

#[test]
fn every_command_works_on_a_server() {
    engines::every_command_works("pg", &database().url());
}

#[test]
fn a_tree_comes_back_from_a_server_as_it_was() {
    let bench = Bench::new();
    for (name, content) in [("a/b", "1"), ("a/c", ""), ("d", "2")] {
        bench.write(&format!("tree/{name}"), content);
    }
    let url = database().url();
    let path = |name: &str| bench.path(name).to_str().unwrap().to_owned();
    for _ in 0..2 {
        done_at(&url, &["import", &path("tree")]);
    }
    done_at(&url, &["export", &path("out")]);
    assert!(tree(&bench.path("out")) == tree(&bench.path("tree")));
}

#[test]
fn a_demo_runs_on_a_server() {
    let bench = Bench::new();
    for number in 0..50 {
        bench.write(&format!("tree/{number}"), vec![number; 10_000]);
    }
    let database = database();
    let url = database.url();
    let tree = bench.path("tree");
    let said = done_at(&url, &["demo", tree.to_str().unwrap()]);
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("50 files"), "{said}");
    assert!(!said.contains(database.owner().password()), "{said}");
    // It has one of its own, or none.
    at(&url, &["demo", tree.to_str().unwrap()], b"").failed(2, &["is not empty"]);
}

#[test]
fn a_vacuum_tells_of_the_space() {
    let url = database().url();
    done_at(&url, &["put", "a", "1"]);
    let said = done_at(&url, &["compact", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    assert!(said["disk_bytes_after"].as_u64().unwrap() > 0, "{said}");
}
