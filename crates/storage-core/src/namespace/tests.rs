//! Claims about namespaces.

use std::ops::Bound;

use bytes::Bytes;

use super::{Namespace, NamespaceExt};
use crate::{
    ErrorKind, KeyRange, OwnedKey, ReadExt, Result, ScanOptions, ScanOrder, SeededRandom, Sequence,
    SharedStore, Space, Store, StoreExt, SystemKeys, WriteBatch,
    blocking::block_on,
    layer::altered::Altered,
    memory::{MemoryBackend, MemoryConfig},
};

/// Names that an encoding could get wrong.
const NAMES: &[&str] = &[
    "",
    "\0",
    "\0\0",
    "\0\u{1}",
    "\u{1}",
    "\u{1}\0",
    "\u{1}\u{1}",
    "\u{1}\u{2}",
    "\u{2}",
    "\u{2}\0",
    "a",
    "a\0",
    "a\0\0",
    "a\0b",
    "a\u{1}",
    "a\u{2}",
    "aa",
    "a/b",
    "b",
    "ÿ",
    "\u{10FFFF}",
    "core",
    "core\0",
    "cores",
];

/// Keys within a namespace that look like parts of an encoding.
const KEYS: &[&[u8]] = &[
    b"",
    b"\0",
    b"\0\0",
    b"\0\xFF",
    b"\x01",
    b"\x01\x01",
    b"\x02",
    b"\x02a\0",
    b"\xFF",
    b"\xFF\xFF",
];

fn memory() -> MemoryBackend {
    MemoryConfig::new().open()
}

#[test]
fn prefixes_sort_as_names_do() {
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    let prefixes: Vec<_> = names
        .iter()
        .map(|name| child(name).prefix().clone())
        .collect();
    assert!(prefixes.is_sorted());
    for first in NAMES {
        for second in NAMES {
            let paths = (child(first).child(second), child(second).child(first));
            let order = (first, second).cmp(&(second, first));
            assert_eq!(
                paths.0.prefix().cmp(paths.1.prefix()),
                order,
                "{first:?} {second:?}"
            );
        }
    }
}

#[test]
fn no_prefix_is_the_beginning_of_a_siblings() {
    for name in NAMES {
        for other in NAMES.iter().filter(|other| other != &name) {
            let (name, other) = (child(name), child(other));
            assert!(
                !other.prefix().starts_with(name.prefix()),
                "{name:?} {other:?}"
            );
            let range = name.range(KeyRange::all());
            for key in KEYS {
                assert!(range.contains(name.key(key).as_key()));
                assert!(!range.contains(other.key(key).as_key()));
                assert_eq!(name.strip(other.key(key).bytes()), None);
            }
        }
    }
}

#[test]
fn random_names_keep_order_and_distance() {
    let random = SeededRandom::new(20_260_728);
    let name = || -> String {
        let length = random.next_u64() % 5;
        let letter =
            |number: u64| ['\0', '\u{1}', '\u{2}', 'a', 'ÿ'][usize::try_from(number % 5).unwrap()];
        (0..length).map(|_| letter(random.next_u64())).collect()
    };
    for _ in 0..20_000 {
        let (first, second) = (name(), name());
        let (a, b) = (child(&first), child(&second));
        assert_eq!(
            a.prefix().cmp(b.prefix()),
            first.cmp(&second),
            "{first:?} {second:?}"
        );
        assert_eq!(b.prefix().starts_with(a.prefix()), first == second);
        assert_eq!(a.child(&second).names(), [first, second]);
    }
}

#[test]
fn names_come_back() {
    assert!(Namespace::root().names().is_empty());
    for first in NAMES {
        for second in NAMES {
            assert_eq!(child(first).child(second).names(), [*first, *second]);
        }
    }
}

