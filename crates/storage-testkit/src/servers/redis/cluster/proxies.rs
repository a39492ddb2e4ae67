//! Proxies between clients and nodes.

use std::net::{Ipv4Addr, SocketAddr};

use super::{RedisCluster, failed};
use crate::servers::{Proxy, ServerResult};

/// Where the proxies are: at the ports of their nodes, which are not there.
const PROXIES: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

impl RedisCluster {
    /// Puts a proxy before each node, in their order. The nodes tell clients of these,
    /// and speak with each other as before: what they copy and move is not held up.
    ///
    /// # Errors
    /// If a node does not run, or somebody listens at `127.0.0.2`.
    pub fn start_proxies(&self) -> ServerResult<Vec<Proxy>> {
        let name = PROXIES.to_string();
        let mut proxies = Vec::new();
        for node in &self.nodes {
            let address = SocketAddr::from((PROXIES, node.address().port()));
            proxies.push(Proxy::start_at(address, node.address())?);
            // Nodes find each other by their addresses, whatever they are called.
            for (setting, value) in [
                ("cluster-announce-hostname", name.as_str()),
                ("cluster-preferred-endpoint-type", "hostname"),
            ] {
                node.call(&["CONFIG", "SET", setting, value])?;
            }
        }
        let called = format!(",{name}");
        for node in &self.nodes {
            self.persist("the nodes to know of their proxies", || {
                let nodes = node.call(&["CLUSTER", "NODES"])?;
                if nodes.lines().all(|node| node.contains(&called)) {
                    return Ok(());
                }
                Err(failed("ask the cluster", "not all nodes have names"))
            })?;
        }
        Ok(proxies)
    }
}
