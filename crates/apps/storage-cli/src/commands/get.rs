//! `storage get`: the value of a key.

use std::ffi::OsString;

use clap::Args;
use serde_json::Value;
use storage::prelude::*;

use crate::{
    context::Context,
    failure::{Failure, Result},
    hexadecimal,
    notation::Notation,
    output::{Form, Output},
    record,
    status::Status,
};

#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    /// The key.
    key: OsString,
}

pub(crate) async fn run(
    arguments: GetArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let key = context.notation.argument(&arguments.key)?;
    let entry = context
        .with_existing_store(async |store| Ok(store.get(&key).await?))
        .await?
        .ok_or_else(|| absent(&key, context))?;
    match (context.form, context.notation) {
        (Form::Json, notation) => {
            let record = record::of_entry(&key, &entry, notation);
            output.line(Value::Object(record).to_string())?;
        }
        (Form::Text, Notation::Plain) => output.bytes(entry.value())?,
        (Form::Text, Notation::Hexadecimal) => output.line(hexadecimal::encode(entry.value()))?,
    }
    Ok(Status::Done)
}

/// The failure of a command that needs a key to be there.
pub(super) fn absent(key: &[u8], context: &Context) -> Failure {
    let shown = context.notation.shown(key);
    Failure::new(Status::NotFound, format!("there is no key `{shown}`"))
}
