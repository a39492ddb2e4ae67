//! The same commands over every engine that is built in.

use serde_json::Value;

use crate::support::{Bench, at, done_at as done};

/// Every engine of this build, the default first.
fn engines() -> Vec<&'static str> {
    let mut engines = vec!["fjall", "sqlite", "fs", "sled"];
    if cfg!(feature = "rocks") {
        engines.push("rocks");
    }
    engines
}

fn url(bench: &Bench, engine: &str, name: &str) -> String {
    format!("{engine}:{}", bench.path(name).display())
}

#[test]
fn every_command_works_on_every_engine() {
    for engine in engines() {
        let bench = Bench::new();
        every_command_works(engine, &url(&bench, engine, "a"));
    }
}

/// Tries every command on an empty store of an engine.
pub(crate) fn every_command_works(engine: &str, store: &str) {
    done(store, &["put", "a", "1"]);
    done(store, &["put", "b", "2", "--ttl", "7d"]);
    let large = vec![7; 3 << 20];
    assert_eq!(at(store, &["put", "large"], &large).code, 0, "{engine}");
    assert_eq!(done(store, &["get", "large"]), large, "{engine}");
    assert_eq!(done(store, &["scan", "--keys-only"]), b"a\nb\nlarge\n");
    done(store, &["delete", "large"]);
    assert_eq!(at(store, &["get", "large"], b"").code, 1, "{engine}");

    let check: Value = serde_json::from_slice(&done(store, &["check", "--json"])).unwrap();
    assert_eq!(check["sound"], true, "{engine}: {check}");
    let stats = String::from_utf8(done(store, &["stats"])).unwrap();
    assert!(stats.contains(engine), "{stats}");
    let compact = at(store, &["compact"], b"");
    if ["object", "redis", "sled"].contains(&engine) {
        compact.failed(2, &["offers no compaction"]);
    } else {
        assert_eq!(compact.code, 0, "{engine}: {}", compact.errors);
    }
    assert_eq!(done(store, &["get", "a"]), b"1", "{engine}");

    let doctor = at(store, &["doctor", "--open"], b"");
    let says = String::from_utf8(doctor.output).unwrap();
    assert_eq!(doctor.code, 0, "{engine}: {says}{}", doctor.errors);
    assert!(says.contains(&format!("{engine} is built in")), "{says}");
    assert!(says.contains("health"), "it looked inside: {says}");
}

#[test]
fn a_copy_around_all_engines_and_back_is_the_same_store() {
    let bench = Bench::new();
    for key in ["", "00", "ff", "ffff", "0a00ff"] {
        bench.done(&["--hex", "put", key, "00ff"]);
    }
    bench.done(&["--hex", "put", "01", ""]);
    bench.done(&["put", "expiring", "v", "--ttl", "7d"]);
    bench.run_with_input(&["put", "large"], &vec![7; 3 << 20]);
    let first = bench.url();
    let mut from = first.clone();
    let mut digests = Vec::new();
    let round = engines().into_iter().skip(1).chain(["fjall"]);
    for (number, engine) in round.enumerate() {
        let to = url(&bench, engine, &number.to_string());
        let copied = done(&from, &["copy", "--to", &to, "--json"]);
        let copied: Value = serde_json::from_slice(&copied).unwrap();
        digests.push(copied["verified"]["blake3"].clone());
        from = to;
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let entries = |url: &str| done(url, &["scan", "--json", "--hex"]);
    assert!(entries(&from) == entries(&first));
}

#[test]
fn a_store_is_opened_only_by_the_engine_that_made_it() {
    let bench = Bench::new();
    for made_by in engines() {
        done(&url(&bench, made_by, made_by), &["put", "a", "1"]);
        for other in engines() {
            let as_other = at(&url(&bench, other, made_by), &["get", "a"], b"");
            if other == made_by {
                assert_eq!(as_other.output, b"1");
            } else {
                as_other.failed(2, &[&format!("is a {made_by} store"), "open it as"]);
            }
        }
    }
}

#[cfg(not(feature = "rocks"))]
#[test]
fn an_engine_that_is_not_built_in_is_named_with_its_feature() {
    let bench = Bench::new();
    let store = url(&bench, "rocks", "a");
    at(&store, &["put", "a", "1"], b"").failed(2, &["without rocks", "feature `rocks`"]);
    let doctor = at(&store, &["doctor"], b"");
    assert_eq!(doctor.code, 2);
    let says = String::from_utf8(doctor.output).unwrap();
    assert!(says.contains("--features rocks"), "{says}");
}
