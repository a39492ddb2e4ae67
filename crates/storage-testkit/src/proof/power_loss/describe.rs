//! Recordings and losses of power, in words.

use std::collections::BTreeMap;

use super::{
    event::{Event, FileOperation, Kind, Name, NodeId, Scope},
    image::Image,
    loss::Loss,
    record::Recording,
};

/// Knows what the nodes of a recording are called.
#[derive(Debug)]
pub(super) struct Describer {
    /// The first name of each node.
    names: BTreeMap<NodeId, String>,
}

impl Describer {
    pub(super) fn of(recording: &Recording) -> Self {
        let known = recording.base.paths_of_nodes().into_iter();
        let mut describer = Self {
            names: known
                .map(|(node, path)| (node, path.display().to_string()))
                .collect(),
        };
        describer.names.insert(recording.base.root, String::new());
        for event in &recording.events {
            if let Event::Operation(FileOperation::Create { name, node, .. }) = event {
                let name = describer.name(name);
                describer.names.insert(*node, name);
            }
        }
        describer
    }

    /// The whole recording, an event a line, with what became of each operation
    /// and where the power went.
    pub(super) fn recording(&self, recording: &Recording, image: &Image) -> String {
        let mut lines = Vec::new();
        for (index, event) in recording.events.iter().enumerate() {
            if index == image.point {
                lines.push("---- the power goes ----".to_owned());
            }
            let loss = match (event, image.losses.get(&index)) {
                (_, Some(loss)) => format!("  [{loss}]"),
                (Event::Operation(_), None) if index < image.point => "  [durable]".to_owned(),
                _ => String::new(),
            };
            lines.push(format!("{index:6} {}{loss}", self.event(event)));
        }
        lines.join("\n")
    }

    /// What was not kept whole, an operation a line.
    pub(super) fn losses(&self, recording: &Recording, image: &Image) -> Vec<String> {
        let lost = image.losses.iter().filter(|(_, loss)| **loss != Loss::Kept);
        lost.filter_map(|(index, loss)| {
            let event = recording.events.get(*index)?;
            Some(format!("{index} {}: {loss}", self.event(event)))
        })
        .collect()
    }

    fn event(&self, event: &Event) -> String {
        match event {
            Event::Mark(text) => {
                let text: String = String::from_utf8_lossy(text).chars().take(160).collect();
                format!("note {}", text.trim_end())
            }
            Event::Operation(operation) => self.operation(operation),
            Event::SyncBegins { sync, scope } => {
                let scope = match scope {
                    Scope::Node(node) => format!("/{}", self.node(*node)),
                    Scope::Event(event) => format!("event {event}"),
                    Scope::All => "everything".to_owned(),
                };
                format!("sync {sync} of {scope} begins")
            }
            Event::SyncEnds { sync } => format!("sync {sync} ends"),
        }
    }

    fn operation(&self, operation: &FileOperation) -> String {
        match operation {
            FileOperation::Write {
                node,
                offset,
                bytes,
            } => format!(
                "write {} bytes at {offset} of {}",
                bytes.len(),
                self.node(*node)
            ),
            FileOperation::Resize { node, size } => {
                format!("resize {} to {size}", self.node(*node))
            }
            FileOperation::Zero { node, range } => {
                format!("zero {range:?} of {}", self.node(*node))
            }
            FileOperation::CreateNameless { node } => format!("create {}", self.node(*node)),
            FileOperation::Create { name, kind, .. } => {
                let what = match kind {
                    Kind::File => "file",
                    Kind::Directory => "directory",
                    Kind::Symlink(_) => "symbolic link",
                };
                format!("create {what} {}", self.name(name))
            }
            FileOperation::Link { name, node } => {
                format!("link {} to {}", self.name(name), self.node(*node))
            }
            FileOperation::Unlink { name, .. } => format!("unlink {}", self.name(name)),
            FileOperation::Rename { from, to, .. } => {
                format!("rename {} to {}", self.name(from), self.name(to))
            }
            FileOperation::Exchange { from, to, .. } => {
                format!("exchange {} and {}", self.name(from), self.name(to))
            }
        }
    }

    fn name(&self, name: &Name) -> String {
        let directory = self.node(name.directory);
        let separator = if directory.is_empty() { "" } else { "/" };
        format!("{directory}{separator}{}", name.name.display())
    }

    fn node(&self, node: NodeId) -> String {
        self.names
            .get(&node)
            .cloned()
            .unwrap_or_else(|| format!("file {} without a name", node.0))
    }
}
