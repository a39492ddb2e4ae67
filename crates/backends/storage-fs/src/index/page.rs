//! Runs of sorted entries, packed into one block of bytes each: the same in
//! memory and in the base.
//!
//! Keys that lie side by side mostly begin alike, so each holds only how much it
//! shares with the one before it, and what differs. That takes a third of the
//! memory of a map of keys, and lets a base be written and read without turning
//! a million entries from one form into another. An entry is found by walking
//! through its page, and changed by copying the page.

use std::{cmp::Ordering, sync::Arc};

use crate::{
    index::Totals,
    version::Version,
    wire::{Input, as_u64, put_bytes, put_number},
};

/// Sorted entries. Cloning shares the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    bytes: Arc<[u8]>,
}

/// What became of a page when an entry was changed.
#[derive(Debug)]
pub(super) struct Edit {
    /// The page's new bytes, however many.
    pub(super) bytes: Vec<u8>,
    /// The version that was replaced or removed.
    pub(super) old: Option<Version>,
    /// Where the changed entry begins.
    pub(super) place: usize,
    /// Whether it is the last one.
    pub(super) is_last: bool,
}

impl Page {
    /// A page is split that grows beyond so many bytes, if it has several
    /// entries. Larger ones take longer to walk through and to copy; smaller
    /// ones cost more memory beside their bytes.
    pub(super) const BYTES_MAX: usize = 2_048;

    /// A page with at most so many bytes is joined to the one after it.
    pub(super) const BYTES_MIN: usize = Self::BYTES_MAX / 4;

    pub(super) fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.into(),
        }
    }

    /// The page that `bytes` are, with its first key and the totals of its
    /// entries; `None` unless they are a page of at least one entry.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, Vec<u8>, Totals)> {
        let mut walk = Walk::new(bytes);
        let mut totals = Totals::default();
        totals.add(&walk.next()?);
        let first = walk.key().to_vec();
        let mut before = first.clone();
        while let Some((shared, version)) = walk.next_shared() {
            // Greater, and by the first byte that it does not share.
            if walk.key().get(shared) <= before.get(shared) {
                return None;
            }
            totals.add(&version);
            before.clear();
            before.extend_from_slice(walk.key());
        }
        let is_whole = walk.rest().is_empty();
        is_whole.then(|| (Self::new(bytes), first, totals))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn walk(&self) -> Walk<'_> {
        Walk::new(&self.bytes)
    }

    /// The version at `key`. No key of the page is put together for that: what
    /// each shares with the one before it tells how it compares.
    pub(super) fn get(&self, key: &[u8]) -> Option<Version> {
        let mut input = Input::new(&self.bytes);
        // How much the entry before shares with `key`; it is less.
        let mut matched = 0;
        loop {
            let shared = usize::try_from(input.number()?).ok()?;
            let rest = input.bytes()?;
            match shared.cmp(&matched) {
                // It differs from `key` where the one before does, and alike.
                Ordering::Greater => {}
                // It is greater than the one before where that one is as `key`.
                Ordering::Less => return None,
                Ordering::Equal => {
                    let sought = key.get(matched..)?;
                    let same = shared_bytes(sought, rest);
                    match (rest.get(same), sought.get(same)) {
                        (None, None) => return Version::read(&mut input),
                        (found, sought) if found > sought => return None,
                        _ => matched += same,
                    }
                }
            }
            Version::skip(&mut input)?;
        }
    }

    /// The page with `version` at `key`, or without the key.
    pub(super) fn edit(&self, key: &[u8], version: Option<&Version>) -> Edit {
        let mut walk = self.walk();
        let mut previous = Vec::new();
        let (place, found) = loop {
            let place = self.bytes.len() - walk.rest().len();
            match walk.next() {
                Some(_) if walk.key() < key => {
                    previous.clear();
                    previous.extend_from_slice(walk.key());
                }
                found => break (place, found),
            }
        };
        let mut bytes = Vec::with_capacity(self.bytes.len() + key.len() + 32);
        bytes.extend_from_slice(self.bytes.get(..place).unwrap_or_default());
        let old = found.filter(|_| walk.key() == key);
        let following = if old.is_some() { walk.next() } else { found };
        if let Some(version) = version {
            put_entry(&mut bytes, &previous, key, version);
            previous.clear();
            previous.extend_from_slice(key);
        }
        if let Some(following) = &following {
            put_entry(&mut bytes, &previous, walk.key(), following);
        }
        bytes.extend_from_slice(walk.rest());
        Edit {
            bytes,
            old,
            place,
            is_last: following.is_none(),
        }
    }
}

/// Cuts packed entries in two, before the first entry that begins at `place` or
/// later. Gives the second part's first key too; `None` if there is no such
/// entry but the first.
pub(super) fn split(bytes: &[u8], place: usize) -> Option<(Page, Vec<u8>, Page)> {
    let mut walk = Walk::new(bytes);
    walk.next()?;
    loop {
        let at = bytes.len() - walk.rest().len();
        let version = walk.next()?;
        if at >= place {
            let mut second = Vec::with_capacity(bytes.len() - at + walk.key().len());
            put_entry(&mut second, &[], walk.key(), &version);
            second.extend_from_slice(walk.rest());
            let first = bytes.get(..at)?;
            return Some((Page::new(first), walk.key().to_vec(), Page::new(&second)));
        }
    }
}

/// Packed entries, and behind them those of `next`, all of which are greater.
pub(super) fn join(mut bytes: Vec<u8>, next: &Page) -> Vec<u8> {
    let mut walk = Walk::new(&bytes);
    while walk.next().is_some() {}
    let last = walk.key().to_vec();
    let mut walk = next.walk();
    if let Some(version) = walk.next() {
        put_entry(&mut bytes, &last, walk.key(), &version);
        bytes.extend_from_slice(walk.rest());
    }
    bytes
}

fn put_entry(to: &mut Vec<u8>, previous: &[u8], key: &[u8], version: &Version) {
    let shared = shared_bytes(previous, key);
    put_number(to, as_u64(shared));
    put_bytes(to, key.get(shared..).unwrap_or_default());
    version.put(to);
}

/// How many bytes both begin with.
fn shared_bytes(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// Walks through packed entries.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    input: Input<'a>,
    key: Vec<u8>,
}

impl<'a> Walk<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Input::new(bytes),
            key: Vec::new(),
        }
    }

    /// The version of the next entry, whose key [`key`](Self::key) gives then;
    /// `None` at the end, or where something else follows.
    pub(super) fn next(&mut self) -> Option<Version> {
        self.next_shared().map(|(_, version)| version)
    }

    /// The [next](Self::next) one, and how much of its key is said to be that of
    /// the entry before.
    fn next_shared(&mut self) -> Option<(usize, Version)> {
        let mut input = self.input;
        let shared = usize::try_from(input.number()?).ok()?;
        if shared > self.key.len() {
            return None;
        }
        let rest = input.bytes()?;
        let version = Version::read(&mut input)?;
        self.key.truncate(shared);
        self.key.extend_from_slice(rest);
        self.input = input;
        Some((shared, version))
    }

    /// The key of the entry that was read last.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The bytes behind it.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.input.rest()
    }
}
