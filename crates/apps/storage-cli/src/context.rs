//! What every command works with: the store, and how keys are read and shown.

use storage::{SharedStore, prelude::*};

use crate::{
    arguments::GlobalArguments,
    failure::{Failure, Result},
    notation::Notation,
    output::Form,
};

/// The global arguments, understood.
#[derive(Debug)]
pub(crate) struct Context {
    /// The URL of the store, if one was given.
    pub(crate) store: Option<String>,
    pub(crate) notation: Notation,
    pub(crate) form: Form,
}

impl From<&GlobalArguments> for Context {
    fn from(arguments: &GlobalArguments) -> Self {
        Self {
            store: arguments.store.clone(),
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
        let Some(url) = &self.store else {
            return Err(Failure::usage("no store was named")
                .remedy("give --store fjall:PATH, or set STORAGE_URL"));
        };
        with_store_at(url, work).await
    }
}

/// Opens the store at `url`, does `work`, and closes the store.
pub(crate) async fn with_store_at<T>(
    url: &str,
    work: impl AsyncFnOnce(&SharedStore) -> Result<T>,
) -> Result<T> {
    let store = storage::open(url).await?;
    let result = work(&store).await;
    let closed = store.close().await;
    let value = result?;
    closed?;
    Ok(value)
}
