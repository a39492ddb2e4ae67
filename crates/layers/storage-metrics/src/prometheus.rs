//! An HTTP endpoint that Prometheus scrapes.

use std::{fmt, net::SocketAddr, sync::Arc};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use storage_core::{Error, ErrorKind, Result};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{NAME, SharedRecorder};

/// Where buckets of latencies end, in seconds: from a hit in memory to a call
/// across a network that failed.
const LATENCY_BUCKETS: [f64; 18] = [
    1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2,
    0.1, 0.5, 1.0, 10.0,
];

/// A recorder, and the endpoint that shows what it holds, until this is dropped;
/// or the recorder alone.
///
/// ```no_run
/// use storage_core::{Stack, memory::MemoryConfig};
/// use storage_metrics::{MetricsConfig, MetricsLayer, PrometheusExporter};
///
/// # async fn serve() -> storage_core::Result<()> {
/// let exporter = PrometheusExporter::listen(([127, 0, 0, 1], 9_000).into())?;
/// let store = Stack::on(MemoryConfig::new().open())
///     .with(MetricsLayer::new(MetricsConfig::new("accounts")).recording_to(exporter.recorder()))
///     .open()
///     .await?;
/// # drop(store);
/// # Ok(())
/// # }
/// ```
pub struct PrometheusExporter {
    recorder: SharedRecorder,
    handle: PrometheusHandle,
    serving: Option<JoinHandle<()>>,
}

impl PrometheusExporter {
    /// Answers HTTP requests at `address` with what has been recorded, whatever
    /// their path. Call it on a Tokio runtime; the endpoint lives there.
    ///
    /// It asks nobody who they are: listen on loopback, or behind something that
    /// asks.
    ///
    /// # Errors
    /// `Invalid` without a Tokio runtime; `Unavailable` if the address cannot be
    /// listened on.
    pub fn listen(address: SocketAddr) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            failed(ErrorKind::Invalid, "an endpoint takes a Tokio runtime").with_source(error)
        })?;
        let (recorder, endpoint) = builder()
            .and_then(|builder| builder.with_http_listener(address).build())
            .map_err(|error| {
                let message = format!("{address} cannot be listened on");
                failed(ErrorKind::Unavailable, message).with_source(error)
            })?;
        let handle = recorder.handle();
        let serving = runtime.spawn(async move {
            if let Err(error) = endpoint.await {
                tracing::error!(?error, "the endpoint for metrics has ended");
            }
        });
        Ok(Self {
            recorder: Arc::new(recorder),
            handle,
            serving: Some(serving),
        })
    }

    /// A recorder whose content [`render`](Self::render) alone shows: for a program
    /// that prints it, or has an endpoint of its own.
    ///
    /// # Errors
    /// `Internal` if the buckets of histograms are none, which they are.
    pub fn without_endpoint() -> Result<Self> {
        let recorder = builder()
            .map_err(|error| {
                failed(ErrorKind::Internal, "the buckets of latencies are wrong").with_source(error)
            })?
            .build_recorder();
        Ok(Self {
            handle: recorder.handle(),
            recorder: Arc::new(recorder),
            serving: None,
        })
    }

    /// What layers record to.
    #[must_use]
    pub fn recorder(&self) -> SharedRecorder {
        Arc::clone(&self.recorder)
    }

    /// What a scrape shows now.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

impl Drop for PrometheusExporter {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl fmt::Debug for PrometheusExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusExporter").finish_non_exhaustive()
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &LATENCY_BUCKETS)
}

fn failed(kind: ErrorKind, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(kind, message).with_layer(NAME)
}
