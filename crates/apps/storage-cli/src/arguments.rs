//! The command line: what every command takes, and the commands.

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    completions::CompletionsArguments, copy::CopyArguments, delete::DeleteArguments,
    demo::DemoArguments, demo::DemoImportArguments, doctor::DoctorArguments,
    export::ExportArguments, get::GetArguments, import::ImportArguments, metrics::MetricsArguments,
    put::PutArguments, scan::ScanArguments,
};
use crate::given_url::GivenUrl;

/// One ordered key-value store over many engines.
///
/// Exit codes: 0 done, 1 not found, 2 wrong usage or bad input, 3 conflict,
/// 4 unavailable, 5 corrupt, 6 other, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "storage", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// The store: an engine and a directory, such as `fjall:PATH` or `sqlite:PATH`; a server, such
    /// as `postgres://USER@HOST/DATABASE` or `s3://BUCKET/PREFIX`; or `memory:`.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "STORAGE_URL",
        hide_env_values = true
    )]
    pub(crate) store: Option<GivenUrl>,
    /// Send spans of what is asked of the store to a collector of OpenTelemetry, by OTLP over HTTP:
    /// to this URL, such as `http://localhost:4318`. Without it, `OTEL_EXPORTER_OTLP_ENDPOINT` and
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` are heeded.
    #[cfg(feature = "opentelemetry")]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// Print results as JSON, and errors as a JSON object on standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Take and show keys and values as hexadecimal digits.
    #[arg(long, global = true)]
    pub(crate) hex: bool,
}

// A text here would hide the longer one of the command's own arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set a key to a value, given here or on standard input.
    Put(PutArguments),
    /// Write the value of a key to standard output, byte for byte.
    Get(GetArguments),
    /// Remove a key.
    Delete(DeleteArguments),
    /// List keys and values in order.
    Scan(ScanArguments),
    Import(ImportArguments),
    Export(ExportArguments),
    /// Show what the store is made of, its figures and its health.
    Stats,
    Metrics(MetricsArguments),
    Copy(CopyArguments),
    /// Read everything in the store and say what is damaged.
    ///
    /// Exits with 5 if anything is.
    Check,
    /// Give the space of deleted data back, or free it for new data.
    ///
    /// Embedded engines merge or shrink their files. PostgreSQL vacuums the tables, which frees
    /// space for what is written next, and keeps nobody waiting.
    Compact,
    Doctor(DoctorArguments),
    Demo(DemoArguments),
    Completions(CompletionsArguments),
    /// The part of the demo that is killed.
    #[command(hide = true)]
    DemoImport(DemoImportArguments),
}
