//! What can be done with the namespaces of a store.

use std::{collections::BTreeSet, future::Future, ops::Bound};

use super::{Namespace, Namespaced};
use crate::{
    Committed, KeyRange, ReadExt, Result, ScanOptions, ScanOrder, Store, StoreExt,
    range::prefix_end,
};

/// Namespaces, on every store.
pub trait NamespaceExt: Store + sealed::Sealed + Sized {
    /// The store that `namespace` of this store is.
    fn namespace(&self, namespace: &Namespace) -> Namespaced<Self>
    where
        Self: Clone,
    {
        Namespaced::new(self.clone(), namespace.clone())
    }

    /// The names of the children of `parent` that hold an entry, in order.
    ///
    /// A namespace exists as long as it holds entries. An entry that was
    /// written to `parent` itself and happens to look like one of a child
    /// counts as that.
    ///
    /// # Complexity
    /// One scan of one key for each child; where scans are not ordered, one
    /// scan of all keys in all children.
    fn namespaces(&self, parent: &Namespace) -> impl Future<Output = Result<Vec<String>>> + Send {
        async move {
            let ordered = self.capabilities().scan_order == ScanOrder::Ordered;
            let mut options = ScanOptions::new().keys_only();
            if ordered {
                options = options.entries_max(1);
            }
            let mut names = BTreeSet::new();
            let mut rest = Some(parent.children());
            while let Some(range) = rest {
                let page = self.scan_with(&range, &options).await?;
                rest = page.next;
                for name in page
                    .items
                    .iter()
                    .filter_map(|item| parent.child_of(&item.key))
                {
                    if ordered {
                        rest = after_child(range.clone(), &parent.child(&name));
                    }
                    names.insert(name);
                }
            }
            Ok(names.into_iter().collect())
        }
    }

    /// How much `namespace` holds, its children among it.
    ///
    /// # Complexity
    /// Linear: it reads every entry.
    fn measure(&self, namespace: &Namespace) -> impl Future<Output = Result<Count>> + Send {
        async move {
            let mut count = Count::default();
            let mut scan = self.scan(namespace.range(KeyRange::all()), ScanOptions::new());
            while let Some(item) = scan.next().await? {
                count.entries += 1;
                count.bytes += u64::try_from(item.size_bytes()).unwrap_or(u64::MAX);
            }
            Ok(count)
        }
    }

    /// Removes every entry of `namespace` and of its children, as one change.
    ///
    /// # Errors
    /// `Unsupported` where the store has no range deletes.
    fn drop_namespace(
        &self,
        namespace: &Namespace,
    ) -> impl Future<Output = Result<Committed>> + Send {
        self.delete_range(namespace.range(KeyRange::all()))
    }
}

impl<S: Store> NamespaceExt for S {}

/// How many entries something has and how many bytes they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// The number of entries.
    pub entries: u64,
    /// The bytes of their keys and values. Keys count whole, with the prefix of
    /// their namespace.
    pub bytes: u64,
}

/// The part of `range` that comes after all keys of `child`.
fn after_child(range: KeyRange, child: &Namespace) -> Option<KeyRange> {
    let (space, _, end) = range.into_bounds();
    let start = Bound::Included(prefix_end(child.prefix())?);
    Some(KeyRange::from_bounds(space, start, end)).filter(|range| !range.is_empty())
}

mod sealed {
    pub trait Sealed {}
    impl<S: super::Store> Sealed for S {}
}
