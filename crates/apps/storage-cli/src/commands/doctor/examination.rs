//! Examining one store, from the outside in.
//!
//! What is outside is only read. A store is opened only on request, and not if it
//! is known that it was not closed cleanly, since the open after a crash cuts the
//! journals where they end.

use std::{path::Path, time::Instant};

use storage::{
    Capabilities, DirectoryEngine, SharedStore, StoreDirectory, StoreHeader, StoreUrl, bulk,
    prelude::*,
};

use super::{
    Opening,
    finding::{Finding, Level},
    lock::Holders,
    machine,
};
use crate::{own_files, status::Status, units};

/// The file that a clean close leaves in a fjall store.
const FJALL_SEAL: &str = "SEAL";

/// The file that a clean close removes from a SQLite store.
const SQLITE_LOG: &str = "data/store.sqlite-wal";

const ENGINE: &str = "engine";
const LOCK: &str = "lock";
const LAST_CLOSE: &str = "last close";

/// What there is to say about the store at `url`.
pub(super) async fn examine(url: &StoreUrl, opening: Opening) -> Vec<Finding> {
    let mut findings = match url {
        StoreUrl::Directory { engine, path } => {
            let mut findings = examine_directory(*engine, path);
            if !may_open(&findings) {
                return findings;
            }
            if opening == Opening::Never {
                findings.push(Finding::ok(
                    "inside",
                    "not looked at; `storage doctor --open` opens the store for that",
                ));
                return findings;
            }
            findings
        }
        // Opening it keeps nobody out and leaves nothing behind.
        StoreUrl::Server(server) => {
            let engine = server.engine();
            let findings = vec![engine_of(engine.name(), engine.is_built_in())];
            if !engine.is_built_in() {
                return findings;
            }
            findings
        }
        other => vec![Finding::ok(ENGINE, format!("{other} is built in"))],
    };
    findings.extend(examine_open(url).await);
    findings
}

/// Whether an open would change no more than the marks of opening and closing, as
/// far as can be seen from outside: the store is there, free and clean, and has
/// rights and room.
fn may_open(findings: &[Finding]) -> bool {
    let is_clean = findings
        .iter()
        .any(|finding| finding.subject == LAST_CLOSE && finding.level == Level::Ok);
    let is_free = findings
        .iter()
        .all(|finding| finding.subject != LOCK || finding.level == Level::Ok);
    let has_problem = findings
        .iter()
        .any(|finding| matches!(finding.level, Level::Problem(_)));
    is_clean && is_free && !has_problem
}

/// Looks at a directory from outside: nothing in it is changed or locked.
fn examine_directory(engine: DirectoryEngine, path: &Path) -> Vec<Finding> {
    let mut findings = vec![engine_of(engine.name(), engine.is_built_in())];
    let resolved = own_files::resolved(path);
    match StoreDirectory::inspect(&resolved) {
        Err(error) => findings.push(Finding::of_error("directory", &error)),
        Ok(None) => findings.push(
            Finding::warning(
                "directory",
                format!("there is no store at {}", path.display()),
            )
            .remedy("check the path; `put` or `import` makes a store"),
        ),
        Ok(Some(store)) => findings.extend([
            Finding::ok("directory", format!("{} is a store", path.display())),
            Finding::ok(
                "format",
                format!("{} version {}", store.engine, store.version),
            ),
            lock_of(&Holders::of(&store.lock)),
            last_close(engine, &resolved),
        ]),
    }
    let nearest = resolved.ancestors().find(|path| path.exists());
    if let Some(nearest) = nearest.filter(|path| path.is_dir()) {
        findings.push(machine::rights(nearest));
        findings.push(machine::disk_space(nearest));
    }
    findings
}

fn engine_of(name: &str, is_built_in: bool) -> Finding {
    if is_built_in {
        return Finding::ok(ENGINE, format!("{name} is built in"));
    }
    let text = format!("this command was built without {name}");
    Finding::problem(ENGINE, Status::Usage, text)
        .remedy(format!("build it with it: `--features {name}`"))
}

fn lock_of(holders: &Holders) -> Finding {
    match holders {
        Holders::Untold => Finding::warning(
            LOCK,
            "the system does not tell whether somebody has the store open",
        ),
        Holders::Nobody => Finding::ok(LOCK, "nobody has the store open, as far as can be seen"),
        Holders::These(processes) => {
            Finding::warning(LOCK, format!("{} has the store open", processes.join(", ")))
                .remedy("nothing, if it should; else end that process, and the lock goes with it")
        }
        Holders::Perhaps(processes) => Finding::warning(
            LOCK,
            format!("perhaps {} has the store open", processes.join(", ")),
        )
        .remedy("see whether it uses the store; this file system does not let locks be told apart"),
    }
}

