//! Files in directories, written so that each is there whole or not at all.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use storage::Durability;

use super::super::target::{Pair, Target};

/// How many characters of a key name the directory of its file.
const SHARD_CHARACTERS: usize = 2;

/// A file for each value, named after its key, and the names in order.
#[derive(Debug)]
pub(crate) struct RawFiles {
    directory: PathBuf,
    names: RwLock<BTreeSet<String>>,
    temporary: AtomicU64,
}

impl RawFiles {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        for shard in 0..=u8::MAX {
            fs::create_dir_all(path.join(format!("{shard:02x}")))?;
        }
        Ok(Self {
            directory: path.to_owned(),
            names: RwLock::default(),
            temporary: AtomicU64::new(0),
        })
    }

    fn place(&self, name: &str) -> Result<(PathBuf, PathBuf)> {
        let shard = name.get(..SHARD_CHARACTERS).context("a key is too short")?;
        let shard = self.directory.join(shard);
        let file = shard.join(name);
        Ok((shard, file))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.place(name)?.1) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, name: String, value: &[u8], durability: Durability) -> Result<()> {
        let (shard, path) = self.place(&name)?;
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = shard.join(format!("{number}.new"));
        let mut file = File::create_new(&temporary)?;
        file.write_all(value)?;
        if durability == Durability::Synced {
            file.sync_data()?;
        }
        fs::rename(&temporary, &path)?;
        if durability == Durability::Synced {
            File::open(&shard)?.sync_all()?;
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(name);
        Ok(())
    }
}

impl Target for RawFiles {
    async fn load(&self, entries: Vec<Pair>) -> Result<()> {
        for (key, value) in entries {
            self.write(String::from_utf8(key)?, &value, Durability::Buffered)?;
        }
        Ok(())
    }

    async fn get(&self, key: &[u8]) -> Result<usize> {
        let value = self.read(str::from_utf8(key)?)?;
        Ok(value.map_or(0, |value| value.len()))
    }

    async fn scan(&self, start: &[u8], entries_max: usize) -> Result<usize> {
        let start = str::from_utf8(start)?.to_owned();
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let found: Vec<String> = names.range(start..).take(entries_max).cloned().collect();
        drop(names);
        let found = found
            .into_iter()
            .filter_map(|name| match self.read(&name) {
                Ok(value) => value.map(|value| Ok((name, value))),
                Err(error) => Some(Err(error)),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(found
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum())
    }

    async fn put(&self, (key, value): Pair, durability: Durability) -> Result<()> {
        self.write(String::from_utf8(key)?, &value, durability)
    }
}
