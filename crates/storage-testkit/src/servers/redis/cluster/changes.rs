//! Slots that move, and links that are cut.

use super::{RedisCluster, failed};
use crate::servers::{RedisServer, ServerResult};

/// For how many milliseconds a key may be on its way from node to node.
const MIGRATE_MAX: &str = "10000";

impl RedisCluster {
    /// Moves a slot with all its keys to another master than the one that has it,
    /// key by key, while clients go on.
    ///
    /// # Errors
    /// If a node does not run, or refuses.
    pub fn move_slot(&self, slot: u16) -> ServerResult {
        let (from, _) = self.pair_of(slot)?;
        let known = self.known()?;
        let name_of = |node: &RedisServer| {
            let place = self
                .nodes
                .iter()
                .position(|other| std::ptr::eq(other, node));
            place
                .and_then(|place| known.names.get(&place))
                .cloned()
                .unwrap_or_default()
        };
        let mut masters = known
            .masters
            .keys()
            .filter_map(|place| self.nodes.get(*place));
        let Some(to) = masters.find(|node| !std::ptr::eq(*node, from)) else {
            return Err(failed("move a slot", "there is no other master"));
        };
        let number = slot.to_string();
        let (giver, taker) = (name_of(from), name_of(to));
        to.call(&["CLUSTER", "SETSLOT", &number, "IMPORTING", &giver])?;
        from.call(&["CLUSTER", "SETSLOT", &number, "MIGRATING", &taker])?;
        let (ip, port) = (
            to.address().ip().to_string(),
            to.address().port().to_string(),
        );
        let (user, password) = (self.administrator().name(), self.administrator().password());
        loop {
            let keys = from.call(&["CLUSTER", "GETKEYSINSLOT", &number, "1"])?;
            let Some(key) = keys.lines().next().filter(|key| !key.is_empty()) else {
                break;
            };
            from.call(&[
                "MIGRATE",
                &ip,
                &port,
                key,
                "0",
                MIGRATE_MAX,
                "AUTH2",
                user,
                password,
            ])?;
        }
        for node in [to, from] {
            node.call(&["CLUSTER", "SETSLOT", &number, "NODE", &taker])?;
        }
        Ok(())
    }

    /// Cuts the link of a replica to its master, and keeps it from being made
    /// again. Both go on, and the cluster takes the replica for well.
    ///
    /// # Errors
    /// If one of them does not run.
    pub fn cut_link(&self, master: &RedisServer, replica: &RedisServer) -> ServerResult {
        replica.call(&["CONFIG", "SET", "masterauth", "wrong"])?;
        master
            .call(&["CLIENT", "KILL", "TYPE", "replica"])
            .map(drop)
    }

    /// Lets links be made again.
    ///
    /// # Errors
    /// If the node does not run.
    pub fn mend_link(&self, replica: &RedisServer) -> ServerResult {
        let password = self.administrator().password();
        replica
            .call(&["CONFIG", "SET", "masterauth", password])
            .map(drop)
    }
}
