//! An archive of directory trees: each file is an entry of a namespace that is called
//! as the tree is. What several trees have in common is stored once, and everything
//! compressed, so the next import of a tree that hardly changed takes hardly any room.
//!
//! `cargo run -p storage --features compress,dedup --example archive -- STORE import NAME DIRECTORY`
//!
//! `export NAME DIRECTORY` writes a tree into a new directory, `drop NAME` forgets it, and
//! `usage` says what there is and what it takes.

use std::{
    error::Error,
    fs, io,
    io::Write,
    path::{Component, Path, PathBuf},
};

use clap::{Parser, Subcommand};
use storage::{
    KeyRange, Maintenance, Namespace, NamespaceExt,
    blocking::block_on,
    compress::{CompressConfig, CompressLayer, CompressStore},
    dedup::{DedupConfig, DedupControl, DedupLayer, DedupStore},
    fjall::{FjallBackend, FjallConfig},
    prelude::*,
};

#[derive(Parser)]
struct Arguments {
    /// The directory of the archive, which is made if it is missing.
    store: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Stores the files of a directory as the tree NAME, in place of what that was.
    Import { name: String, directory: PathBuf },
    /// Writes the tree NAME into a directory that does not exist.
    Export { name: String, directory: PathBuf },
    /// Forgets the tree NAME.
    Drop { name: String },
    /// Says which trees there are and what the archive takes.
    Usage,
}

type Archive = DedupStore<CompressStore<FjallBackend>>;

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { store, task } = Arguments::parse();
    block_on(run(&store, task))
}

async fn run(path: &Path, task: Task) -> Result<(), Box<dyn Error>> {
    let archive = open(path).await?;
    let mut out = io::stdout().lock();
    match task {
        Task::Import { name, directory } => {
            let files = import(&archive, &tree(&name), &directory).await?;
            writeln!(out, "{name}: {files} files")?;
        }
        Task::Export { name, directory } => {
            let files = export(&archive, tree(&name), &directory).await?;
            writeln!(out, "{name}: {files} files")?;
        }
        Task::Drop { name } => {
            archive.drop_namespace(&tree(&name)).await?;
        }
        Task::Usage => print_usage(&archive, &mut out).await?,
    }
    archive.close().await?;
    Ok(())
}

/// Equal files are found before they are compressed, from 1 KiB on: half of all files are
/// shorter than the default, and they come again with each tree.
async fn open(path: &Path) -> storage::Result<Archive> {
    let engine = FjallConfig::new(path).open().await?;
    storage::Stack::on(engine)
        .with(CompressLayer::new(CompressConfig::new()))
        .with(DedupLayer::new(DedupConfig::new().bytes_min(1 << 10)))
        .open()
        .await
}

fn tree(name: &str) -> Namespace {
    Namespace::root().child(name)
}

/// Stores every file below `directory`; answers how many there are.
async fn import(
    archive: &Archive,
    tree: &Namespace,
    directory: &Path,
) -> Result<u64, Box<dyn Error>> {
    // Nothing waits for the disk until all files are stored.
    let buffered = WriteOptions::new().durability(Durability::Buffered);
    archive.drop_namespace(tree).await?;
    let mut files = 0;
    let mut unseen = vec![directory.to_path_buf()];
    while let Some(directory_now) = unseen.pop() {
        for child in fs::read_dir(&directory_now)? {
            let child = child?;
            let kind = child.file_type()?;
            if kind.is_dir() {
                unseen.push(child.path());
            } else if kind.is_file() {
                let name = name_within(directory, &child.path())?;
                let put = WriteBatch::new().put(tree.key(name), fs::read(child.path())?);
                archive.commit_with(put, &buffered).await?;
                files += 1;
            }
        }
    }
    archive.maintain(Maintenance::Flush).await?;
    Ok(files)
}

/// What a file is called in its tree: the parts of its path with slashes between them,
/// wherever it was stored.
fn name_within(directory: &Path, file: &Path) -> Result<String, Box<dyn Error>> {
    let parts = file.strip_prefix(directory)?.components();
    let parts: Option<Vec<_>> = parts.map(|part| part.as_os_str().to_str()).collect();
    Ok(parts.ok_or("the name of a file is no text")?.join("/"))
}

/// Writes every file of a tree; answers how many there are.
async fn export(
    archive: &Archive,
    tree: Namespace,
    directory: &Path,
) -> Result<u64, Box<dyn Error>> {
    fs::create_dir_all(directory.parent().unwrap_or(Path::new("")))?;
    fs::create_dir(directory)?;
    let tree = archive.namespace(&tree);
    let mut files = 0;
    let mut scan = tree.scan(KeyRange::all(), ScanOptions::new());
    while let Some(item) = scan.next().await? {
        let name = PathBuf::from(str::from_utf8(&item.key)?);
        // Nobody else's archive may write beside the directory.
        if !name
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(format!("{} leads out of the tree", name.display()).into());
        }
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(path, item.entry.value())?;
        files += 1;
    }
    Ok(files)
}

async fn print_usage(archive: &Archive, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut total = 0;
    for name in archive.namespaces(&Namespace::root()).await? {
        let count = archive.measure(&tree(&name)).await?;
        total += count.bytes;
        writeln!(
            out,
            "{name}: {} files, {} bytes",
            count.entries, count.bytes
        )?;
    }
    // What dropped trees alone referred to is removed by and by; here at once.
    if let Some(control) = archive.find::<DedupControl>() {
        let report = control.collect_now().await?;
        writeln!(
            out,
            "all parts once: {} bytes, and {} that nobody refers to any more",
            report.live_bytes, report.pending_bytes
        )?;
    }
    let disk = archive.stats().await?.disk_bytes.unwrap_or_default();
    writeln!(out, "on disk: {disk} bytes for {total}")?;
    Ok(())
}
