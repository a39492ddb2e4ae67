//! Spans at a collector.

mod collector;
mod otlp;

use std::time::{Duration, Instant};

use storage::{Key, RedactedKey};

use self::{collector::Collector, otlp::Span};
use crate::support::{Bench, Run, command, run};

/// Runs the command on the bench's store with a collector to send to.
fn traced(bench: &Bench, collector: &str, arguments: &[&str]) -> Run {
    let mut command = command();
    // It is on the loopback, whatever goes elsewhere.
    command.env("NO_PROXY", "127.0.0.1");
    command.args(["--store", &bench.url(), "--otlp", collector]);
    command.args(arguments);
    run(command, b"")
}

fn named<'a>(spans: &'a [Span], operation: &str) -> &'a Span {
    let has_name = |span: &&Span| span.attribute("operation") == Some(operation);
    let mut found = spans.iter().filter(has_name);
    let span = found
        .next()
        .unwrap_or_else(|| panic!("no {operation}: {spans:?}"));
    assert!(found.next().is_none(), "{operation} twice: {spans:?}");
    span
}

#[test]
fn each_operation_is_a_span_at_the_collector_without_its_key() {
    const KEY: &str = "account/ada lovelace";
    let bench = Bench::new();
    let collector = Collector::start();
    let run = traced(&bench, &collector.url(), &["put", KEY, "secret value"]);
    assert_eq!(run.code, 0, "{}", run.errors);
    assert_eq!(run.errors, "");
    let requests = collector.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(request.path, "/v1/traces");
        for secret in ["lovelace", "secret"] {
            assert!(!contains(&request.body, secret), "{secret} was sent");
        }
    }
    let spans = otlp::spans(requests.iter().map(|request| &*request.body));
    for span in &spans {
        assert_eq!(span.service, "storage");
        assert!(span.begins <= span.ends && span.begins > 0);
    }
    let commands: Vec<_> = spans.iter().filter(|span| span.name == "command").collect();
    let [whole] = commands[..] else {
        panic!("{spans:?}");
    };
    assert!(whole.parent.is_empty());
    let commit = named(&spans, "commit");
    assert_eq!(commit.name, "storage");
    assert_eq!((&commit.trace, &commit.parent), (&whole.trace, &whole.id));
    let store = commit.attribute("store").unwrap();
    assert!(store.contains("fjall"), "{store}");
    let redacted = RedactedKey::from(Key::from(KEY)).to_string();
    assert_eq!(commit.attribute("key"), Some(redacted.as_str()));
    assert_eq!(commit.attribute("error"), None);
    assert_eq!(named(&spans, "close").parent, whole.id);
}

#[test]
fn the_variable_of_opentelemetry_names_the_collector_as_well() {
    let bench = Bench::new();
    bench.done(&["put", "a", "1"]);
    let collector = Collector::start();
    let mut get = command();
    get.env("NO_PROXY", "127.0.0.1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_SERVICE_NAME", "ledger")
        .args(["--store", &bench.url(), "get", "a"]);
    let run = run(get, b"");
    assert_eq!((run.code, &run.output[..]), (0, &b"1"[..]));
    let requests = collector.requests();
    let spans = otlp::spans(requests.iter().map(|request| &*request.body));
    assert_eq!(named(&spans, "get").service, "ledger");
}

#[test]
fn a_collector_that_is_not_there_fails_no_command() {
    let bench = Bench::new();
    let nobody = {
        let collector = Collector::start();
        collector.url()
    };
    let began = Instant::now();
    let run = traced(&bench, &nobody, &["put", "a", "1"]);
    assert_eq!(run.code, 0, "{}", run.errors);
    assert!(
        run.errors.contains("not all spans were sent"),
        "{}",
        run.errors
    );
    // It is not waited for without end.
    assert!(began.elapsed() < Duration::from_mins(1));
    assert_eq!(bench.done(&["get", "a"]), b"1");
}

#[test]
fn what_is_no_url_is_refused() {
    let bench = Bench::new();
    let run = traced(&bench, "not a url", &["put", "a", "1"]);
    run.failed(2, &["--otlp"]);
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
