//! Keys that cannot be paths of one tree together: `a` is a file, and `a/b`
//! needs it to be a directory.

use bytes::Bytes;

/// Finds such keys while they come in byte order, in memory for one path.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    /// The keys that the last key begins with, itself among them, shortest
    /// first. Only these can be a parent of a key that is still to come.
    open: Vec<Bytes>,
}

impl Conflicts {
    /// Takes note of the next key.
    ///
    /// # Errors
    /// The earlier key that it cannot be in one tree with.
    pub(super) fn note(&mut self, key: &Bytes) -> Result<(), Bytes> {
        while self.open.pop_if(|open| !key.starts_with(open)).is_some() {}
        for open in &self.open {
            let is_parent = open.ends_with(b"/") || key.get(open.len()) == Some(&b'/');
            if is_parent {
                return Err(open.clone());
            }
        }
        self.open.push(key.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_conflict(keys: &[&'static str]) -> Option<(Bytes, &'static str)> {
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        let mut conflicts = Conflicts::default();
        sorted
            .into_iter()
            .find_map(|key| Some((conflicts.note(&key.into()).err()?, key)))
    }

    #[test]
    fn keys_of_one_tree_do_not_conflict() {
        assert_eq!(
            first_conflict(&["a", "ab", "a!", "b/c", "b/d/e", "bc", "e/"]),
            None
        );
    }

    #[test]
    fn a_file_that_must_be_a_directory_is_found_across_keys_in_between() {
        assert_eq!(
            first_conflict(&["a", "a!", "a-b", "a/b", "b"]),
            Some(("a".into(), "a/b"))
        );
    }

    #[test]
    fn an_empty_directory_that_is_none_is_found() {
        assert_eq!(first_conflict(&["a/", "a/b"]), Some(("a/".into(), "a/b")));
        assert_eq!(first_conflict(&["a", "a/"]), Some(("a".into(), "a/")));
    }
}
