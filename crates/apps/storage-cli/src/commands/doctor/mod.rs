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
    given_url::GivenUrl,
    output::{Form, Output},
    status::Status,
};

/// Say what is well and what is not with a store and this machine.
///
/// Nothing is changed, and nobody who uses or opens the store is disturbed: it
/// is looked at from outside. A store across a network is connected to. Each
/// line is ok, a warning or a problem, with what
/// to do about it.
///
/// Exits with 0 if there is no problem, else with the code of the worst: 5 for
/// damage, then 6 for what this machine or the engine fails at, then 4 for what
/// is unavailable, then 2 for what is no store of this command.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DoctorArguments {
    /// The stores to look at; by default that of --store.
    #[arg(value_name = "URL")]
    stores: Vec<GivenUrl>,
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
        let findings = match url.parsed() {
            Ok(parsed) => examination::examine(&parsed, opening).await,
            Err(error) => vec![Finding::of_error("engine", &error)],
        };
        sections.push((url.to_string(), findings));
    }
    match context.form {
        Form::Json => output.line(to_json(&sections).to_string())?,
        Form::Text => print(&sections, output)?,
    }
    Ok(worst(&sections))
}

/// What was looked at, and what was found there.
type Section = (String, Vec<Finding>);

/// The code of the worst problem.
fn worst(sections: &[Section]) -> Status {
    let findings = sections.iter().flat_map(|(_, findings)| findings);
    let problems = findings.filter_map(|finding| match finding.level {
        Level::Problem(status) => Some(status),
        Level::Ok | Level::Warning => None,
    });
    problems
        .max_by_key(|status| severity(*status))
        .unwrap_or(Status::Done)
}

/// How bad a problem is: damage first, then what the machine or the engine
/// fails at, then what may pass by itself, then what was asked wrongly.
const fn severity(status: Status) -> u8 {
    match status {
        Status::Corrupt => 4,
        Status::Other => 3,
        Status::Unavailable => 2,
        Status::Usage | Status::Conflict => 1,
        Status::Done | Status::NotFound | Status::Interrupted => 0,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_worst_problem_wherever_it_stands() {
        let problem = |status| Finding::problem("subject", status, "text");
        let by_severity = [
            Status::Usage,
            Status::Unavailable,
            Status::Other,
            Status::Corrupt,
        ];
        for (rank, worse) in by_severity.into_iter().enumerate() {
            for better in &by_severity[..rank] {
                let pair = vec![problem(*better), problem(worse)];
                let turned = vec![problem(worse), problem(*better)];
                for findings in [pair, turned] {
                    let sections = [("store".to_owned(), findings)];
                    assert_eq!(worst(&sections), worse);
                }
            }
        }
        let well = vec![Finding::ok("a", ""), Finding::warning("b", "")];
        assert_eq!(worst(&[("store".to_owned(), well)]), Status::Done);
    }
}
