//! Slow operations in the log, and spans.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use storage_core::{ErrorKind, Key, ReadExt, RedactedKey, Store, StoreExt};
use storage_metrics::{Alert, Bound, Watch, names};
use storage_testkit::faulty::{Call, Fault, Rule};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use crate::scene::{Scene, config};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Does `work` while everything is logged.
async fn logged(work: impl AsyncFnOnce()) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .finish();
    let _default = tracing::subscriber::set_default(subscriber);
    work().await;
    log.text()
}

#[tokio::test]
async fn slow_operations_are_logged_without_their_keys() {
    const KEY: &str = "account/ada lovelace";
    let log = logged(async || {
        let scene = Scene::open(config().slow_after(Duration::from_millis(10))).await;
        scene.store.put("quick", "v").await.unwrap();
        let slow = Fault::hold(Duration::from_millis(30));
        let rule = Rule::on_any([Call::Get, Call::Commit]);
        scene.faults.inject(rule, slow).unwrap();
        scene.store.get(KEY).await.unwrap();
        scene.store.put(KEY, "secret value").await.unwrap();
        let recorded = scene.recorded();
        assert_eq!(recorded.count(names::SLOW, "get"), 1);
        assert_eq!(recorded.count(names::SLOW, "commit"), 1);
    })
    .await;
    let slow: Vec<_> = log
        .lines()
        .filter(|line| line.contains("slow operation"))
        .collect();
    assert_eq!(slow.len(), 2, "{log}");
    let redacted = RedactedKey::from(Key::from(KEY)).to_string();
    for (line, operation) in slow.iter().zip(["get", "commit"]) {
        assert!(line.contains("WARN"), "{line}");
        assert!(line.contains("store=\"test\""), "{line}");
        assert!(
            line.contains(&format!("operation=\"{operation}\"")),
            "{line}"
        );
        assert!(line.contains(&redacted), "{line}");
    }
    assert!(!log.contains("ada") && !log.contains("secret"), "{log}");
}

#[tokio::test]
async fn a_slow_failure_is_logged_with_its_kind() {
    let log = logged(async || {
        let scene = Scene::open(config().slow_after(Duration::ZERO)).await;
        let fault = Fault::refuse(ErrorKind::TimedOut);
        scene.faults.inject(Rule::on(Call::Get), fault).unwrap();
        scene.store.get("k").await.unwrap_err();
    })
    .await;
    assert!(log.contains("error=timed out"), "{log}");
}

#[tokio::test]
async fn each_operation_is_a_span() {
    let log = logged(async || {
        let scene = Scene::open(config().slow_after(None)).await;
        scene.store.get("ada").await.unwrap();
        let fault = Fault::refuse(ErrorKind::TimedOut);
        scene.faults.inject(Rule::on(Call::Get), fault).unwrap();
        scene.store.get("ada").await.unwrap_err();
    })
    .await;
    let redacted = RedactedKey::from(Key::from("ada"));
    for error in ["", " error=timed out"] {
        let span = format!("storage{{store=\"test\" operation=\"get\" key={redacted}{error}}}");
        let is_end = |line: &&str| line.contains(&span) && line.contains("close");
        assert_eq!(log.lines().filter(is_end).count(), 1, "{log}");
    }
    assert!(!log.contains("slow operation"), "{log}");
    assert!(!log.contains("ada"), "{log}");
}

#[tokio::test]
async fn alerts_are_logged_when_they_are_raised_and_cleared() {
    let log = logged(async || {
        let bound = Bound::Above {
            raise: 9.0,
            clear: 5.0,
        };
        let config = config().alert(Alert::new("full", Watch::Entries, bound));
        let scene = Scene::open(config).await;
        for number in 0..9_u8 {
            scene.store.put([number].as_slice(), "v").await.unwrap();
        }
        for _ in 0..2 {
            scene.store.stats().await.unwrap();
        }
        for number in 0..9_u8 {
            scene.store.delete(&[number]).await.unwrap();
        }
        scene.store.stats().await.unwrap();
    })
    .await;
    for (level, what) in [("WARN", "alert raised"), ("INFO", "alert cleared")] {
        let lines = log.lines().filter(|line| line.contains(what));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains(level), "{log}");
        assert!(lines[0].contains("alert=full"), "{log}");
    }
}
