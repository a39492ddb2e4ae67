//! `storage put`: sets a key to a value.

use std::{ffi::OsString, io, time::Duration};

use clap::{Args, ValueEnum};
use serde_json::json;
use storage::{Put, prelude::*};

use crate::{
    context::Context,
    duration,
    failure::Result,
    output::{Form, Output},
    status::Status,
    value,
};

#[derive(Debug, Args)]
pub(crate) struct PutArguments {
    /// The key.
    key: OsString,
    /// The value; standard input if it is left out or `-`.
    ///
    /// The store is opened when standard input begins or ends. An input that
    /// ends without a byte is an empty value, also where the command that should
    /// have written it failed.
    value: Option<OsString>,
    /// Write only if the key is absent; else exit with 3.
    #[arg(long)]
    if_absent: bool,
    /// Let the entry expire after this time: 500ms, 90s, 5m, 2h, 7d.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    ttl: Option<Duration>,
    /// What the write survives before it is answered; by default, as much as
    /// the store can.
    #[arg(long, value_enum)]
    durability: Option<DurabilityArgument>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DurabilityArgument {
    /// Lost with the process.
    Volatile,
    /// Survives the process.
    Buffered,
    /// Survives a loss of power.
    Synced,
}

impl From<DurabilityArgument> for Durability {
    fn from(argument: DurabilityArgument) -> Self {
        match argument {
            DurabilityArgument::Volatile => Self::Volatile,
            DurabilityArgument::Buffered => Self::Buffered,
            DurabilityArgument::Synced => Self::Synced,
        }
    }
}

pub(crate) async fn run(
    arguments: PutArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let key = context.notation.argument(&arguments.key)?;
    let mut stdin = io::stdin().lock();
    let given = match &arguments.value {
        Some(value) if value != "-" => Some(context.notation.argument(value)?),
        _ => {
            value::wait_for_start(&mut stdin)?;
            None
        }
    };
    let committed = context
        .with_store(async |store| {
            let value = if let Some(value) = given {
                value
            } else {
                let bytes_max = store.capabilities().value_bytes_max;
                value::read(&mut stdin, context.notation, bytes_max)?
            };
            let expires = arguments.ttl.map(|ttl| store.clock().now().after(ttl));
            let put = Put::new(key.clone(), value).until(expires);
            let mut batch = WriteBatch::new().mutation(put);
            if arguments.if_absent {
                batch = batch.absent(key);
            }
            let mut options = WriteOptions::new();
            options.durability = arguments.durability.map(Durability::from);
            Ok(store.commit_with(batch, &options).await?)
        })
        .await?;
    if context.form == Form::Json {
        let durability = format!("{:?}", committed.durability).to_lowercase();
        let sequence = committed.sequence.map(storage::Sequence::get);
        output.line(json!({"sequence": sequence, "durability": durability}).to_string())?;
    }
    Ok(Status::Done)
}
