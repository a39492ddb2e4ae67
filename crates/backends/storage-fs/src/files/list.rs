//! Looking through the directories of value files, for what no entry names.

use std::io;

use super::{
    Kind, Shard, ValueFiles,
    folder::unless_gone,
    name::{group_of, id_of},
};
use crate::version::VersionId;

/// Something that is found among value files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// A file as this engine makes and names them.
    Value {
        id: VersionId,
        shard: Shard,
        name: String,
    },
    /// Anything else, by its path below the directory of all value files.
    Foreign { path: String },
}

impl ValueFiles {
    /// Calls `look` with everything in the directories from `first` on.
    pub(crate) fn for_each(&self, first: Shard, mut look: impl FnMut(Listed)) -> io::Result<()> {
        for (name, kind) in sorted(self.folder.list()?) {
            match group_of(&name).filter(|_| kind == Kind::Folder) {
                Some(group) if group < first.group() => {}
                Some(group) => self.look_into_group(group, first, &mut look)?,
                None => look(Listed::Foreign { path: name }),
            }
        }
        Ok(())
    }

    /// Removes a file that [`for_each`](Self::for_each) found.
    pub(crate) fn remove_listed(&self, shard: Shard, name: &str) -> io::Result<()> {
        self.folder.remove(&format!("{}/{name}", shard.path()))?;
        self.unsettled().shards.insert(shard);
        Ok(())
    }

    fn look_into_group(
        &self,
        group: u64,
        first: Shard,
        look: &mut impl FnMut(Listed),
    ) -> io::Result<()> {
        let Some(folder) = unless_gone(self.folder.folder(&group.to_string()))? else {
            return Ok(());
        };
        for (name, kind) in sorted(folder.list()?) {
            let shard = Shard::of_name(group, &name).filter(|_| kind == Kind::Folder);
            match shard {
                Some(shard) if shard < first => {}
                Some(shard) => self.look_into_shard(shard, look)?,
                None => look(Listed::Foreign {
                    path: format!("{group}/{name}"),
                }),
            }
        }
        Ok(())
    }

    fn look_into_shard(&self, shard: Shard, look: &mut impl FnMut(Listed)) -> io::Result<()> {
        let Some(folder) = unless_gone(self.folder.folder(&shard.path()))? else {
            return Ok(());
        };
        for (name, kind) in sorted(folder.list()?) {
            let id = id_of(&name).filter(|id| Shard::of(*id) == shard);
            look(match id.filter(|_| kind == Kind::File) {
                Some(id) => Listed::Value { id, shard, name },
                None => Listed::Foreign {
                    path: format!("{}/{name}", shard.path()),
                },
            });
        }
        Ok(())
    }
}

fn sorted(mut names: Vec<(String, Kind)>) -> Vec<(String, Kind)> {
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    names
}
