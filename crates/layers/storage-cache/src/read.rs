//! Reads that find nothing in the cache.

use storage_core::{Entry, Error, ErrorKind, Key, Operation, OwnedKey, ReadOptions, Result, Store};

use crate::{
    cache::{Demand, Look, Turn},
    key::CacheKey,
    layer::NAME,
    leading::{Leading, Source},
    store::Shared,
    stripes::Answer,
};

impl<S: Store> Shared<S> {
    /// Reads a key of which the cache knows nothing, or not what is asked for.
    pub(crate) async fn get_unknown(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> Result<Option<Entry>> {
        if self
            .cache
            .may_fill(key, self.cache.demand(options.consistency))
        {
            self.get_missed(key, options).await
        } else {
            self.get_around(key, options).await
        }
    }

    /// Reads a key that was not found: once, however many ask at the same time.
    pub(crate) async fn get_missed(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> Result<Option<Entry>> {
        loop {
            match self.cache.begin_read(key) {
                Turn::Hit(entry) => return Ok(entry),
                Turn::Around => return self.get_around(key, options).await,
                Turn::Join(answer) => {
                    if let Ok(answer) = answer.await {
                        return answer.map(|entry| self.cache.still_there(entry));
                    }
                }
                Turn::Lead(mut leading) => {
                    let (answer, source) = self.ask(&mut leading, options).await;
                    leading.land(&answer, source);
                    return answer;
                }
            }
        }
    }

    /// Reads a key that a commit may be changing.
    pub(crate) async fn get_around(
        &self,
        key: Key<'_>,
        options: &ReadOptions,
    ) -> Result<Option<Entry>> {
        self.orphans.ask();
        self.inner.get_with(key, options).await
    }

    async fn ask(&self, leading: &mut Leading<'_>, options: &ReadOptions) -> (Answer, Source) {
        if let Some(second) = &self.cache.second {
            let keys = std::slice::from_ref(&leading.key);
            if let [Some(row)] = &*Box::pin(second.read(keys, &self.cache.clock)).await {
                leading.as_of = row.as_of;
                return (Ok(Some(row.entry.clone())), Source::Second);
            }
        }
        if self.is_worth_a_page(&leading.key)
            && let Some(answer) = Box::pin(self.read_ahead(leading, options)).await
        {
            return (answer, Source::Below);
        }
        let answer = self.inner.get_with(leading.key.as_key(), options).await;
        (answer, Source::Below)
    }

    /// Reads several keys: those that are not found by one call of the store below.
    pub(crate) async fn get_many(
        &self,
        keys: &[OwnedKey],
        options: &ReadOptions,
        demand: Demand,
    ) -> Result<Vec<Option<Entry>>> {
        let mut answers = Vec::with_capacity(keys.len());
        let mut asked = Vec::new();
        let mut awaited = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let turn = match self.cache.look(key.as_key(), demand) {
                Look::Hit(entry) => Turn::Hit(entry),
                Look::Around => Turn::Around,
                Look::Miss => self.cache.begin_read(key.as_key()),
            };
            answers.push(None);
            match turn {
                Turn::Hit(entry) => {
                    if let Some(answer) = answers.last_mut() {
                        *answer = entry;
                    }
                }
                Turn::Around => asked.push((index, None)),
                Turn::Lead(leading) => asked.push((index, Some(leading))),
                Turn::Join(answer) => awaited.push((index, answer)),
            }
        }
        if !asked.is_empty() || keys.is_empty() {
            self.ask_many(keys, asked, options, &mut answers).await?;
        }
        // Only now: another read may wait for what this one has just found.
        for (index, answer) in awaited {
            let key = keys.get(index).map(OwnedKey::as_key);
            let answer = match (answer.await, key) {
                (Ok(answer), _) => answer.map(|entry| self.cache.still_there(entry))?,
                (Err(_), Some(key)) => self.get_missed(key, options).await?,
                (Err(_), None) => None,
            };
            put(&mut answers, index, answer);
        }
        Ok(answers)
    }

    /// Asks the store below for the keys with these indices.
    pub(crate) async fn ask_many(
        &self,
        keys: &[OwnedKey],
        asked: Vec<(usize, Option<Leading<'_>>)>,
        options: &ReadOptions,
        answers: &mut [Option<Entry>],
    ) -> Result<()> {
        self.orphans.ask();
        let asked = self.ask_second(asked, answers).await;
        if asked.is_empty() && !keys.is_empty() {
            return Ok(());
        }
        let missing: Vec<_> = asked
            .iter()
            .filter_map(|(index, _)| keys.get(*index).cloned())
            .collect();
        // An error may be about any one of the keys: who joined for another asks again.
        let found = self.inner.get_many_with(&missing, options).await?;
        if found.len() != missing.len() {
            return Err(Error::new(
                ErrorKind::Internal,
                "the store below answered for another number of keys than it was asked for",
            )
            .with_operation(Operation::Get)
            .with_layer(NAME));
        }
        for ((index, leading), entry) in asked.into_iter().zip(found) {
            let answer = Ok(entry);
            if let Some(leading) = leading {
                leading.land(&answer, Source::Below);
            }
            if let Ok(entry) = answer {
                put(answers, index, entry);
            }
        }
        Ok(())
    }

    /// Answers what the second level knows, and returns what is left to be asked.
    async fn ask_second<'a>(
        &self,
        asked: Vec<(usize, Option<Leading<'a>>)>,
        answers: &mut [Option<Entry>],
    ) -> Vec<(usize, Option<Leading<'a>>)> {
        let Some(second) = &self.cache.second else {
            return asked;
        };
        let leading = asked.iter().filter_map(|(_, leading)| leading.as_ref());
        let keys: Vec<CacheKey> = leading.map(|leading| leading.key.clone()).collect();
        let rows = Box::pin(second.read(&keys, &self.cache.clock)).await;
        let mut rows = rows.into_iter();
        let mut left = Vec::new();
        for (index, leading) in asked {
            let Some(mut leading) = leading else {
                left.push((index, None));
                continue;
            };
            let Some(row) = rows.next().flatten() else {
                left.push((index, Some(leading)));
                continue;
            };
            leading.as_of = row.as_of;
            let answer = Ok(Some(row.entry.clone()));
            leading.land(&answer, Source::Second);
            put(answers, index, Some(row.entry));
        }
        left
    }
}

fn put(answers: &mut [Option<Entry>], index: usize, entry: Option<Entry>) {
    if let Some(answer) = answers.get_mut(index) {
        *answer = entry;
    }
}
