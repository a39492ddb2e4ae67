//! Spans of what is asked of a store, sent to a collector of OpenTelemetry by OTLP over
//! HTTP.
//!
//! `cargo run -p storage --features metrics --example traces`
//!
//! It takes a collector at `http://localhost:4318`, or where `OTEL_EXPORTER_OTLP_ENDPOINT`
//! says, such as `docker run -p 4318:4318 -p 16686:16686 jaegertracing/all-in-one`.

use std::error::Error;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use storage::{
    Stack,
    memory::MemoryConfig,
    metrics::{MetricsConfig, MetricsLayer},
    prelude::*,
};
use tracing::{Instrument, Level, info_span};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

fn main() -> Result<(), Box<dyn Error>> {
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(SpanExporter::builder().with_http().build()?)
        .with_resource(Resource::builder().with_service_name("observatory").build())
        .build();
    // Spans of operations have the level debug; those of the exporter's own HTTP client
    // would be exported as well, and so on without end.
    let wanted = Targets::new()
        .with_target("storage_metrics", Level::DEBUG)
        .with_target("traces", Level::INFO);
    let exporting = tracing_opentelemetry::layer().with_tracer(provider.tracer("observatory"));
    tracing_subscriber::registry()
        .with(exporting.with_filter(wanted))
        .init();

    storage::blocking::block_on(watch().instrument(info_span!("watch")))?;

    // What has not been sent is sent now.
    provider.shutdown()?;
    Ok(())
}

async fn watch() -> storage::Result<()> {
    // Outermost it sees what callers see. Another one, next to the engine, would show
    // within these spans what each layer between them has made of a call.
    let store = Stack::on(MemoryConfig::new().open())
        .with(MetricsLayer::new(MetricsConfig::new("sky")))
        .open()
        .await?;
    store.put("planet/3", "Earth").await?;
    store.get("planet/3").await?;
    store.close().await
}
