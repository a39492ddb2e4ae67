//! Where metrics go: the recorder of the process, or one of the layer's own.

use std::{fmt, sync::Arc};

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, Unit};

use crate::names;

/// A recorder that several stores may share.
pub type SharedRecorder = Arc<dyn Recorder + Send + Sync>;

/// A recorder and the label that names the store.
#[derive(Clone)]
pub(crate) struct Recording {
    recorder: Option<SharedRecorder>,
    store: Label,
}

const METADATA: Metadata<'static> =
    Metadata::new("storage_metrics", Level::INFO, Some(module_path!()));

impl Recording {
    /// Records to `recorder`, or to that of the process.
    pub(crate) fn new(recorder: Option<SharedRecorder>, store: String) -> Self {
        Self {
            recorder,
            store: Label::new("store", store),
        }
    }

    /// Gives the recorder the units and meanings of what it is going to record.
    pub(crate) fn describe(&self) {
        self.with(|recorder| {
            for (name, unit, text) in [
                (names::OPERATIONS, Unit::Count, "Operations answered."),
                (
                    names::ERRORS,
                    Unit::Count,
                    "Operations answered with an error.",
                ),
                (
                    names::CANCELLED,
                    Unit::Count,
                    "Operations whose future was dropped.",
                ),
                (names::READ_BYTES, Unit::Bytes, "Bytes that reads found."),
                (
                    names::READ_ENTRIES,
                    Unit::Count,
                    "Entries that reads found.",
                ),
                (
                    names::WRITTEN_BYTES,
                    Unit::Bytes,
                    "Bytes of commits applied.",
                ),
                (names::SLOW, Unit::Count, "Operations that took too long."),
            ] {
                recorder.describe_counter(name.into(), Some(unit), text.into());
            }
            recorder.describe_histogram(
                names::DURATION.into(),
                Some(Unit::Seconds),
                "How long operations took.".into(),
            );
            for (name, unit, text) in [
                (names::IN_FLIGHT, Unit::Count, "Operations under way."),
                (
                    names::ENTRIES,
                    Unit::Count,
                    "Roughly how many entries there are.",
                ),
                (names::DISK_BYTES, Unit::Bytes, "Bytes on disk."),
                (
                    names::ALERT_RAISED,
                    Unit::Count,
                    "1 while an alert is raised.",
                ),
            ] {
                recorder.describe_gauge(name.into(), Some(unit), text.into());
            }
        });
    }

    pub(crate) fn counter(&self, name: &'static str, labels: Vec<Label>) -> Counter {
        let key = self.key(name.to_owned(), labels);
        self.with(|recorder| recorder.register_counter(&key, &METADATA))
    }

    pub(crate) fn gauge(&self, name: impl Into<String>, labels: Vec<Label>) -> Gauge {
        let key = self.key(name.into(), labels);
        self.with(|recorder| recorder.register_gauge(&key, &METADATA))
    }

    pub(crate) fn histogram(&self, name: &'static str, labels: Vec<Label>) -> Histogram {
        let key = self.key(name.to_owned(), labels);
        self.with(|recorder| recorder.register_histogram(&key, &METADATA))
    }

    /// The name of the store.
    pub(crate) fn store(&self) -> &str {
        self.store.value()
    }

    fn key(&self, name: String, mut labels: Vec<Label>) -> Key {
        labels.insert(0, self.store.clone());
        Key::from_parts(name, labels)
    }

    fn with<T>(&self, record: impl FnOnce(&dyn Recorder) -> T) -> T {
        match &self.recorder {
            Some(recorder) => record(recorder),
            None => metrics::with_recorder(record),
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("store", &self.store())
            .finish_non_exhaustive()
    }
}
