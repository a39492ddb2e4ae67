//! What is known of the recorded directory while the recording goes on.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    path::PathBuf,
};

use super::{RecordError, change::Change, memory::Stopped};
use crate::proof::power_loss::{
    event::{Event, FileOperation, NodeId, Scope},
    tree::Inode,
};

/// Turns the calls of a process into events.
pub(super) struct Recorder {
    pub(super) root: PathBuf,
    root_metadata: Metadata,
    nodes: BTreeMap<Inode, NodeId>,
    nodes_made: u64,
    syncs_begun: usize,
    mapped: Vec<String>,
    /// The pipe that is the process's standard output. Others of its
    /// descriptors may be the same pipe.
    output: Option<Inode>,
    events: Vec<Event>,
}

/// What to do with a thread that begins a call.
pub(super) enum Step {
    /// Let it go: the call is recorded, or does not matter.
    Harmless,
    /// Follow the sync of this number to its end.
    Sync(usize),
    /// Follow the change to its end.
    Change(Change),
    /// The process ends.
    Exit,
}

impl Recorder {
    pub(super) fn new(
        root: PathBuf,
        nodes: BTreeMap<Inode, NodeId>,
        mapped: &[&str],
    ) -> Result<Self, RecordError> {
        Ok(Self {
            root_metadata: fs::metadata(&root)?,
            root,
            nodes_made: u64::try_from(nodes.len()).unwrap_or(u64::MAX),
            nodes,
            syncs_begun: 0,
            output: None,
            mapped: mapped.iter().map(ToString::to_string).collect(),
            events: Vec::new(),
        })
    }

    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The node of a file, if it is of the recorded directory.
    pub(super) fn node_of(&self, file: &Metadata) -> Option<NodeId> {
        self.nodes.get(&Inode::of(file)).copied()
    }

    /// The node behind a descriptor, if it is of the recorded directory.
    pub(super) fn node_behind(&self, thread: Stopped, descriptor: i32) -> Option<NodeId> {
        thread
            .metadata(descriptor)
            .and_then(|found| self.node_of(&found))
    }

    /// A node for a file that was made just now. Whatever had its inode before
    /// is gone.
    pub(super) fn new_node(&mut self, file: &Metadata) -> NodeId {
        let node = NodeId(self.nodes_made);
        self.nodes_made = self.nodes_made.saturating_add(1);
        self.nodes.insert(Inode::of(file), node);
        node
    }

    /// Whether a file lies in the file system of the recorded directory.
    pub(super) fn shares_file_system(&self, file: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        file.dev() == self.root_metadata.dev()
    }

    /// Whether a path may be mapped for writing.
    pub(super) fn may_be_mapped(&self, path: &std::path::Path) -> bool {
        let name = path.to_string_lossy();
        self.mapped.iter().any(|suffix| name.ends_with(suffix))
    }

    /// Looks up the standard output of a process that is about to be recorded.
    pub(super) fn find_output(&mut self, process: Stopped) {
        const STANDARD_OUTPUT: i32 = 1;
        self.output = process
            .metadata(STANDARD_OUTPUT)
            .map(|file| Inode::of(&file));
    }

    /// Whether a file is the standard output of the process.
    pub(super) fn is_output(&self, file: &Metadata) -> bool {
        self.output == Some(Inode::of(file))
    }

    pub(super) fn mark(&mut self, text: Vec<u8>) {
        self.events.push(Event::Mark(text));
    }

    pub(super) fn sync_begins(&mut self, scope: Scope) -> usize {
        let sync = self.syncs_begun;
        self.syncs_begun = self.syncs_begun.saturating_add(1);
        self.events.push(Event::SyncBegins { sync, scope });
        sync
    }

    pub(super) fn sync_ended(&mut self, sync: usize) {
        self.events.push(Event::SyncEnds { sync });
    }

    pub(super) fn push(&mut self, operation: FileOperation) {
        self.events.push(Event::Operation(operation));
    }

    /// Records an operation that was durable when it returned.
    pub(super) fn push_synced(&mut self, operation: FileOperation) {
        let event = self.events.len();
        self.push(operation);
        let sync = self.sync_begins(Scope::Event(event));
        self.sync_ended(sync);
    }
}
