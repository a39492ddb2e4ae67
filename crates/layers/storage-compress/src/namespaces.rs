//! What has been learnt of the values of each namespace.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
};

use storage_core::{Key, Space};

use crate::dictionary::{Course, Dictionaries, Dictionary};

/// After so many misses in a row, one value in [`TRIED_EVERY`] is tried.
const MISSES_MAX: u32 = 64;

const TRIED_EVERY: u32 = 64;

/// The namespaces of a store. More than [`COUNT_MAX`](Self::COUNT_MAX) share what is
/// learnt, as do keys outside of any, and system keys.
#[derive(Debug)]
pub(crate) struct Namespaces {
    root: Arc<Learnt>,
    named: RwLock<HashMap<Box<[u8]>, Arc<Learnt>>>,
    known: Arc<Dictionaries>,
    /// After how many values it is looked how a dictionary does.
    look_every: u32,
}

impl Namespaces {
    const COUNT_MAX: usize = 1_024;

    /// Those of a store with these dictionaries.
    pub(crate) fn new(known: Arc<Dictionaries>, look_every: u32) -> Self {
        Self {
            root: Arc::new(Learnt::new(&[], &known, look_every)),
            named: RwLock::default(),
            known,
            look_every,
        }
    }

    /// What has been learnt of the namespace of `key`.
    pub(crate) fn of(&self, key: Key<'_>) -> Arc<Learnt> {
        let prefix = prefix_of(key);
        if prefix.is_empty() {
            return Arc::clone(&self.root);
        }
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(learnt) = named.get(prefix) {
            return Arc::clone(learnt);
        }
        drop(named);
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        if named.len() >= Self::COUNT_MAX {
            return Arc::clone(&self.root);
        }
        let learnt = named
            .entry(prefix.into())
            .or_insert_with(|| Arc::new(Learnt::new(prefix, &self.known, self.look_every)));
        Arc::clone(learnt)
    }
}

/// What is known of the values of a namespace.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    /// What its keys begin with.
    pub(crate) prefix: Box<[u8]>,
    /// How many values in a row did not get smaller.
    misses: AtomicU32,
    /// What its small values are compressed with.
    dictionary: RwLock<Option<Arc<Dictionary>>>,
    /// When it gets another one.
    pub(crate) course: Course,
}

impl Learnt {
    fn new(prefix: &[u8], known: &Dictionaries, look_every: u32) -> Self {
        let learnt = Self {
            prefix: prefix.into(),
            ..Self::default()
        };
        if let Some(dictionary) = known.newest_of(prefix) {
            learnt.set_dictionary(dictionary);
            learnt.course.begin(look_every);
        }
        learnt
    }

    pub(crate) fn dictionary(&self) -> Option<Arc<Dictionary>> {
        let dictionary = self
            .dictionary
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        dictionary.clone()
    }

    /// Has values compressed with a dictionary, whatever became of those before.
    pub(crate) fn set_dictionary(&self, dictionary: Arc<Dictionary>) {
        let mut used = self
            .dictionary
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *used = Some(dictionary);
        self.hit();
    }

    /// Whether the next value is to be tried.
    pub(crate) fn is_tried(&self) -> bool {
        let misses = self.misses.load(Ordering::Relaxed);
        if misses < MISSES_MAX {
            return true;
        }
        // It counts those that are not tried, too.
        let misses = self.misses.fetch_add(1, Ordering::Relaxed);
        misses.is_multiple_of(TRIED_EVERY)
    }

    /// Takes note that a value got smaller.
    pub(crate) fn hit(&self) {
        // Mostly it is zero already, and others share the line.
        if self.misses.load(Ordering::Relaxed) != 0 {
            self.misses.store(0, Ordering::Relaxed);
        }
    }

    /// Takes note that a value did not.
    pub(crate) fn miss(&self) {
        if self.misses.load(Ordering::Relaxed) < MISSES_MAX {
            self.misses.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What an element of a name begins with.
const NAME: u8 = 0x02;

/// What it ends with.
const END: u8 = 0x00;

/// The elements of names that a user key begins with (`docs/formats/namespace.md`): each
/// begins with 02 and ends with the first 00, which no escape holds. A key of another
/// kind that looks like one is in a namespace of its own; that does no harm.
pub(crate) fn prefix_of(key: Key<'_>) -> &[u8] {
    let key = match key.space() {
        Space::User => key.bytes(),
        Space::System => return &[],
    };
    let mut length = 0;
    while let Some((&NAME, rest)) = key.get(length..).and_then(<[u8]>::split_first) {
        match rest.iter().position(|byte| *byte == END) {
            Some(end) => length += 1 + end + 1,
            None => break,
        }
    }
    key.get(..length).unwrap_or_default()
}

/// The namespace with this prefix, for people.
pub(crate) struct Named<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the root namespace");
        }
        f.write_str("the namespace ")?;
        let elements = self.0.split_inclusive(|byte| *byte == END);
        for (number, element) in elements.enumerate() {
            let name = element.strip_prefix(&[NAME]).unwrap_or(element);
            let name = name.strip_suffix(&[END]).unwrap_or(name);
            let slash = if number == 0 { "" } else { "/" };
            write!(f, "{slash}`{}`", name.escape_ascii())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use storage_core::Namespace;

    use super::*;

    #[test]
    fn a_key_is_in_the_namespace_that_it_was_made_in() {
        let users = Namespace::root().child("tenant\0 7").child("users");
        for key in ["", "ada", "\x02", "\x02ada"] {
            let key = users.key(key);
            assert_eq!(prefix_of(key.as_key()), users.prefix(), "{key:?}");
        }
        assert_eq!(prefix_of(Key::user(b"planet/3")), b"");
        assert_eq!(prefix_of(Key::user(b"")), b"");
        assert_eq!(prefix_of(Key::in_space(Space::System, b"\x02dedup\0")), b"");
    }

    #[test]
    fn people_see_its_names() {
        let users = Namespace::root().child("tenant 7").child("users");
        assert_eq!(
            Named(users.prefix()).to_string(),
            "the namespace `tenant 7`/`users`"
        );
        assert_eq!(Named(b"").to_string(), "the root namespace");
    }

    #[test]
    fn after_64_misses_one_value_in_64_is_tried_until_one_gets_smaller() {
        let learnt = Learnt::default();
        for _ in 0..64 {
            assert!(learnt.is_tried());
            learnt.miss();
        }
        let tried =
            |learnt: &Learnt, values: u32| (0..values).filter(|_| learnt.is_tried()).count();
        assert_eq!(tried(&learnt, 640), 10);
        learnt.miss();
        assert_eq!(tried(&learnt, 640), 10);
        learnt.hit();
        assert_eq!(tried(&learnt, 64), 64);
    }

    #[test]
    fn namespaces_learn_apart_up_to_a_number() {
        let namespaces = Namespaces::new(Arc::default(), 0);
        let of = |name: &str| {
            let key = Namespace::root().child(name).key("k");
            namespaces.of(key.as_key())
        };
        assert!(Arc::ptr_eq(&of("a"), &of("a")));
        assert!(!Arc::ptr_eq(&of("a"), &of("b")));
        for number in 0..Namespaces::COUNT_MAX {
            of(&number.to_string());
        }
        assert!(Arc::ptr_eq(&of("one too many"), &namespaces.root));
        assert!(Arc::ptr_eq(&namespaces.of("k".into()), &namespaces.root));
    }
}
