//! Azurite, which speaks as Azure Blob Storage does, with what it stores in memory.
//!
//! It takes Node and some four hundred packages, so only those tests have one that
//! are asked for: `cargo xtask test --with azurite` installs it, once.

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use super::{
    ServerError, ServerResult,
    place::{Place, cache},
    port,
    process::Process,
};

/// By its version; `cargo xtask` has the same.
const ROOT: &str = "storage-tests/azurite-3.35.0";
const PROGRAM: &str = "node_modules/azurite/dist/src/blob/main.js";

/// An Azurite in a temporary directory; dropping it ends it and removes the directory.
///
/// All calls block, and may be made from several threads.
#[derive(Debug)]
pub struct AzuriteServer {
    // First, so that it is dropped first: it ends the process.
    _place: Place,
    address: SocketAddr,
    _process: Process,
}

impl AzuriteServer {
    /// The account that it has, as everybody knows
    /// (<https://learn.microsoft.com/azure/storage/common/storage-use-azurite>).
    pub const ACCOUNT: &'static str = "devstoreaccount1";

    /// The key of that account, which is no secret.
    pub const ACCOUNT_KEY: &'static str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    const START_MAX: Duration = Duration::from_mins(1);
    const POLL: Duration = Duration::from_millis(50);

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
    /// [`Missing`](ServerError::Missing) if Azurite is not installed;
    /// [`TooSlow`](ServerError::TooSlow) if it does not start.
    pub fn launch() -> ServerResult<Self> {
        let program = cache(ROOT).map(|root| root.join(PROGRAM));
        let program = program
            .filter(|program| program.is_file())
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
        let log = place.root().join("log");
        let process = Process::start(&mut node, place.account(), place.root(), &log)?;
        let server = Self {
            _place: place,
            address,
            _process: process,
        };
        let deadline = Instant::now() + Self::START_MAX;
        while TcpStream::connect(address).is_err() {
            if Instant::now() >= deadline {
                return Err(ServerError::TooSlow {
                    task: "the server to start".to_owned(),
                    waited: Self::START_MAX,
                    log: std::fs::read_to_string(log).unwrap_or_default(),
                });
            }
            thread::sleep(Self::POLL);
        }
        Ok(server)
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
