//! Examining one store, from the outside in.
//!
//! Nothing is repaired: a store is opened only if it was closed cleanly, since
//! the open after a crash cuts the journals where they end.

use std::path::Path;

use storage::{Capabilities, SharedStore, StoreDirectory, StoreHeader, StoreUrl, bulk, prelude::*};

use super::{
    finding::{Finding, Level},
    lock, machine,
};
use crate::{own_files, status::Status, units};

/// The file that a clean close leaves in a fjall store.
const SEAL_FILE: &str = "SEAL";

/// What there is to say about the store at `url`.
pub(super) async fn examine(url: &str) -> Vec<Finding> {
    let parsed = match url.parse::<StoreUrl>() {
        Ok(parsed) => parsed,
        Err(error) => return vec![Finding::of_error("engine", &error)],
    };
    if let StoreUrl::Fjall { path } = &parsed {
        return examine_directory(&parsed, path).await;
    }
    let mut findings = vec![Finding::ok("engine", format!("{parsed} is built in"))];
    findings.extend(examine_open(&parsed).await);
    findings
}

async fn examine_directory(url: &StoreUrl, path: &Path) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("engine", "fjall is built in")];
    let resolved = own_files::resolved(path);
    let nearest = resolved
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(&resolved);
    let found = StoreDirectory::inspect(&resolved);
    let mut may_open = false;
    match &found {
        Err(error) => findings.push(Finding::of_error("directory", error)),
        Ok(None) => findings.push(
            Finding::warning(
                "directory",
                format!("there is no store at {}", path.display()),
            )
            .remedy("check the path; `put` or `import` makes a store"),
        ),
        Ok(Some(store)) => {
            findings.push(Finding::ok(
                "directory",
                format!("{} is a store", path.display()),
            ));
            findings.push(Finding::ok(
                "format",
                format!("{} version {}", store.engine, store.version),
            ));
            may_open = store.held.is_none();
            findings.push(
                store
                    .held
                    .as_deref()
                    .map_or_else(|| Finding::ok("lock", "nobody has the store open"), held),
            );
        }
    }
    if nearest.is_dir() {
        let rights = machine::rights(nearest);
        may_open &= rights.level == Level::Ok;
        findings.push(rights);
        findings.push(machine::disk_space(nearest));
    }
    if !may_open {
        return findings;
    }
    if resolved.join(SEAL_FILE).exists() {
        findings.push(Finding::ok("last close", "clean"));
        findings.extend(examine_open(url).await);
    } else {
        findings.push(
            Finding::warning(
                "last close",
                "not clean; the store is left unopened, for the next open repairs it",
            )
            .remedy("`storage check` opens it and reads everything"),
        );
    }
    findings
}

fn held(file: &Path) -> Finding {
    let by = match lock::holders(file).as_slice() {
        [] => "another process".to_owned(),
        holders => holders.join(", "),
    };
    Finding::warning("lock", format!("{by} has the store open"))
        .remedy("nothing, if it should; else end that process, and the lock goes with it")
}

async fn examine_open(url: &StoreUrl) -> Vec<Finding> {
    let store = match url.open_engine().await {
        Ok(store) => store,
        Err(error) => return vec![Finding::of_error("open", &error)],
    };
    let mut findings = examine_store(&store).await;
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
