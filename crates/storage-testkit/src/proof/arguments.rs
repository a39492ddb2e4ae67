//! The command line of a proof program.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, ValueEnum};
use storage_core::Durability;

/// The commands by name, to tell them from what a test program is called with.
pub(super) const COMMANDS: [&str; 4] = ["crash", "power-loss", "work", "inspect"];

/// Proves that a store keeps its promises when its process dies. Without a
/// command: runs a few rounds of each proof, as tests.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo test --test proof --")]
pub(super) enum Command {
    /// Kill a process that writes, again and again, and judge what is left.
    Crash(ProofArguments),
    /// Record a process that writes, and judge what losses of power leave.
    PowerLoss(ProofArguments),
    /// Write until killed: what `crash` starts.
    #[command(hide = true)]
    Work(WorkArguments),
    /// Open the store and judge it: what `crash` starts afterwards.
    #[command(hide = true)]
    Inspect(InspectArguments),
}

/// What `crash` and `power-loss` take.
#[derive(Debug, Args)]
pub(super) struct ProofArguments {
    /// How many processes to start and kill, or to record.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rounds: u32,
    /// What the rounds are drawn from; without it, drawn by chance and printed.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// End with one line of JSON instead of a sentence.
    #[arg(long)]
    pub(super) json: bool,
    /// Which of the program's stores, one after the other, separated by commas; its
    /// engine by default.
    #[arg(long, value_delimiter = ',')]
    pub(super) subject: Vec<String>,
}

/// What `work` takes.
#[derive(Debug, Args)]
pub(super) struct WorkArguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,
    /// What to do.
    #[arg(long)]
    pub(super) seed: u64,
    /// Close the store and end after so many milliseconds.
    #[arg(long, value_parser = milliseconds)]
    pub(super) close_after: Option<Duration>,
    /// Wait to be recorded first.
    #[arg(long)]
    pub(super) recorded: bool,
}

/// What `inspect` takes.
#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    #[command(flatten)]
    pub(super) store: StoreArguments,
    /// The file that holds the notes of the process that died.
    #[arg(long)]
    pub(super) notes: PathBuf,
    /// The weakest durability that survives how it died.
    #[arg(long)]
    pub(super) survives: Survives,
    /// An earlier round and the digest of what it left: `7:0d9f…`.
    #[arg(long, value_parser = earlier)]
    pub(super) earlier: Vec<Earlier>,
    /// Another round whose keys may be in the store, whatever is left of it.
    #[arg(long)]
    pub(super) known: Vec<u32>,
    /// The last sequence that earlier rounds left.
    #[arg(long, default_value_t = 0)]
    pub(super) beyond: u64,
}

/// Which store, where, and in which round.
#[derive(Debug, Args)]
pub(super) struct StoreArguments {
    /// Which of the program's stores.
    #[arg(long)]
    pub(super) subject: String,
    /// The directory of the store.
    #[arg(long)]
    pub(super) directory: PathBuf,
    /// Whose keys to write or read.
    #[arg(long)]
    pub(super) round: u32,
}

/// What survives how a process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Survives {
    /// The process was killed.
    Buffered,
    /// The power was lost.
    Synced,
}

impl From<Survives> for Durability {
    fn from(survives: Survives) -> Self {
        match survives {
            Survives::Buffered => Self::Buffered,
            Survives::Synced => Self::Synced,
        }
    }
}

/// What an earlier round left in the same store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) round: u32,
    pub(super) digest: String,
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

fn earlier(text: &str) -> Result<Earlier, String> {
    let parsed = text.split_once(':').and_then(|(round, digest)| {
        Some(Earlier {
            round: round.parse().ok()?,
            digest: digest.to_owned(),
        })
    });
    parsed.ok_or_else(|| "it must be a round and a digest, as in 7:0d9f".to_owned())
}
