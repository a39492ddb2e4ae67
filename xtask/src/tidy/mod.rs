//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Each rule is a module with one function from the [`Workspace`] to its findings. All rules run,
//! and all findings are printed together, sorted by place.

mod dependencies;
mod finding;
mod hygiene;
mod ratchet;
mod sizes;
mod stories;
mod twins;

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use self::ratchet::Ratchet;
use crate::workspace::Workspace;

/// Where the exceptions to the size limits are kept, below the root of the workspace.
const RATCHET_PATH: &str = "xtask/ratchet.txt";

/// How to check.
#[derive(Debug, Default, Args)]
pub(crate) struct TidyArgs {
    /// Record today's sizes as the allowed exceptions to the size limits.
    #[arg(long)]
    bless: bool,
}

/// Checks every rule.
///
/// # Errors
/// If anything was found; the findings are printed.
pub(crate) fn run(args: &TidyArgs) -> Result<()> {
    let workspace = Workspace::load()?;
    let ratchet_path = workspace.root.join(RATCHET_PATH);
    if args.bless {
        fs::write(
            &ratchet_path,
            Ratchet::new(sizes::oversized(&workspace)).to_string(),
        )
        .with_context(|| format!("cannot write {RATCHET_PATH}"))?;
    }
    let ratchet =
        fs::read_to_string(&ratchet_path).with_context(|| format!("cannot read {RATCHET_PATH}"))?;
    let ratchet =
        Ratchet::parse(&ratchet).with_context(|| format!("cannot understand {RATCHET_PATH}"))?;

    let mut findings = dependencies::check(&workspace);
    findings.extend(stories::check(&workspace));
    findings.extend(ratchet.check(&sizes::oversized(&workspace)));
    findings.extend(twins::check(&workspace));
    findings.extend(hygiene::check(&workspace));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::finding::Finding;
    use crate::workspace::{Crate, Source, Workspace};

    /// A workspace of crates in memory.
    pub(super) fn workspace(crates: impl IntoIterator<Item = Crate>) -> Workspace {
        Workspace {
            root: "/".into(),
            crates: crates.into_iter().collect(),
        }
    }

    /// A crate that breaks no rule, in a folder of the workspace, with one source file.
    pub(super) fn tidy_crate(folder: &str, path: &str, text: &str) -> Crate {
        Crate {
            name: folder.rsplit('/').next().unwrap().to_owned(),
            folder: folder.to_owned(),
            description: "A crate.".to_owned(),
            manifest: "[lints]\nworkspace = true\n".to_owned(),
            files: vec![
                "Cargo.toml".to_owned(),
                "README.md".to_owned(),
                path.to_owned(),
            ],
            sources: vec![Source::parse(format!("{folder}/{path}"), text)],
            ..Crate::default()
        }
    }

    /// The findings as they are printed.
    pub(super) fn printed(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }
}
