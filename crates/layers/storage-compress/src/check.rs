//! Whether every stored value can be decoded, and every dictionary read.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use storage_core::{
    CheckReport, Damage, Error, ErrorKind, Item, Key, KeyRange, Page, Read, RedactedKey, Result,
    ScanOptions, Space,
};

use crate::{
    CompressStore,
    dictionary::{self, Dictionaries, DictionaryId, Lack},
    namespaces::prefix_of,
    shared::Worker,
};

/// How many entries are looked at together.
const ENTRIES: usize = 256;

/// Adds the values that cannot be decoded to what was found below, and the dictionaries that
/// are missing or damaged, and what could not be looked at: why the store below cannot read
/// that is in its own report.
pub(crate) async fn values<R: Read>(
    store: &CompressStore<R>,
    mut report: CheckReport,
) -> Result<CheckReport> {
    let options = ScanOptions::new().entries_max(ENTRIES);
    let mut rows = Rows::read(store).await?;
    for space in [Space::User, Space::System] {
        let mut rest = Some(KeyRange::all().in_space(space));
        while let Some(range) = rest.take() {
            let mut page = match store.inner.scan_with(&range, &options).await {
                Ok(page) => page,
                // Where the damage ends cannot be told from here.
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    report.damages.push(Damage::not_looked_at(&range, &error));
                    break;
                }
                Err(error) => return Err(error),
            };
            rest = page.next.take();
            rows.take_out_what_lacks_one(store, space, &mut page)
                .await?;
            let sound = Arc::clone(&rows.sound);
            let found = store
                .shared
                .work(Worker::Pool, move |shared| {
                    let damage = |item: Item| {
                        let key = Key::in_space(space, &item.key);
                        let error = shared.open_with(key, item.entry, &sound).err()?;
                        Some(damage_of(key, &error))
                    };
                    let found = page.items.into_iter().filter_map(damage);
                    Ok(found.collect::<Vec<_>>())
                })
                .await?;
            report.damages.extend(found);
        }
    }
    report.damages.extend(rows.damages());
    Ok(report)
}

fn damage_of(key: Key<'_>, error: &Error) -> Damage {
    let detail = match std::error::Error::source(error) {
        Some(source) => format!("{}: {source}", error.message()),
        None => error.message().to_owned(),
    };
    Damage::new(RedactedKey::from(key).to_string(), detail)
}

/// The dictionaries as they are stored now, whatever is in memory.
struct Rows {
    sound: Arc<Dictionaries>,
    lacking: BTreeMap<DictionaryId, Need>,
}

/// What needs a dictionary that cannot be had.
struct Need {
    lack: Lack,
    /// Of the first value that needs it.
    namespace: Option<Vec<u8>>,
    values: u64,
}

impl Need {
    const fn of(lack: Lack) -> Self {
        Self {
            lack,
            namespace: None,
            values: 0,
        }
    }
}

impl Rows {
    async fn read<R: Read>(store: &CompressStore<R>) -> Result<Self> {
        let sound = Arc::new(Dictionaries::default());
        let mut lacking = BTreeMap::new();
        for (id, found) in dictionary::all(&*store.inner).await? {
            match found {
                Ok(dictionary) => drop(sound.add(dictionary)),
                Err(lack) => drop(lacking.insert(id, Need::of(lack))),
            }
        }
        Ok(Self { sound, lacking })
    }

    /// Takes the entries out of a page whose dictionaries cannot be had: there may be many
    /// with one cause.
    async fn take_out_what_lacks_one<R: Read>(
        &mut self,
        store: &CompressStore<R>,
        space: Space,
        page: &mut Page,
    ) -> Result<()> {
        let mut kept = Vec::with_capacity(page.items.len());
        for item in page.items.drain(..) {
            let key = Key::in_space(space, &item.key);
            // Forms without a proper head are looked at with all others.
            let lacks = store.shared.lacks(key, &item.entry, &self.sound);
            let need = match lacks.unwrap_or_default() {
                Some(id) => self.need(store, id).await?,
                None => None,
            };
            match need {
                Some(need) => {
                    need.values += 1;
                    need.namespace
                        .get_or_insert_with(|| prefix_of(key).to_vec());
                }
                None => kept.push(item),
            }
        }
        page.items = kept;
        Ok(())
    }

    /// What needs a dictionary that is not known; `None` if it was stored meanwhile.
    async fn need<R: Read>(
        &mut self,
        store: &CompressStore<R>,
        id: DictionaryId,
    ) -> Result<Option<&mut Need>> {
        match self.lacking.entry(id) {
            Entry::Occupied(need) => Ok(Some(need.into_mut())),
            Entry::Vacant(vacant) => match dictionary::one(&*store.inner, id).await? {
                Ok(dictionary) => {
                    self.sound.add(dictionary);
                    Ok(None)
                }
                Err(lack) => Ok(Some(vacant.insert(Need::of(lack)))),
            },
        }
    }

    fn damages(self) -> impl Iterator<Item = Damage> {
        self.lacking.into_iter().map(|(id, need)| {
            let place = RedactedKey::from(dictionary::key(id).as_key()).to_string();
            let what = need.lack.told(id, need.namespace.as_deref());
            let values = need.values;
            Damage::new(place, format!("{what}; {values} values need it"))
        })
    }
}
