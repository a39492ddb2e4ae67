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
        self.begin_move(slot)?;
        self.move_rest(slot)?;
        self.end_move(slot)
    }

    /// The master that a slot is moved to.
    ///
    /// # Errors
    /// If no node runs, or the slot is not served.
    pub fn taker_of(&self, slot: u16) -> ServerResult<&RedisServer> {
        self.way_of(slot).map(|way| way.taker)
    }

    /// Begins to move a slot to another master than the one that has it. From now
    /// on that one sends clients to the other one for what it has not.
    ///
    /// # Errors
    /// If a node does not run, or refuses.
    pub fn begin_move(&self, slot: u16) -> ServerResult {
        // A master that has not heard of the last change claims a slot with an epoch
        // that is no news any more, and gives the slot up again.
        self.wait_until_agreed()?;
        let way = self.way_of(slot)?;
        let slot = slot.to_string();
        way.taker
            .call(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &way.giver_name])?;
        way.giver
            .call(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &way.taker_name])
            .map(drop)
    }

    /// Moves one key of a slot whose move has begun; nothing if there is none.
    ///
    /// # Errors
    /// If a node does not run, or refuses.
    pub fn move_key(&self, slot: u16, key: &str) -> ServerResult {
        let way = self.way_of(slot)?;
        let to = way.taker.address();
        let (ip, port) = (to.ip().to_string(), to.port().to_string());
        let (user, password) = (self.administrator().name(), self.administrator().password());
        way.giver
            .call(&[
                "MIGRATE",
                &ip,
                &port,
                key,
                "0",
                MIGRATE_MAX,
                "AUTH2",
                user,
                password,
            ])
            .map(drop)
    }

    /// Moves all keys of a slot, one by one, whose move has begun.
    ///
    /// # Errors
    /// If a node does not run, or refuses.
    pub fn move_rest(&self, slot: u16) -> ServerResult {
        let (giver, _) = self.pair_of(slot)?;
        loop {
            let keys = giver.call(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "1"])?;
            match keys.lines().next() {
                Some(key) if !key.is_empty() => self.move_key(slot, key)?,
                _ => return Ok(()),
            }
        }
    }

    /// Gives a slot, all of whose keys were moved, to where they are.
    ///
    /// # Errors
    /// If a node does not run, or refuses.
    pub fn end_move(&self, slot: u16) -> ServerResult {
        let way = self.way_of(slot)?;
        let slot = slot.to_string();
        for node in [way.taker, way.giver] {
            node.call(&["CLUSTER", "SETSLOT", &slot, "NODE", &way.taker_name])?;
        }
        Ok(())
    }

    /// From whom a slot moves, and to whom: always the same one of the others.
    fn way_of(&self, slot: u16) -> ServerResult<Way<'_>> {
        let (giver, _) = self.pair_of(slot)?;
        let known = self.known()?;
        let mut places: Vec<_> = known.masters.keys().copied().collect();
        places.sort_unstable();
        let mut masters = places.into_iter().filter_map(|place| {
            let name = known.names.get(&place)?.clone();
            self.nodes.get(place).map(|node| (node, name))
        });
        let mut others = masters.clone();
        let is_giver = |(node, _): &(&RedisServer, String)| std::ptr::eq(*node, giver);
        match (masters.find(is_giver), others.find(|node| !is_giver(node))) {
            (Some((giver, giver_name)), Some((taker, taker_name))) => Ok(Way {
                giver,
                giver_name,
                taker,
                taker_name,
            }),
            _ => Err(failed("move a slot", "there is no other master")),
        }
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

/// The way of a slot.
struct Way<'a> {
    giver: &'a RedisServer,
    giver_name: String,
    taker: &'a RedisServer,
    taker_name: String,
}
