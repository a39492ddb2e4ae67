//! The endpoint that Prometheus scrapes, over loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use storage_core::{ErrorKind, ReadExt, Stack, Store, StoreExt, memory::MemoryConfig};
use storage_metrics::{MetricsConfig, MetricsLayer, PrometheusExporter};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Listens on a port that was free a moment ago.
fn listen() -> (PrometheusExporter, SocketAddr) {
    for _ in 0..20 {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        if let Ok(exporter) = PrometheusExporter::listen(address) {
            return (exporter, address);
        }
    }
    unreachable!("20 ports that were free were taken the next moment");
}

async fn scrape(address: SocketAddr) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_shows_what_stores_did() {
    let (exporter, address) = listen();
    let open = async |name: &str| {
        let layer = MetricsLayer::new(MetricsConfig::new(name)).recording_to(exporter.recorder());
        let stack = Stack::on(MemoryConfig::new().open()).with(layer);
        stack.open().await.unwrap()
    };
    let (first, second) = (open("first").await, open("second").await);
    first.put("k", "v").await.unwrap();
    for _ in 0..3 {
        second.get("k").await.unwrap();
    }
    second
        .commit(storage_core::WriteBatch::new().present("k"))
        .await
        .unwrap_err();
    first.stats().await.unwrap();
    let answer = scrape(address).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for line in [
        "# TYPE storage_operations_total counter",
        "# TYPE storage_operation_duration_seconds histogram",
        "storage_operations_total{store=\"first\",operation=\"commit\"} 1",
        "storage_operations_total{store=\"second\",operation=\"get\"} 3",
        "storage_operation_errors_total{store=\"second\",operation=\"commit\",kind=\"conflict\"} 1",
        "storage_operation_duration_seconds_count{store=\"second\",operation=\"get\"} 3",
        "storage_entries{store=\"first\"} ",
    ] {
        assert!(answer.contains(line), "{line} is not in:\n{answer}");
    }
    assert!(exporter.render().contains("storage_operations_total"));

    let error = PrometheusExporter::listen(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn an_endpoint_takes_a_runtime() {
    let error = PrometheusExporter::listen(([127, 0, 0, 1], 0).into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
