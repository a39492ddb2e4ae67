//! What every command works with: the store, and how keys are read and shown.

use std::path::Path;

use storage::{SharedStore, StoreDirectory, StoreUrl, prelude::*};

use crate::{
    arguments::GlobalArguments,
    failure::{Failure, Result},
    given_url::GivenUrl,
    notation::Notation,
    output::Form,
};

/// The global arguments, understood.
#[derive(Debug)]
pub(crate) struct Context {
    /// The URL of the store, if one was given.
    pub(crate) store: Option<GivenUrl>,
    pub(crate) notation: Notation,
    pub(crate) form: Form,
}

impl From<&GlobalArguments> for Context {
    fn from(arguments: &GlobalArguments) -> Self {
        Self {
            // A variable that is set to nothing is as good as unset.
            store: arguments
                .store
                .clone()
                .filter(|url| !url.revealed().is_empty()),
            notation: if arguments.hex {
                Notation::Hexadecimal
            } else {
                Notation::Plain
            },
            form: if arguments.json {
                Form::Json
            } else {
                Form::Text
            },
        }
    }
}

impl Context {
    /// Opens the store, does `work`, and closes the store, whether the work
    /// succeeded or not.
    pub(crate) async fn with_store<T>(
        &self,
        work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
    ) -> Result<T> {
        with_store_at(self.store_url()?, work).await
    }

    /// As [`Self::with_store`], for a command that only reads or removes: it does
    /// not make a store where there is none.
    pub(crate) async fn with_existing_store<T>(
        &self,
        work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
    ) -> Result<T> {
        let url = self.existing_store()?;
        with_opened(spanned(url.open_existing().await?).await?, work).await
    }

    /// As [`Self::with_existing_store`], below the layers of the store: for what
    /// works on all that is stored, whatever wrote it.
    pub(crate) async fn with_existing_engine<T>(
        &self,
        work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
    ) -> Result<T> {
        with_existing_engine_at(&self.existing_store()?, work).await
    }

    fn existing_store(&self) -> Result<StoreUrl> {
        let url = self.store_url()?.parsed()?;
        if let Some(path) = url.directory() {
            refuse_absent(path)?;
        }
        Ok(url)
    }

    pub(crate) fn store_url(&self) -> Result<&GivenUrl> {
        self.store.as_ref().ok_or_else(|| {
            Failure::usage("no store was named")
                .remedy("give --store fjall:PATH, or set STORAGE_URL")
        })
    }
}

/// Opens the store at `url`, does `work`, and closes the store.
pub(crate) async fn with_store_at<T>(
    url: &GivenUrl,
    work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
) -> Result<T> {
    with_opened(spanned(url.parsed()?.open().await?).await?, work).await
}

/// The store, with spans if there are to be any.
#[cfg(feature = "opentelemetry")]
use crate::spans::of_store as spanned;

#[cfg(not(feature = "opentelemetry"))]
fn spanned(store: SharedStore) -> std::future::Ready<Result<SharedStore>> {
    std::future::ready(Ok(store))
}

/// Opens the engine of the store at `url`, does `work`, and closes it.
pub(crate) async fn with_engine_at<T>(
    url: &StoreUrl,
    work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
) -> Result<T> {
    with_opened(url.open_engine().await?, work).await
}

/// As [`with_engine_at`], but makes no store.
pub(crate) async fn with_existing_engine_at<T>(
    url: &StoreUrl,
    work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
) -> Result<T> {
    with_opened(url.open_existing_engine().await?, work).await
}

/// Does `work` and closes the store.
async fn with_opened<T>(
    store: SharedStore,
    work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
) -> Result<T> {
    let result = work(&store).await;
    let closed = store.close().await;
    let value = result?;
    closed?;
    Ok(value)
}

/// Refuses a place where an open would make a store: nothing is there, or a
/// creation was cut off. Whatever else there may be, the engine finds out.
pub(crate) fn refuse_absent(path: &Path) -> Result<()> {
    if !matches!(StoreDirectory::inspect(path), Ok(None)) {
        return Ok(());
    }
    Err(
        Failure::usage(format!("there is no store at {}", path.display()))
            .remedy("check the path; `put` or `import` makes a store"),
    )
}
