//! Real records, by way of four engines, and what has become of them.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};
use storage_testkit::servers::{PgServer, RedisServer};

use crate::{
    object::bucket,
    support::{Bench, done_at},
};

/// How many records go on the journey; `cargo xtask journey` sends more.
const RECORDS: &str = "STORAGE_JOURNEY_RECORDS";
const RECORDS_DEFAULT: usize = 300;

/// An S3 that is there already, as the URL of a store in it. Without it, the tests'
/// own is the third station.
const S3: &str = "STORAGE_JOURNEY_S3";

#[test]
fn records_that_go_from_postgres_by_redis_and_s3_to_fjall_arrive_as_they_were() {
    let records = env::var(RECORDS).map_or(RECORDS_DEFAULT, |count| count.parse().unwrap());
    let bench = Bench::new();
    let path = |name: &str| bench.path(name).to_str().unwrap().to_owned();
    gather(records, &bench.path("records.jsonl"));
    let database = PgServer::shared().new_database().unwrap();
    let s3 = env::var(S3).unwrap_or_else(|_| bucket(&bench));
    let stations = [
        ("PostgreSQL", database.url()),
        ("Redis", RedisServer::shared().new_database()),
        ("S3", s3),
        ("fjall", format!("fjall:{}", bench.path("fjall").display())),
    ];
    let begun = Instant::now();
    done_at(&stations[0].1, &["import", &path("records.jsonl")]);
    println!(
        "{}",
        json!({ "to": "PostgreSQL", "seconds": begun.elapsed().as_secs_f64() })
    );
    let mut digests = Vec::new();
    for leg in stations.windows(2) {
        let [(from, source), (to, target)] = leg else {
            unreachable!()
        };
        let copied = done_at(source, &["copy", "--to", target, "--json"]);
        let copied: Value = serde_json::from_slice(&copied).unwrap();
        let digest = copied["verified"]["blake3"].as_str().unwrap().to_owned();
        let told = json!({
            "from": from,
            "to": to,
            "entries": copied["entries"],
            "bytes": copied["bytes"],
            "seconds": copied["seconds"],
            "blake3": digest,
        });
        println!("{told}");
        digests.push(digest);
    }
    assert!(
        digests.iter().all(|digest| *digest == digests[0]),
        "{digests:?}"
    );
    // Not the copies' word alone: what both ends hold, line by line.
    let exported = |station: usize, name: &str| {
        done_at(
            &stations[station].1,
            &["export", &path(name), "--format", "jsonl"],
        );
        fs::read(bench.path(name)).unwrap()
    };
    let (first, last) = (exported(0, "first.jsonl"), exported(3, "last.jsonl"));
    assert!(first == last, "the two ends differ");
    let lines = first.lines().count();
    assert_eq!(lines, records);
    let sent = fs::read(bench.path("records.jsonl")).unwrap();
    assert!(
        by_key(&sent) == by_key(&first),
        "what arrived is not what was sent"
    );
    println!(
        "{}",
        json!({ "records": lines, "exported_bytes": first.len(), "identical": true })
    );
}

/// The values of lines of JSON, by their keys.
fn by_key(lines: &[u8]) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let record = |line: std::io::Result<String>| {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        (text(&line["key"]), text(&line["value"]))
    };
    lines.lines().map(record).collect()
}

/// Writes so many lines of source code as records: those of the crates that cargo
/// has unpacked, or else of this one. A key is a file's path and the line's number.
fn gather(records: usize, to: &Path) {
    let mut file = std::io::BufWriter::new(fs::File::create(to).unwrap());
    let mut count = 0;
    for source in sources() {
        let name = source.display().to_string();
        let text = BufReader::new(fs::File::open(&source).unwrap());
        for (number, line) in text.lines().map_while(Result::ok).enumerate() {
            let key = format!("{name}:{number:06}");
            // The longest that engines agree on.
            if key.len() > 400 {
                continue;
            }
            writeln!(file, "{}", json!({ "key": key, "value": line })).unwrap();
            count += 1;
            if count == records {
                file.flush().unwrap();
                return;
            }
        }
    }
    panic!("there are only {count} lines of source code here");
}

/// Files of source code, in an order that is the same each time.
fn sources() -> impl Iterator<Item = PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let registry = home.map(|home| home.join("registry/src"));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
    let root = registry.filter(|it| it.is_dir()).unwrap_or(own);
    walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
}