fn last_close(engine: DirectoryEngine, path: &Path) -> Finding {
    let is_clean = match engine {
        DirectoryEngine::Fjall => path.join(FJALL_SEAL).exists(),
        DirectoryEngine::Sqlite => !path.join(SQLITE_LOG).exists(),
        engine => {
            let text = format!("how {} was closed is not told from outside", engine.name());
            return Finding::ok(LAST_CLOSE, text);
        }
    };
    if is_clean {
        return Finding::ok(LAST_CLOSE, "clean");
    }
    Finding::warning(
        LAST_CLOSE,
        "not clean, or the store is open; the next open repairs what there is to repair",
    )
    .remedy("if nobody has it open, `storage check` opens it and reads everything")
}

async fn examine_open(url: &StoreUrl) -> Vec<Finding> {
    let opening = Instant::now();
    let store = match url.open_existing_engine().await {
        Ok(store) => store,
        Err(error) => return vec![Finding::of_error("open", &error)],
    };
    let mut findings = Vec::new();
    if matches!(url, StoreUrl::Server(_)) {
        let time = units::seconds(opening.elapsed());
        let text = format!("{} was reached and opened in {time}", store.describe());
        findings.push(Finding::ok("server", text));
    }
    findings.extend(examine_store(&store).await);
    if let Err(error) = store.close().await {
        findings.push(Finding::of_error("close", &error));
    }
    findings
}

/// What a store says of itself.
pub(super) async fn examine_store(store: &SharedStore) -> Vec<Finding> {
    let mut findings = vec![header(store).await];
    match bulk::unfinished_copy(store).await {
        Ok(None) => {}
        Ok(Some(source)) => findings.push(
            Finding::warning(
                "copy",
                format!("the store is an unfinished copy of the store {}", source.id),
            )
            .remedy("complete it: `storage copy --from … --to … --resume`"),
        ),
        Err(error) => findings.push(Finding::of_error("copy", &error)),
    }
    match store.health().await {
        Ok(health) if health.is_well() => findings.push(Finding::ok("health", "well")),
        Ok(health) => findings.extend(health.issues.iter().map(|issue| {
            let text = format!("{}: {}", issue.name, issue.detail);
            match issue.name {
                "poisoned" => Finding::problem("health", Status::Other, text),
                _ => Finding::warning("health", text),
            }
        })),
        Err(error) => findings.push(Finding::of_error("health", &error)),
    }
    findings.push(Finding::ok("capabilities", summary(store.capabilities())));
    findings
}

async fn header(store: &SharedStore) -> Finding {
    const SUBJECT: &str = "header";
    let header = match StoreHeader::read(store).await {
        Ok(Some(header)) => header,
        Ok(None) => return Finding::ok(SUBJECT, "none yet: only the engine ever wrote here"),
        Err(error) => return Finding::of_error(SUBJECT, &error),
    };
    let layers: Vec<_> = header
        .layers
        .iter()
        .map(|layer| format!("{} v{}", layer.name, layer.format.version))
        .collect();
    let layers = match layers.as_slice() {
        [] => "no layers that alter what is stored".to_owned(),
        layers => format!("layers {}", layers.join(" > ")),
    };
    let origin = match header.lineage.first() {
        None => String::new(),
        Some(parent) => format!(", data from store {}", parent.id),
    };
    Finding::ok(SUBJECT, format!("store {}, {layers}{origin}", header.id))
}

fn summary(capabilities: &Capabilities) -> String {
    let size = |bytes: usize| units::bytes(u64::try_from(bytes).unwrap_or(u64::MAX));
    format!(
        "keys up to {}, values up to {}; durability {:?} to {:?}; snapshots {:?}; expiry {:?}; \
         scans {:?}",
        size(capabilities.key_bytes_max),
        size(capabilities.value_bytes_max),
        capabilities.durability_min,
        capabilities.durability_max,
        capabilities.snapshots,
        capabilities.expiry,
        capabilities.scan_order,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_opened_only_where_it_is_clean_and_free_and_nothing_is_wrong() {
        let clean = Finding::ok(LAST_CLOSE, "clean");
        let free = Finding::ok(LOCK, "nobody");
        assert!(may_open(&[clean.clone(), free.clone()]));
        assert!(!may_open(std::slice::from_ref(&free)));
        assert!(!may_open(&[free.clone(), Finding::warning(LAST_CLOSE, "")]));
        for kept_out in [
            Finding::warning(LOCK, "somebody"),
            Finding::problem("disk space", Status::Other, "none"),
            Finding::problem("rights", Status::Other, "none"),
        ] {
            assert!(!may_open(&[clean.clone(), free.clone(), kept_out]));
        }
    }

    #[test]
    fn only_a_certain_holder_is_advised_to_be_ended() {
        let processes = vec!["process 7 (cat)".to_owned()];
        let certain = lock_of(&Holders::These(processes.clone())).to_string();
        assert!(certain.contains("end that process"), "{certain}");
        let perhaps = lock_of(&Holders::Perhaps(processes)).to_string();
        assert!(perhaps.contains("perhaps process 7"), "{perhaps}");
        assert!(!perhaps.contains("end that process"), "{perhaps}");
    }
}
