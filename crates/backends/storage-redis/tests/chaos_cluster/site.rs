//! Three masters with a replica each, and what can be done to them.

use std::{env, thread, time::Duration};

use storage_core::Result;
use storage_redis::{RedisBackend, RedisConfig};
use storage_testkit::{
    chaos::{Fault, Site},
    servers::{RedisCluster, RedisServer, ServerResult},
};

/// What the keys of the store begin with.
const PREFIX: &str = "chaos";

/// How many partitions the store has, so that each fault is met by some.
const PARTITIONS: u16 = 6;

/// How many replicas each commit waits for, for whoever wants to see what is lost
/// without: 0 of them.
const WAIT_REPLICAS: &str = "STORAGE_CHAOS_WAIT_REPLICAS";

/// For so long a master whose replica hears nothing takes commits.
const COMMITS_ARE_ALONE: Duration = Duration::from_millis(300);

/// The nodes. Faults concern the master of one slot.
#[derive(Debug)]
pub(crate) struct ClusterSite {
    cluster: RedisCluster,
    /// The partition whose master the next fault concerns.
    partition: u16,
    /// The node that was broken, by its place.
    broken: Option<usize>,
}

impl Site for ClusterSite {
    type Store = RedisBackend;

    const FAULTS: &'static [Fault<Self>] = &[
        Fault::new(
            "a master is killed and failed over",
            Self::kill,
            Self::fail_over,
        )
        .repaired_by(Self::start_broken),
        Fault::new(
            "a master is killed while its replica's link is cut",
            Self::cut_link_and_kill,
            Self::mend_and_fail_over,
        )
        .repaired_by(Self::start_broken),
        Fault::new(
            "a master is killed and comes back",
            Self::kill,
            Self::come_back,
        )
        .repaired_by(Self::settle),
        Fault::new("a master is paused", Self::pause, Self::resume).repaired_by(Self::settle),
        Fault::new("a replica is killed", Self::kill_replica, Self::come_back)
            .repaired_by(Self::settle),
        Fault::new("a slot moves", Self::move_slot, Self::move_slot).repaired_by(Self::settle),
        Fault::new("sessions are ended", Self::end_sessions, Self::end_sessions),
        Fault::new("scripts are forgotten", Self::flush, Self::flush),
    ];

    const TIME_LIMIT: Duration = Duration::from_secs(3);
    /// A session that was used so long ago is asked whether it still lives.
    const NOTICED_WITHIN: Duration = Duration::from_millis(200);

    async fn open(&self) -> Result<RedisBackend> {
        let url = self.cluster.url(PREFIX);
        let mut config = RedisConfig::from_url(&format!("{url}&partitions={PARTITIONS}"))?;
        config.time_limit = Self::TIME_LIMIT;
        config.connect_timeout = Duration::from_secs(1);
        let wanted = env::var(WAIT_REPLICAS).ok();
        config.wait_replicas = wanted.and_then(|count| count.parse().ok()).unwrap_or(1);
        config.open().await
    }
}

impl ClusterSite {
    pub(crate) fn start() -> ServerResult<Self> {
        Ok(Self {
            cluster: RedisCluster::start()?,
            partition: 0,
            broken: None,
        })
    }

    fn slot(&self) -> ServerResult<u16> {
        let tag = format!("{{{PREFIX}:{}}}", self.partition);
        self.cluster.slot_of(&tag)
    }

    /// The master of the next partition in turn, and its replica, by their places.
    fn next_pair(&mut self) -> ServerResult<(usize, Option<usize>)> {
        self.partition = (self.partition + 1) % PARTITIONS;
        let slot = self.slot()?;
        let (master, replica) = self.cluster.pair_of(slot)?;
        let place = |node: &RedisServer| {
            let mut nodes = self.cluster.nodes().iter();
            nodes.position(|other| other.address() == node.address())
        };
        Ok((place(master).unwrap_or_default(), replica.and_then(place)))
    }

    #[expect(clippy::indexing_slicing, reason = "places are those of nodes")]
    fn node(&self, place: usize) -> &RedisServer {
        &self.cluster.nodes()[place]
    }

    fn broken(&self) -> &RedisServer {
        self.node(self.broken.unwrap_or_default())
    }

    fn kill(&mut self) -> ServerResult {
        let (master, _) = self.next_pair()?;
        self.broken = Some(master);
        self.node(master).kill()
    }

    fn kill_replica(&mut self) -> ServerResult {
        let (master, replica) = self.next_pair()?;
        self.broken = Some(replica.unwrap_or(master));
        self.broken().kill()
    }

    fn cut_link_and_kill(&mut self) -> ServerResult {
        let (master, replica) = self.next_pair()?;
        self.broken = Some(master);
        let master = self.node(master);
        if let Some(replica) = replica {
            self.cluster.cut_link(master, self.node(replica))?;
        }
        thread::sleep(COMMITS_ARE_ALONE);
        master.kill()
    }

    fn fail_over(&mut self) -> ServerResult {
        let slot = self.slot()?;
        self.cluster.wait_for_failover_from(self.broken(), slot)
    }

    fn mend_and_fail_over(&mut self) -> ServerResult {
        self.fail_over()?;
        for (place, node) in self.cluster.nodes().iter().enumerate() {
            if Some(place) != self.broken {
                self.cluster.mend_link(node)?;
            }
        }
        Ok(())
    }

    fn start_broken(&mut self) -> ServerResult {
        self.broken().start()?;
        self.settle()
    }

    fn come_back(&mut self) -> ServerResult {
        self.broken().start()
    }

    fn pause(&mut self) -> ServerResult {
        let (master, _) = self.next_pair()?;
        self.broken = Some(master);
        self.broken().pause()
    }

    fn resume(&mut self) -> ServerResult {
        self.broken().resume()
    }

    fn settle(&mut self) -> ServerResult {
        self.cluster.wait_until_well()
    }

    fn move_slot(&mut self) -> ServerResult {
        self.next_pair()?;
        self.cluster.move_slot(self.slot()?)
    }

    fn end_sessions(&mut self) -> ServerResult {
        self.everywhere(&["CLIENT", "KILL", "TYPE", "normal"])
    }

    fn flush(&mut self) -> ServerResult {
        self.everywhere(&["SCRIPT", "FLUSH"])
    }

    fn everywhere(&self, words: &[&str]) -> ServerResult {
        let mut nodes = self.cluster.nodes().iter();
        nodes.try_for_each(|node| node.call(words).map(drop))
    }
}
