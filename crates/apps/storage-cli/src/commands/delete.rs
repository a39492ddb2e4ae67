//! `storage delete`: removes a key.

use std::ffi::OsString;

use clap::Args;
use serde_json::Value;
use storage::prelude::*;

use super::get;
use crate::{
    context::Context,
    failure::Result,
    output::{Form, Output},
    record,
    status::Status,
};

#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// The key. Exits with 1 if it is absent.
    key: OsString,
}

pub(crate) async fn run(
    arguments: DeleteArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let key = context.notation.argument(&arguments.key)?;
    let existed = context
        .with_existing_store(async |store| Ok(store.delete(&key).await?))
        .await?;
    if !existed {
        return Err(get::absent(&key, context));
    }
    if context.form == Form::Json {
        let mut record = record::of_key(&key, context.notation);
        record.insert("deleted".to_owned(), Value::Bool(true));
        output.line(Value::Object(record).to_string())?;
    }
    Ok(Status::Done)
}
