//! Azurite, which speaks as Azure Blob Storage does, with what it stores in memory.
//!
//! It takes Node and some four hundred packages, so only those tests have one that
//! are asked for: `cargo xtask test --with azurite` installs it, once.

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
    sync::OnceLock,
};

use super::{
    ServerError, ServerResult,
    place::{Place, cache},
    port,
    running::Running,
};

/// By its version; `cargo xtask` has the same.
const ROOT: &str = "storage-tests/azurite-3.35.0";
const PROGRAM: &str = "node_modules/azurite/dist/src/blob/main.js";

/// Is there once all packages are.
const READY: &str = "ready";

/// An Azurite in a temporary directory; dropping it ends it and removes the directory.
///
/// All calls block, and may be made from several threads.
#[derive(Debug)]
pub struct AzuriteServer {
    // First, so that it is dropped first: it ends the process.
    _place: Place,
    address: SocketAddr,
    _running: Running,
}

impl AzuriteServer {
    /// The account that it has, as everybody knows
    /// (<https://learn.microsoft.com/azure/storage/common/storage-use-azurite>).
    pub const ACCOUNT: &'static str = "devstoreaccount1";

    /// The key of that account, which is no secret.
    pub const ACCOUNT_KEY: &'static str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    /// The server that all tests of this process may share. It is started when it
    /// is first asked for, and ended with the process.
    ///
    /// # Panics
    /// If it cannot be started; the message names what is missing.
    #[expect(
        clippy::panic,
        reason = "a test that cannot be set up says so by failing"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<AzuriteServer> = OnceLock::new();
        SHARED.get_or_init(|| match Self::launch() {
            Ok(server) => server,
            Err(error) => panic!("no Azurite to test with: {error}"),
        })
    }

    /// Starts a server in a temporary directory, and waits until it answers.
    ///
    /// # Errors
    /// [`Missing`](ServerError::Missing) if Azurite is not installed; with its log if
    /// it does not start.
    pub fn launch() -> ServerResult<Self> {
        let root = cache(ROOT).filter(|root| root.join(READY).is_file());
        let program = root
            .map(|root| root.join(PROGRAM))
            .ok_or(ServerError::Missing {
                program: "azurite, which `cargo xtask test --with azurite` installs",
                packages: &["nodejs", "npm"],
            })?;
        let place = Place::new("azurite")?;
        let address = port::free()?;
        let mut node = Command::new("node");
        node.arg(program)
            .args(["--blobHost", &address.ip().to_string()])
            .args(["--blobPort", &address.port().to_string()])
            // It is older than the version that clients speak.
            .args(["--inMemoryPersistence", "--skipApiVersionCheck", "--silent"])
            .args(["--disableTelemetry"]);
        let mut running = Running::not_yet(&place);
        running.start(node, &place, place.root(), |_| {
            TcpStream::connect(address).is_ok()
        })?;
        Ok(Self {
            _place: place,
            address,
            _running: running,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as clients are told, with the account in the path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}/{}", self.address, Self::ACCOUNT)
    }
}
