//! Spans of what a command asks of its store, sent to a collector of OpenTelemetry:
//! by OTLP over HTTP, in batches, from a thread beside the command.

use std::{env, io::Write};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{
    OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, Protocol, SpanExporter,
    WithExportConfig,
};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use storage::{
    Components, SharedStore,
    layer::Layer,
    metrics::{MetricsConfig, MetricsLayer},
    prelude::*,
};
use tracing::{Instrument, Level, dispatcher, info_span};
use tracing_subscriber::{
    filter::Targets,
    layer::{Layer as _, SubscriberExt},
    registry,
    util::SubscriberInitExt,
};

use crate::failure::{Failure, Result};

/// What collectors call the program, unless `OTEL_SERVICE_NAME` has another name.
const SERVICE: &str = "storage";

/// Sends spans until it is dropped; by then all have been sent, or the user is told.
#[derive(Debug)]
pub(crate) struct Spans {
    provider: SdkTracerProvider,
}

impl Spans {
    /// Begins to send spans to the collector at `url`, or else to the one that the
    /// variables of OpenTelemetry name; `None` if they name none either.
    pub(crate) fn begin(url: Option<&str>) -> Result<Option<Self>> {
        let variables = [
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
            OTEL_EXPORTER_OTLP_ENDPOINT,
        ];
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        if url.is_none() && !variables.into_iter().any(is_set) {
            return Ok(None);
        }
        // The client of the exporter takes that of the process. Another that is there does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The variables have their say about the rest: headers, time-outs, samplers.
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary);
        if let Some(url) = url {
            let url = url.trim_end_matches('/');
            exporter = exporter.with_endpoint(format!("{url}/v1/traces"));
        }
        let exporter = exporter.build().map_err(|error| {
            Failure::usage("spans cannot be sent there")
                .because(&error)
                .remedy("give --otlp the URL of a collector, such as http://localhost:4318")
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(SERVICE))
            // Where in the source they begin, and on which thread, tells users nothing.
            .with_location(false)
            .with_threads(false)
            // Not those of the exporter's own client.
            .with_filter(Targets::new().with_target("storage", Level::DEBUG));
        registry().with(layer).try_init().map_err(|error| {
            Failure::new(
                crate::status::Status::Other,
                "spans cannot be sent: others are collected already",
            )
            .because(&error)
        })?;
        Ok(Some(Self { provider }))
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        let sent = self.provider.force_flush();
        let ended = self.provider.shutdown();
        if let Err(error) = sent.and(ended) {
            // The command itself has done what it was to do. Nobody is left to be told
            // that this cannot be printed.
            let mut errors = std::io::stderr().lock();
            let _ = writeln!(errors, "warning: not all spans were sent: {error}");
        }
    }
}

/// Who sends them.
fn resource() -> Resource {
    let resource = Resource::builder();
    if env::var_os("OTEL_SERVICE_NAME").is_some() {
        return resource.build();
    }
    resource.with_service_name(SERVICE).build()
}

/// The command, as the span that all others belong to.
pub(crate) fn of_command<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    work.instrument(info_span!("command"))
}

/// The store, with a span for each operation if spans are sent.
pub(crate) async fn of_store(store: SharedStore) -> Result<SharedStore> {
    if !dispatcher::has_been_set() {
        return Ok(store);
    }
    let layer = MetricsLayer::new(MetricsConfig::new(store.describe().to_string()));
    let measured = layer.wrap(store, &Components::default()).await?;
    Ok(SharedStore::new(measured))
}
