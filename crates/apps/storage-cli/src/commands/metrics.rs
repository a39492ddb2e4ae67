//! `storage metrics`: a store's figures as Prometheus reads them, printed once or
//! served until somebody ends it.

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use storage::{
    ErasedStack, SharedStore,
    metrics::{MetricsConfig, MetricsLayer, PrometheusExporter},
    prelude::*,
};
use tokio::time::sleep;

use crate::{
    context::Context,
    duration,
    failure::{Failure, Result},
    interrupts,
    output::{Form, Output},
    status::Status,
};

/// How often it is looked whether a signal came.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Show the store's figures as Prometheus reads them, once or as an endpoint.
///
/// They are those of `stats`, and what this command itself asks of the store: how often, how long it took, and
/// how it failed. A store in a directory is open in one process at a time, so its own program has
/// to serve them (`storage::metrics::PrometheusExporter`); of a server's they can be watched from here.
#[derive(Debug, Args)]
pub(crate) struct MetricsArguments {
    /// Answer HTTP requests at this address, such as 127.0.0.1:9000, until Ctrl-C. It asks nobody
    /// who they are: listen on loopback, or behind something that asks.
    #[arg(long, value_name = "ADDR")]
    serve: Option<SocketAddr>,
    /// How often the store is asked for its figures while they are served.
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration::parse, requires = "serve")]
    every: Duration,
}

pub(crate) async fn run(
    arguments: MetricsArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    if context.form == Form::Json {
        return Err(
            Failure::usage("metrics have a form of their own, which is not JSON")
                .remedy("leave --json out, or use `storage stats --json`"),
        );
    }
    context
        .with_existing_engine(async |engine| match arguments.serve {
            None => print(engine, output).await,
            Some(address) => serve(engine, address, arguments.every, output).await,
        })
        .await?;
    Ok(Status::Done)
}

/// Prints what is known after one look at the store.
async fn print(engine: &SharedStore, output: &mut Output) -> Result<()> {
    let exporter = PrometheusExporter::without_endpoint()?;
    let store = measured(engine, &exporter).await?;
    look(&store).await?;
    output.bytes(exporter.render().as_bytes())
}

/// Looks at the store again and again, and answers whoever asks, until a signal
/// comes. A store that does not answer is asked again: its errors are counted.
async fn serve(
    engine: &SharedStore,
    address: SocketAddr,
    every: Duration,
    output: &mut Output,
) -> Result<()> {
    interrupts::heed()?;
    let exporter = PrometheusExporter::listen(address)?;
    let store = measured(engine, &exporter).await?;
    output.line(format!("serving http://{address}/metrics until Ctrl-C"))?;
    output.flush()?;
    while !interrupts::arrived() {
        // What went wrong is among the metrics.
        let _ = look(&store).await;
        let mut waited = Duration::ZERO;
        while waited < every && !interrupts::arrived() {
            sleep(LOOK_EVERY).await;
            waited += LOOK_EVERY;
        }
    }
    Ok(())
}

/// Asks for all that becomes metrics.
async fn look(store: &SharedStore) -> storage::Result<()> {
    store.stats().await?;
    store.health().await?;
    Ok(())
}

/// The engine under the layer that measures. It is closed by whoever opened it.
async fn measured(engine: &SharedStore, exporter: &PrometheusExporter) -> Result<SharedStore> {
    let config = MetricsConfig::new(engine.describe().to_string());
    let layer = MetricsLayer::new(config).recording_to(exporter.recorder());
    let stack = ErasedStack::on(engine.clone()).with(layer);
    Ok(stack.open().await?)
}
