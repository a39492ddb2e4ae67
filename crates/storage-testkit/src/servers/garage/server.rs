//! Three nodes, from their start to their end.

use std::{
    fs,
    net::SocketAddr,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::programs;
use crate::servers::{
    ServerError, ServerResult, place::Place, port, process::Process, secret, tool,
};

/// A Garage in a temporary directory; dropping it ends it and removes the directory.
///
/// All calls block, and may be made from several threads.
pub struct GarageServer {
    // First, so that it is dropped first: it ends the processes.
    place: Place,
    nodes: Vec<Node>,
    key: (String, String),
    buckets: AtomicU32,
}

/// A bucket, and the key that may write to it.
#[derive(Clone, PartialEq, Eq)]
pub struct GarageBucket {
    name: String,
    endpoint: String,
    key: (String, String),
}

#[derive(Debug)]
struct Node {
    name: String,
    api: SocketAddr,
    _process: Process,
}

impl GarageServer {
    const NODES: usize = 3;
    const REGION: &'static str = "garage";
    const START_MAX: Duration = Duration::from_mins(1);
    const POLL: Duration = Duration::from_millis(100);

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
        static SHARED: OnceLock<GarageServer> = OnceLock::new();
        SHARED.get_or_init(|| match Self::launch() {
            Ok(server) => server,
            Err(error) => panic!("no Garage to test with: {error}"),
        })
    }

    /// Starts three nodes in a temporary directory, each of which has all objects,
    /// and waits until they are one.
    ///
    /// # Errors
    /// [`Missing`](ServerError::Missing) if Garage is not installed; with a node's
    /// log if it does not start.
    pub fn launch() -> ServerResult<Self> {
        let place = Place::new("garage")?;
        let secret = format!("{}{}", secret::password()?, secret::password()?);
        let mut nodes = Vec::new();
        for number in 0..Self::NODES {
            nodes.push(Node::start(&place, number, &secret)?);
        }
        let mut server = Self {
            place,
            nodes,
            key: Default::default(),
            buckets: AtomicU32::new(0),
        };
        server.unite()?;
        let told = server.command(&["key", "create", "tests"])?;
        let field = |name| value_of(&told, name);
        server.key = (field("Key ID:"), field("Secret key:"));
        Ok(server)
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// If the server does not answer, or refuses.
    pub fn new_bucket(&self) -> ServerResult<GarageBucket> {
        let number = self.buckets.fetch_add(1, Ordering::Relaxed);
        let name = format!("bucket-{number}");
        self.command(&["bucket", "create", &name])?;
        let allow = [
            "bucket", "allow", &name, "--key", "tests", "--read", "--write",
        ];
        self.command(&allow)?;
        let endpoint = self
            .nodes
            .first()
            .map(|node| format!("http://{}", node.api));
        Ok(GarageBucket {
            name,
            endpoint: endpoint.unwrap_or_default(),
            key: self.key.clone(),
        })
    }

    /// Makes one of the nodes.
    fn unite(&self) -> ServerResult {
        let mut ids = Vec::new();
        for node in &self.nodes {
            let id = self.answer_once_up(node, &["node", "id", "--quiet"])?;
            ids.push(id.trim().to_owned());
        }
        for id in ids.iter().skip(1) {
            if let Some(first) = self.nodes.first() {
                self.answer_once_up(first, &["node", "connect", id])?;
            }
        }
        for id in &ids {
            let id = id.split('@').next().unwrap_or_default();
            self.command(&["layout", "assign", "--zone", "z", "--capacity", "1GB", id])?;
        }
        self.command(&["layout", "apply", "--version", "1"])?;
        Ok(())
    }

    /// What the first node answers to a command.
    fn command(&self, arguments: &[&str]) -> ServerResult<String> {
        let [first, ..] = self.nodes.as_slice() else {
            return Ok(String::new());
        };
        tool::output(first.program(&self.place)?.args(arguments))
    }

    /// What a node answers to a command that may be given again, once it does.
    fn answer_once_up(&self, node: &Node, arguments: &[&str]) -> ServerResult<String> {
        let deadline = Instant::now() + Self::START_MAX;
        loop {
            match tool::output(node.program(&self.place)?.args(arguments)) {
                Err(ServerError::Failed { .. }) if Instant::now() < deadline => {
                    thread::sleep(Self::POLL);
                }
                answer => return answer,
            }
        }
    }
}

impl Node {
    fn start(place: &Place, number: usize, secret: &str) -> ServerResult<Self> {
        let name = format!("node-{number}");
        let directory = place.root().join(&name);
        fs::create_dir(&directory).map_err(ServerError::system("make a directory"))?;
        place.give(&directory)?;
        let (rpc, api) = (port::free()?, port::free()?);
        let (root, region, nodes) = (
            directory.display(),
            GarageServer::REGION,
            GarageServer::NODES,
        );
        place.write(
            &format!("{name}.toml"),
            &format!(
                "metadata_dir = \"{root}/meta\"\n\
                 data_dir = \"{root}/data\"\n\
                 db_engine = \"sqlite\"\n\
                 replication_factor = {nodes}\n\
                 rpc_bind_addr = \"{rpc}\"\n\
                 rpc_public_addr = \"{rpc}\"\n\
                 rpc_secret = \"{secret}\"\n\
                 [s3_api]\n\
                 s3_region = \"{region}\"\n\
                 api_bind_addr = \"{api}\"\n"
            ),
        )?;
        let mut command = of(place, &name)?;
        let log = place.root().join(format!("{name}.log"));
        let process = Process::start(command.arg("server"), place.account(), place.root(), &log)?;
        Ok(Self {
            name,
            api,
            _process: process,
        })
    }

    fn program(&self, place: &Place) -> ServerResult<Command> {
        of(place, &self.name)
    }
}

/// The program, with the configuration of a node.
fn of(place: &Place, name: &str) -> ServerResult<Command> {
    let mut command = programs::garage()?;
    let config = place.root().join(format!("{name}.toml"));
    command.arg("-c").arg(config);
    Ok(command)
}

/// What stands behind `name` in what a command has told.
fn value_of(told: &str, name: &str) -> String {
    let mut lines = told.lines();
    let value = lines.find_map(|line| line.trim().strip_prefix(name));
    value.unwrap_or_default().trim().to_owned()
}

impl GarageBucket {
    /// The URL of a store below `prefix`.
    #[must_use]
    pub fn url(&self, prefix: &str) -> String {
        let Self { name, endpoint, .. } = self;
        let region = GarageServer::REGION;
        format!("s3://{name}/{prefix}?endpoint={endpoint}&region={region}")
    }

    /// The name of the key, and the key.
    #[must_use]
    pub fn access_key(&self) -> (&str, &str) {
        (&self.key.0, &self.key.1)
    }
}

impl std::fmt::Debug for GarageServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GarageServer")
            .field("nodes", &self.nodes)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for GarageBucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GarageBucket")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
