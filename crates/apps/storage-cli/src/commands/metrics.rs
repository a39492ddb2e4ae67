//! `storage metrics`: a store's figures as Prometheus reads them, printed once or
//! served until somebody ends it.

use std::{
    net::{SocketAddr, TcpListener},
    pin::pin,
    time::Duration,
};

use clap::Args;
use storage::{
    Components, SharedStore,
    layer::Layer,
    metrics::{MetricsConfig, MetricsLayer, PrometheusExporter},
    prelude::*,
};
use tokio::time::{sleep, timeout};

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
    /// who they are: listen on loopback, or behind something that asks. With port 0 it is a free
    /// one, which is printed.
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
    if arguments.every.is_zero() {
        return Err(Failure::usage("`--every` is zero").remedy("leave it out, or make it longer"));
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
    let address = with_port(address)?;
    let exporter = PrometheusExporter::listen(address)?;
    let store = measured(engine, &exporter).await?;
    output.line(format!("serving http://{address}/metrics until Ctrl-C"))?;
    output.flush()?;
    loop {
        // What went wrong is among the metrics.
        if !until_signal(look(&store)).await || !until_signal(sleep(every)).await {
            return Ok(());
        }
    }
}

/// The address with a port that is free, where it leaves that open with port 0.
fn with_port(address: SocketAddr) -> Result<SocketAddr> {
    if address.port() != 0 {
        return Ok(address);
    }
    let bound = TcpListener::bind(address).and_then(|free| free.local_addr());
    bound.map_err(|error| {
        let message = format!("{address} cannot be listened on");
        Failure::new(Status::Other, message).because(&error)
    })
}

/// Waits for `work`, but no longer than until a signal comes; says whether it has ended.
async fn until_signal<F: Future>(work: F) -> bool {
    let mut work = pin!(work);
    while !interrupts::arrived() {
        if timeout(LOOK_EVERY, work.as_mut()).await.is_ok() {
            return true;
        }
    }
    false
}

/// Asks for all that becomes metrics, also after an error: it is the first one's.
async fn look(store: &impl Store) -> storage::Result<()> {
    let stats = store.stats().await;
    let health = store.health().await;
    stats?;
    health?;
    Ok(())
}

/// The engine under the layer that measures. No stack is opened: that would write to a
/// store that is only looked at, and want all layers that it was written with.
async fn measured(engine: &SharedStore, exporter: &PrometheusExporter) -> Result<impl Store> {
    let config = MetricsConfig::new(engine.describe().to_string());
    let layer = MetricsLayer::new(config).recording_to(exporter.recorder());
    Ok(layer.wrap(engine.clone(), &Components::default()).await?)
}
