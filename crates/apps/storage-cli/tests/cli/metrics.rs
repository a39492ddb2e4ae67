//! Figures in the form that Prometheus reads, held against its grammar.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::Stdio,
    time::Duration,
};

use crate::support::{Bench, command};

/// What a text in the form of Prometheus says: the value of each series by its
/// name and labels, and the kind of each metric.
#[derive(Debug, Default)]
struct Exposition {
    values: BTreeMap<String, f64>,
    kinds: BTreeMap<String, String>,
}

/// Reads a text, all of it, as <https://prometheus.io/docs/instrumenting/exposition_formats/> has it.
#[track_caller]
fn parse(text: &str) -> Exposition {
    let mut exposition = Exposition::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (word, name) = (words.next().unwrap(), words.next().unwrap());
            assert!(is_name(name), "{line}");
            match word {
                "HELP" => {}
                "TYPE" => {
                    let kind = words.next().unwrap();
                    assert!(
                        ["counter", "gauge", "histogram", "summary"].contains(&kind),
                        "{line}"
                    );
                    let before = exposition.kinds.insert(name.into(), kind.into());
                    assert!(before.is_none(), "{name} has two types");
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = match series.split_once('{') {
            None => (series, None),
            Some((name, rest)) => (name, Some(rest.strip_suffix('}').unwrap())),
        };
        assert!(is_name(name), "{line}");
        let is_typed = |suffix| {
            let base = name.strip_suffix(suffix);
            base.is_some_and(|base| exposition.kinds.contains_key(base))
        };
        let suffixes = ["", "_bucket", "_sum", "_count"];
        assert!(suffixes.into_iter().any(is_typed), "{line}: of no type");
        labels.into_iter().for_each(check_labels);
        let value = value.parse().unwrap();
        let before = exposition.values.insert(series.to_owned(), value);
        assert!(before.is_none(), "{series} is there twice");
    }
    exposition
}

/// Labels are `name="value"`, separated by commas; in values, backslashes come before
/// themselves, quotes, and the `n` of a new line alone.
#[track_caller]
fn check_labels(labels: &str) {
    let mut rest = labels;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        assert!(is_name(name), "{labels}");
        let mut characters = value.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (_, '\\') => {
                    let (_, escaped) = characters.next().unwrap();
                    assert!(['\\', '"', 'n'].contains(&escaped), "{labels}");
                }
                (end, '"') => break end,
                _ => {}
            }
        };
        rest = &value[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn is_name(name: &str) -> bool {
    let is_first = |first: char| first.is_ascii_alphabetic() || first == '_' || first == ':';
    name.starts_with(is_first)
        && name
            .chars()
            .all(|other| is_first(other) || other.is_ascii_digit())
}

#[test]
fn the_figures_of_a_store_are_printed_as_prometheus_reads_them() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let text = String::from_utf8(bench.done(&["metrics"])).unwrap();
    let Exposition { values, kinds } = parse(&text);
    assert_eq!(kinds["storage_disk_bytes"], "gauge");
    assert_eq!(kinds["storage_operations_total"], "counter");
    assert_eq!(kinds["storage_operation_duration_seconds"], "histogram");
    let starting = |start: &str| {
        let mut found = values
            .iter()
            .filter(|(series, _)| series.starts_with(start));
        found.next().map(|(_, value)| *value)
    };
    assert!(starting("storage_disk_bytes{store=\"fjall:").unwrap() > 0.0);
    assert!(starting("storage_entries{").unwrap() >= 1.0);
    let stats = values.iter().find(|(series, _)| {
        series.starts_with("storage_operations_total") && series.contains("operation=\"stats\"")
    });
    assert_eq!(stats.unwrap().1.to_string(), "1");
}

#[test]
fn what_does_not_make_sense_is_refused() {
    let bench = Bench::new();
    bench.run(&["metrics"]).failed(2, &["there is no store"]);
    bench.done(&["put", "a", "1"]);
    bench.run(&["metrics", "--json"]).failed(2, &["not JSON"]);
    let every = bench.run(&["metrics", "--every", "1s"]);
    assert_eq!(every.code, 2, "{}", every.errors);
    let never = ["metrics", "--serve", "127.0.0.1:0", "--every", "0s"];
    bench.run(&never).failed(2, &["--every"]);
    let address = bench.run(&["metrics", "--serve", "everywhere"]);
    assert_eq!(address.code, 2, "{}", address.errors);
}

#[test]
fn an_endpoint_answers_until_it_is_ended() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let mut serving = command();
    serving.args([
        "--store",
        &bench.url(),
        "metrics",
        "--every",
        "100ms",
        "--serve",
    ]);
    serving.arg("127.0.0.1:0").stdout(Stdio::piped());
    let mut child = serving.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.strip_prefix("serving http://").unwrap();
    let (address, _) = address.split_once('/').unwrap();
    let address: SocketAddr = address.parse().unwrap();

    let stats = || {
        let Exposition { values, .. } = parse(&scrape(address));
        let stats = values.into_iter().find(|(series, _)| {
            series.starts_with("storage_operations_total") && series.contains("=\"stats\"")
        });
        stats.map_or(0.0, |(_, value)| value)
    };
    let first = stats();
    let mut looks = 0;
    while stats() <= first {
        looks += 1;
        assert!(looks < 200, "the store is not asked again");
        std::thread::sleep(Duration::from_millis(50));
    }

    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    // It has closed the store.
    bench.done(&["get", "a"]);
}

fn scrape(address: SocketAddr) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(!head.contains("chunked"), "{head}");
    body.to_owned()
}
