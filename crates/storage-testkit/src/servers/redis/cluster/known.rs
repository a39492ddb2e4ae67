//! What nodes say of one another.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
};

use crate::servers::RedisServer;

/// What the nodes say of one another.
#[derive(Debug)]
pub(super) struct Known {
    /// The numbers of the masters that own slots, by their place among the nodes.
    pub(super) masters: HashMap<usize, Vec<RangeInclusive<u16>>>,
    /// Of each node, by its place, the name that the cluster has for it.
    pub(super) names: HashMap<usize, String>,
    /// Of each replica, by its place, the name of its master.
    pub(super) follows: HashMap<usize, String>,
}

impl Known {
    /// Reads the lines of `CLUSTER NODES`: name, address, flags, master, and from
    /// the ninth word on the slots.
    pub(super) fn parse(text: &str, nodes: &[RedisServer]) -> Self {
        let mut known = Self {
            masters: HashMap::new(),
            names: HashMap::new(),
            follows: HashMap::new(),
        };
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let [name, address, flags, master, _, _, _, _, slots @ ..] = &words[..] else {
                continue;
            };
            let address = address.split('@').next().unwrap_or_default();
            let is_here = |node: &RedisServer| node.address().to_string() == address;
            let Some(place) = nodes.iter().position(is_here) else {
                continue;
            };
            known.names.insert(place, (*name).to_owned());
            if flags.contains("slave") {
                known.follows.insert(place, (*master).to_owned());
            }
            let slots: Vec<_> = slots.iter().filter_map(|slots| range(slots)).collect();
            if flags.contains("master") && !flags.contains("fail") && !slots.is_empty() {
                known.masters.insert(place, slots);
            }
        }
        known
    }

    /// The lines of `CLUSTER NODES` of those who have slots, without what each node
    /// says of its own: name, epoch, slots.
    pub(super) fn claims(text: &str) -> BTreeSet<String> {
        let claim = |line: &str| {
            let words: Vec<_> = line.split(' ').collect();
            let [name, _, _, _, _, _, epoch, _, slots @ ..] = &words[..] else {
                return None;
            };
            let slots: Vec<_> = slots.iter().filter_map(|slots| range(slots)).collect();
            (!slots.is_empty()).then(|| format!("{name} {epoch} {slots:?}"))
        };
        text.lines().filter_map(claim).collect()
    }
}

/// The slots that are written as `first-last` or as one number.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}