#[test]
fn ranges_come_back() {
    let bounds = |key: &'static [u8]| {
        let key = Bytes::from_static(key);
        [Bound::Included(key.clone()), Bound::Excluded(key)]
    };
    let bounds: Vec<_> = KEYS
        .iter()
        .copied()
        .flat_map(bounds)
        .chain([Bound::Unbounded])
        .collect();
    for namespace in [Namespace::root(), child("a"), child("")] {
        for start in &bounds {
            for end in &bounds {
                let range = KeyRange::from_bounds(Space::User, start.clone(), end.clone());
                let whole = namespace.range(range.clone());
                assert_eq!(whole.is_empty(), range.is_empty(), "{range:?}");
                let back = namespace.strip_range(whole.clone());
                assert_eq!(back.is_none(), range.is_empty(), "{range:?}");
                for key in KEYS {
                    let inside = range.contains((*key).into());
                    assert_eq!(whole.contains(namespace.key(key).as_key()), inside);
                    assert_eq!(
                        back.as_ref()
                            .is_some_and(|back| back.contains((*key).into())),
                        inside
                    );
                }
            }
        }
    }
}

#[test]
fn what_lies_beside_a_namespace_is_not_taken_for_a_part_of_it() {
    let a = child("a");
    let beyond = KeyRange::between(child("b").prefix().clone()..);
    assert_eq!(a.strip_range(beyond), None);
    let before = KeyRange::between(..child("").prefix().clone());
    assert_eq!(a.strip_range(before), None);
    assert_eq!(a.strip_range(KeyRange::all()), Some(KeyRange::all()));
}

#[test]
fn a_namespace_is_a_store_of_its_own() -> Result<()> {
    block_on(async {
        let store = memory();
        let (a, b) = (store.namespace(&child("a")), store.namespace(&child("a\0")));
        for key in KEYS {
            a.put(*key, "a").await?;
            b.put(*key, "b").await?;
        }
        let count = u64::try_from(KEYS.len()).unwrap();
        for options in [ScanOptions::new(), ScanOptions::new().reverse()] {
            for options in [options.clone(), options.entries_max(1)] {
                let items = a.scan(KeyRange::all(), options).collect().await?;
                let mut keys: Vec<_> = items.iter().map(|item| item.key.as_ref()).collect();
                keys.sort_unstable();
                assert_eq!(keys, KEYS);
                assert!(items.iter().all(|item| item.entry.as_ref() == b"a"));
            }
        }

        let snapshot = a.snapshot().await?;
        a.delete_range(KeyRange::all()).await?;
        assert_eq!(a.count(KeyRange::all()).await?, 0);
        assert_eq!(b.count(KeyRange::all()).await?, count);
        assert_eq!(snapshot.count(KeyRange::all()).await?, count);
        assert_eq!(store.count(KeyRange::all()).await?, count);
        let keys: Vec<_> = KEYS.iter().map(|key| OwnedKey::from(*key)).collect();
        assert!(snapshot.get_many(&keys).await?.iter().all(Option::is_some));
        assert!(a.get_many(&keys).await?.iter().all(Option::is_none));
        Ok(())
    })
}

#[test]
fn guards_deletes_and_sequenced_puts_stay_within_the_namespace() -> Result<()> {
    block_on(async {
        let store = memory();
        let view = store.namespace(&child("a"));
        store.put("key", "outside").await?;
        view.commit(WriteBatch::new().absent("key").put("key", "inside"))
            .await?;
        let error = view
            .commit(WriteBatch::new().absent("key"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.guard()),
            (ErrorKind::Conflict, Some(0))
        );
        let stamp = view.get("key").await?.unwrap().stamp();
        view.commit(
            WriteBatch::new()
                .unchanged("key", stamp)
                .present("key")
                .delete("key"),
        )
        .await?;
        assert!(store.exists("key").await?);

        let committed = view
            .commit(WriteBatch::new().put_sequenced("log/", "!", "x"))
            .await?;
        let sequence: Sequence = committed.sequence.unwrap();
        let mut key = b"log/".to_vec();
        key.extend(sequence.to_key_bytes());
        key.push(b'!');
        assert!(view.exists(&key).await?);
        assert_eq!(view.scan_prefix("log/").collect().await?[0].key, key);
        Ok(())
    })
}

