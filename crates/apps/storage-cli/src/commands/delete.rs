//! `storage delete`: removes a key.

use std::ffi::OsString;

use clap::Args;
use storage::prelude::*;

use super::get;
use crate::{context::Context, failure::Result, status::Status};

#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The key. Exits with 1 if it is absent.
    key: OsString,
}

pub(crate) async fn run(arguments: DeleteArguments, context: &Context) -> Result<Status> {
    let key = context.notation.argument(&arguments.key)?;
    let existed = context
        .with_existing_store(async |store| Ok(store.delete(&key).await?))
        .await?;
    if existed {
        Ok(Status::Done)
    } else {
        Err(get::absent(&key, context))
    }
}
