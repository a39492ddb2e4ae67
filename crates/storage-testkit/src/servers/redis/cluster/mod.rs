//! Three masters that share the slots, each with a replica.

mod changes;
mod known;
mod proxies;

use std::{
    ops::RangeInclusive,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use self::known::Known;
use super::{RedisServer, RedisServerConfig, RedisUser, server::next_database};
use crate::servers::{Authority, ServerError, ServerResult, port};

/// How many slots there are.
const SLOTS: u16 = 16_384;

/// How many masters, and how many replicas, of which each follows one.
const MASTERS: u16 = 3;

/// Nodes need a second to know each other, and about three to replace one.
const CHANGE_MAX: Duration = Duration::from_mins(1);

/// How often to look.
const POLL: Duration = Duration::from_millis(20);

/// A cluster of three masters and three replicas, all with one administrator. A
/// master that does not answer for a second is replaced by its replica, however
/// far that lags behind.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// The cluster that all tests of this process may share. It is started when it
    /// is first asked for, and ended with the process. Tests that break nodes start
    /// [one of their own](Self::start).
    ///
    /// # Panics
    /// If it cannot be started; the message names what is missing.
    #[expect(
        clippy::panic,
        reason = "a test that cannot be set up says so by failing"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<RedisCluster> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start() {
            Ok(cluster) => cluster,
            Err(error) => panic!("no Redis Cluster to test with: {error}"),
        })
    }

    /// Starts all nodes, and waits until every one knows all, all slots are
    /// served, and every replica's link to its master is up.
    ///
    /// # Errors
    /// As [`RedisServerConfig::start`].
    pub fn start() -> ServerResult<Self> {
        let administrator = RedisUser::new("default")?;
        let authority = Arc::new(Authority::new()?);
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..2 * MASTERS {
            let bus = port::free()?.port().to_string();
            let config = RedisServerConfig::new()
                .setting("cluster-enabled", "yes")
                .setting("cluster-port", bus.as_str())
                .setting("cluster-node-timeout", "1000")
                .setting("cluster-replica-validity-factor", "0")
                .setting("cluster-migration-barrier", "9")
                .setting("repl-diskless-sync-delay", "0");
            let node = RedisServer::begin(config, administrator.clone(), Arc::clone(&authority))?;
            nodes.push(node);
            buses.push(bus);
        }
        let cluster = Self { nodes };
        cluster.give_slots()?;
        cluster.persist("all nodes to know each other", || cluster.introduce(&buses))?;
        let known = cluster.known()?;
        for (place, replica) in cluster.nodes.iter().enumerate().skip(usize::from(MASTERS)) {
            let master = known.names.get(&(place - usize::from(MASTERS)));
            let master = master.map_or("", String::as_str);
            cluster.persist("a replica to take its master", || {
                replica.call(&["CLUSTER", "REPLICATE", master]).map(drop)
            })?;
        }
        cluster.wait_until_well()?;
        cluster.wait("all nodes to know of the replicas", |node| {
            let nodes = node.call(&["CLUSTER", "NODES"])?;
            let known = Known::parse(&nodes, &cluster.nodes);
            Ok(known.follows.len() == usize::from(MASTERS))
        })?;
        Ok(cluster)
    }

    /// Who may do everything on every node.
    ///
    /// # Panics
    /// Never: there are nodes.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a cluster has nodes")]
    pub fn administrator(&self) -> &RedisUser {
        self.nodes
            .first()
            .map(RedisServer::administrator)
            .expect("a cluster has nodes")
    }

    /// All nodes; the first three were masters at the beginning.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Where the administrator finds the store below a prefix.
    #[must_use]
    pub fn url(&self, prefix: &str) -> String {
        let hosts: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.address().to_string())
            .collect();
        let (user, password) = (self.administrator().name(), self.administrator().password());
        format!(
            "redis-cluster://{user}:{password}@{}?prefix={prefix}",
            hosts.join(",")
        )
    }

    /// Where the administrator finds a store below a prefix that nobody else of
    /// this process is given.
    #[must_use]
    pub fn new_prefix(&self) -> String {
        self.url(&format!("store{}", next_database()))
    }

    /// The slot of a key, by what is in braces in it.
    ///
    /// # Errors
    /// If no node runs.
    pub fn slot_of(&self, key: &str) -> ServerResult<u16> {
        let mut last = failed("ask the cluster", "no node answers");
        for node in &self.nodes {
            match node.call(&["CLUSTER", "KEYSLOT", key]) {
                Ok(slot) => {
                    return slot
                        .parse()
                        .map_err(|_| failed("find a slot", "it is no number"));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The master of a slot, and its replica.
    ///
    /// # Errors
    /// If no node runs, or the slot is not served.
    pub fn pair_of(&self, slot: u16) -> ServerResult<(&RedisServer, Option<&RedisServer>)> {
        let known = self.known()?;
        let owns =
            |slots: &Vec<RangeInclusive<u16>>| slots.iter().any(|slots| slots.contains(&slot));
        let mut masters = known.masters.iter();
        let master = masters.find_map(|(place, slots)| owns(slots).then_some(*place));
        let Some(master) = master.and_then(|place| self.nodes.get(place).map(|node| (place, node)))
        else {
            return Err(failed("find the master of a slot", "nobody serves it"));
        };
        let name = known.names.get(&master.0);
        let mut replicas = known.follows.iter();
        let replica =
            replicas.find_map(|(place, follows)| (Some(follows) == name).then_some(*place));
        Ok((master.1, replica.and_then(|place| self.nodes.get(place))))
    }

    /// Waits until another node than `former` serves a slot.
    ///
    /// # Errors
    /// [`TooSlow`](ServerError::TooSlow) if none does.
    pub fn wait_for_failover_from(&self, former: &RedisServer, slot: u16) -> ServerResult {
        self.persist("a replica to be promoted", || {
            let (master, _) = self.pair_of(slot)?;
            if std::ptr::eq(master, former) {
                return Err(failed("fail over", "the old master is still there"));
            }
            Ok(())
        })
    }

    /// Waits until all nodes run, all slots are served, and every replica's link
    /// to its master is up.
    ///
    /// # Errors
    /// [`TooSlow`](ServerError::TooSlow) if that does not come.
    pub fn wait_until_well(&self) -> ServerResult {
        self.wait("the cluster to be well", |node| {
            let info = node.call(&["CLUSTER", "INFO"])?;
            let replication = node.call(&["INFO", "replication"])?;
            let is_linked = if replication.contains("role:master") {
                replication.contains("state=online")
            } else {
                replication.contains("master_link_status:up")
            };
            let is_served = info.contains("cluster_state:ok")
                && info.contains(&format!("cluster_slots_ok:{SLOTS}"));
            Ok(is_linked && is_served)
        })
    }

    /// Waits until all nodes say the same of who has which slots since when.
    fn wait_until_agreed(&self) -> ServerResult {
        self.persist("the nodes to agree", || {
            let views = self.nodes.iter().map(|node| {
                let nodes = node.call(&["CLUSTER", "NODES"])?;
                Ok(Known::claims(&nodes))
            });
            let views = views.collect::<ServerResult<Vec<_>>>()?;
            if views.windows(2).all(|pair| pair.first() == pair.last()) {
                return Ok(());
            }
            Err(failed("ask the cluster", "the nodes do not agree"))
        })
    }

    /// Tells the masters of their slots.
    fn give_slots(&self) -> ServerResult {
        for (epoch, node) in (1..).zip(&self.nodes) {
            let epoch = u32::to_string(&epoch);
            node.call(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?;
        }
        for (number, node) in (0..MASTERS).zip(&self.nodes) {
            let first = number * (SLOTS / MASTERS);
            let last = match number + 1 {
                MASTERS => SLOTS - 1,
                next => next * (SLOTS / MASTERS) - 1,
            };
            node.call(&[
                "CLUSTER",
                "ADDSLOTSRANGE",
                &first.to_string(),
                &last.to_string(),
            ])?;
        }
        Ok(())
    }

    /// Tells the first node of all others that it does not know: it forgets those that
    /// have not answered for a second. Fails until every node knows all.
    fn introduce(&self, buses: &[String]) -> ServerResult {
        let Some(first) = self.nodes.first() else {
            return Ok(());
        };
        let known = Known::parse(&first.call(&["CLUSTER", "NODES"])?, &self.nodes);
        for (place, (node, bus)) in self.nodes.iter().zip(buses).enumerate().skip(1) {
            if known.names.contains_key(&place) {
                continue;
            }
            let (ip, port) = (node.address().ip().to_string(), node.address().port());
            first.call(&["CLUSTER", "MEET", &ip, &port.to_string(), bus])?;
        }
        let all = format!("cluster_known_nodes:{}", self.nodes.len());
        for node in &self.nodes {
            if !node.call(&["CLUSTER", "INFO"])?.contains(&all) {
                return Err(failed("ask the cluster", "a node does not know all others"));
            }
        }
        Ok(())
    }

    /// What a node that answers and takes the cluster for well says of all.
    fn known(&self) -> ServerResult<Known> {
        let mut last = failed("ask the cluster", "no node answers");
        for node in &self.nodes {
            if !node.is_running()? {
                continue;
            }
            match node.call(&["CLUSTER", "NODES"]) {
                Ok(nodes) => return Ok(Known::parse(&nodes, &self.nodes)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn wait(
        &self,
        task: &str,
        is_there: impl Fn(&RedisServer) -> ServerResult<bool>,
    ) -> ServerResult {
        for node in &self.nodes {
            self.persist(task, || match is_there(node) {
                Ok(true) => Ok(()),
                Ok(false) => Err(failed(task, "not yet")),
                Err(error) => Err(error),
            })?;
        }
        Ok(())
    }

    /// Does something until it succeeds.
    fn persist(&self, task: &str, work: impl Fn() -> ServerResult) -> ServerResult {
        let deadline = Instant::now() + CHANGE_MAX;
        while work().is_err() {
            if Instant::now() >= deadline {
                let log = self.nodes.first().map(RedisServer::log);
                return Err(ServerError::TooSlow {
                    task: task.to_owned(),
                    waited: CHANGE_MAX,
                    log: log.unwrap_or_default(),
                });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

fn failed(program: &str, said: &str) -> ServerError {
    ServerError::Failed {
        program: program.to_owned(),
        said: said.to_owned(),
    }
}
