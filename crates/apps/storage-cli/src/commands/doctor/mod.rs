//! `storage doctor`: what is well and what is not, with a store and the machine
//! it is on.

mod examination;
mod finding;
mod lock;
mod machine;

use clap::Args;
use serde_json::{Value, json};

use self::finding::{Finding, Level};
use crate::{
    context::Context,
    failure::Result,
    output::{Form, Output},
    status::Status,
};

/// Say what is well and what is not with a store and this machine.
///
/// Nothing is changed, and nobody who uses or opens the store is disturbed: it
/// is looked at from outside. Each line is ok, a warning or a problem, with what
/// to do about it.
///
/// Exits with another code than 0 if there is a problem: the one that other
/// commands on that store end with.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DoctorArguments {
    /// The stores to look at; by default that of --store.
    #[arg(value_name = "URL")]
    stores: Vec<String>,
    /// Also open stores on disk, for what they say of themselves: header,
    /// unfinished copies, health, capabilities. While a store is open, others
    /// cannot open it, and it counts as not cleanly closed. It is opened only if
    /// nobody holds it, it was closed cleanly, and nothing else is a problem.
    #[arg(long)]
    open: bool,
}

/// Whether stores on disk are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Never,
    IfNothingIsWrong,
}

pub(crate) async fn run(
    arguments: DoctorArguments,
    context: &Context,
    output: &mut Output,
) -> Result<Status> {
    let mut urls = arguments.stores;
    if urls.is_empty() {
        urls.extend(context.store.clone());
    }
    let opening = if arguments.open {
        Opening::IfNothingIsWrong
    } else {
        Opening::Never
    };
    let mut sections = vec![("this machine".to_owned(), vec![machine::open_files()])];
    for url in urls {
        let findings = examination::examine(&url, opening).await;
        sections.push((url, findings));
    }
    match context.form {
        Form::Json => output.line(to_json(&sections).to_string())?,
        Form::Text => print(&sections, output)?,
    }
    Ok(worst(&sections))
}

/// What was looked at, and what was found there.
type Section = (String, Vec<Finding>);

/// The code of the first problem.
fn worst(sections: &[Section]) -> Status {
    let mut findings = sections.iter().flat_map(|(_, findings)| findings);
    let problem = findings.find_map(|finding| match finding.level {
        Level::Problem(status) => Some(status),
        Level::Ok | Level::Warning => None,
    });
    problem.unwrap_or(Status::Done)
}

fn to_json(sections: &[Section]) -> Value {
    let shown = |(subject, findings): &Section| {
        let findings: Vec<_> = findings.iter().map(Finding::to_json).collect();
        json!({"of": subject, "findings": findings})
    };
    json!({
        "well": worst(sections) == Status::Done,
        "sections": sections.iter().map(shown).collect::<Vec<_>>(),
    })
}

fn print(sections: &[Section], output: &mut Output) -> Result<()> {
    for (subject, findings) in sections {
        output.line(subject)?;
        for finding in findings {
            output.bytes(finding.to_string().as_bytes())?;
        }
    }
    Ok(())
}
