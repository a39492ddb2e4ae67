//! What compression, deduplication and expiry together promise over PostgreSQL, while its server
//! is killed, cut off and silent, and collectors and sweepers of several processes race the
//! writers.
//!
//! Run as a test, it takes some seconds. For longer:
//! `cargo xtask chaos --engine pg --encoded --minutes 2 --json`.

#[path = "../proof/layers.rs"]
#[expect(dead_code, reason = "each program uses a part of it")]
mod layers;
#[path = "../outages/server.rs"]
mod server;

use std::{process::ExitCode, time::Duration};

use storage::{Components, Result, SharedStore};
use storage_testkit::{
    chaos::{Fault, Program, Site},
    servers::ServerResult,
};

use self::{
    layers::{Layers, Upkeep},
    server::Server,
};

fn main() -> ExitCode {
    Program::new("pg", || Ok(Stacked(Server::start()?))).run()
}

/// All three layers on the server.
struct Stacked(Server);

impl Site for Stacked {
    type Store = SharedStore;

    const FAULTS: &'static [Fault<Self>] = &[
        Fault::new("the server is killed", Self::kill, Self::start_again).cutting_off(),
        Fault::new("connections are cut", Self::cut, Self::cut),
        Fault::new("the network is silent", Self::swallow, Self::heal),
    ];

    /// Deduplication asks for chunks before it commits, and again if they went away.
    const TIME_LIMIT: Duration = Server::TIME_LIMIT.saturating_mul(4);
    /// A session that was used so long ago is asked whether it still lives.
    const NOTICED_WITHIN: Duration = Duration::from_millis(200);

    async fn open(&self) -> Result<SharedStore> {
        let engine = SharedStore::new(self.0.open_engine().await?);
        let layers = Layers::ALL;
        layers
            .on(engine, Components::default(), Upkeep::Ceaseless)
            .await
    }
}

impl Stacked {
    fn kill(&mut self) -> ServerResult {
        self.0.kill()
    }

    fn start_again(&mut self) -> ServerResult {
        self.0.start_again()
    }

    fn cut(&mut self) -> ServerResult {
        self.0.proxy.cut()
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "faults are all of one kind, and most can fail"
    )]
    fn swallow(&mut self) -> ServerResult {
        self.0.proxy.swallow();
        Ok(())
    }

    fn heal(&mut self) -> ServerResult {
        self.0.proxy.heal()
    }
}