#[test]
fn the_system_space_is_the_whole_stores() -> Result<()> {
    block_on(async {
        let store = memory();
        let view = store.namespace(&child("a"));
        let keys = SystemKeys::of("layer");
        view.put(keys.key("row"), "1").await?;
        assert!(store.exists(&keys.key("row")).await?);
        let found = view
            .scan(keys.range(), ScanOptions::new())
            .collect()
            .await?;
        assert_eq!(&found[0].key, keys.key("row").bytes());
        view.delete_range(keys.range()).await?;
        assert!(!store.exists(&keys.key("row")).await?);
        Ok(())
    })
}

#[test]
fn keys_may_be_as_much_shorter_as_the_prefix_is_long() -> Result<()> {
    block_on(async {
        let store = memory();
        let namespace = child("name");
        let view = store.namespace(&namespace);
        let longest = view.capabilities().key_bytes_max;
        assert_eq!(
            longest + namespace.prefix().len(),
            store.capabilities().key_bytes_max
        );
        view.put(vec![0; longest], "").await?;
        let error = view.put(vec![0; longest + 1], "").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        Ok(())
    })
}

#[test]
fn children_are_listed_whatever_else_the_parent_holds() -> Result<()> {
    block_on(async {
        for ordered in [ScanOrder::Ordered, ScanOrder::Unordered] {
            let store = Altered::new(memory(), |c| c.scan_order = ordered);
            let parent = child("parent");
            for name in NAMES {
                for key in ["1", "2", "3"] {
                    store
                        .put(parent.child(name).child("grandchild").key(key), "")
                        .await?;
                }
            }
            for key in [
                &b""[..],
                b"\x01x",
                b"\x02",
                b"\x02no end",
                b"\x02\xFF\0",
                b"\x03x",
            ] {
                store.put(parent.key(key), "").await?;
            }
            store.put(child("sibling").child("x").key(""), "").await?;
            let mut expected = NAMES.to_vec();
            expected.sort_unstable();
            assert_eq!(store.namespaces(&parent).await?, expected);
            assert!(store.namespaces(&child("empty")).await?.is_empty());
            assert_eq!(
                store.namespaces(&Namespace::root()).await?,
                ["parent", "sibling"]
            );
        }
        Ok(())
    })
}

#[test]
fn listing_reads_one_key_for_each_child() -> Result<()> {
    block_on(async {
        let store = Altered::new(memory(), |_| {});
        for name in ["a", "b", "c"] {
            for key in 0..100_u8 {
                store.put(child(name).key([key]), "").await?;
            }
        }
        store.namespaces(&Namespace::root()).await?;
        let scans = store.scans.lock().unwrap().clone();
        assert!(scans.len() <= 4, "{scans:?}");
        assert!(scans.iter().all(|entries_max| *entries_max == 1));
        Ok(())
    })
}

#[test]
fn namespaces_are_measured_and_dropped_with_their_children() -> Result<()> {
    block_on(async {
        let store = SharedStore::new(memory());
        let (a, b) = (child("a"), child("a\0"));
        for namespace in [&a, &a.child("x"), &b] {
            store.put(namespace.key("key"), "value").await?;
        }
        let count = store.measure(&a).await?;
        assert_eq!(count.entries, 2);
        let prefixes = a.prefix().len() + a.child("x").prefix().len();
        assert_eq!(count.bytes, u64::try_from(prefixes + 2 * 8).unwrap());

        store.drop_namespace(&a).await?;
        assert_eq!(store.measure(&a).await?.entries, 0);
        assert_eq!(store.namespaces(&Namespace::root()).await?, ["a\0"]);
        store.drop_namespace(&Namespace::root()).await?;
        assert_eq!(store.count(KeyRange::all()).await?, 0);
        Ok(())
    })
}

fn child(name: &str) -> Namespace {
    Namespace::root().child(name)
}
