//! What a proxy does wrong.

use std::{net::SocketAddr, num::NonZeroU64, time::Duration};

use super::Direction;

/// All faults at one moment.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    /// Where new connections go.
    pub(super) target: SocketAddr,
    pub(super) newcomers: Newcomers,
    pub(super) traffic: Traffic,
    /// How often all connections were cut: those that were open before the last
    /// time are over.
    pub(super) cuts: u64,
    to_server: Way,
    to_client: Way,
}

/// What becomes of new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newcomers {
    Accepted,
    Refused,
}

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    Forwarded,
    Swallowed,
}

/// What holds bytes up that go one way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    pub(super) delay: Duration,
    pub(super) bytes_per_second: Option<NonZeroU64>,
}

impl Faults {
    pub(super) fn none(target: SocketAddr) -> Self {
        Self {
            target,
            newcomers: Newcomers::Accepted,
            traffic: Traffic::Forwarded,
            cuts: 0,
            to_server: Way::default(),
            to_client: Way::default(),
        }
    }

    pub(super) fn cut(&mut self) {
        self.cuts = self.cuts.wrapping_add(1);
    }

    /// Ends all faults. A connection that bytes were swallowed from would go on
    /// with a hole, so it is cut.
    pub(super) fn heal(&mut self) {
        if self.traffic == Traffic::Swallowed {
            self.cut();
        }
        *self = Self {
            cuts: self.cuts,
            ..Self::none(self.target)
        };
    }

    pub(super) fn way(&self, direction: Direction) -> Way {
        match direction {
            Direction::ToServer => self.to_server,
            Direction::ToClient => self.to_client,
        }
    }

    pub(super) fn way_mut(&mut self, direction: Direction) -> &mut Way {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}
