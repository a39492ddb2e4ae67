//! Reading several keys at once.

use storage_core::{Entry, OwnedKey, ReadExt, Store};

use crate::{
    Bench, CaseResult, Subject,
    failure::ensure_eq,
    fixture::{fill, owned, system_keys},
};

/// Answers stand in the order of the questions, absent keys among them.
pub async fn get_many_answers_in_the_order_asked<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, ["", "a", "b", "c", "\u{ff}"].map(|key| (key, key))).await?;
    let asked = ["c", "x", "a", "\u{ff}", "", "b", "aa"];
    let expected = [
        Some("c"),
        None,
        Some("a"),
        Some("\u{ff}"),
        Some(""),
        Some("b"),
        None,
    ];
    ensure_eq!(
        values(&store, &asked.map(OwnedKey::from)).await?,
        expected.map(|value| value.map(Into::into)).to_vec(),
        "the answers"
    );
    Ok(())
}

/// A key that is asked for twice is answered twice.
pub async fn get_many_answers_a_key_asked_twice_twice<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, [("a", "1"), ("b", "2")]).await?;
    let asked = ["b", "a", "b", "x", "b", "x"].map(OwnedKey::from);
    let expected = [Some("2"), Some("1"), Some("2"), None, Some("2"), None];
    ensure_eq!(
        values(&store, &asked).await?,
        expected.map(|value| value.map(Into::into)).to_vec(),
        "the answers"
    );
    Ok(())
}

/// No questions, no answers.
pub async fn get_many_of_nothing_is_nothing<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    ensure_eq!(store.get_many(&[]).await?, vec![], "the answers");
    Ok(())
}

/// One call reads both spaces, and a thousand keys.
pub async fn get_many_reads_both_spaces_and_many_keys<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    let key = |number: u32| match number % 2 {
        0 => owned(&number.to_be_bytes()),
        _ => system_keys().key(number.to_be_bytes()),
    };
    fill(
        &store,
        (0..1_000).map(|number| (key(number), number.to_string())),
    )
    .await?;
    let asked: Vec<_> = (0..1_200).rev().map(key).collect();
    let expected: Vec<_> = (0..1_200_u32)
        .rev()
        .map(|number| (number < 1_000).then(|| number.to_string().into()))
        .collect();
    ensure_eq!(values(&store, &asked).await?, expected, "the answers");
    Ok(())
}

/// `get_many` and `get` return the same entries, stamps among them.
pub async fn get_many_returns_what_get_returns<S: Subject>(bench: &Bench<S>) -> CaseResult {
    let store = bench.open().await?;
    fill(&store, [("a", "1"), ("b", "")]).await?;
    let keys = ["a", "b", "c"].map(OwnedKey::from);
    let mut singly = Vec::new();
    for key in &keys {
        singly.push(store.get(key).await?);
    }
    ensure_eq!(store.get_many(&keys).await?, singly, "the answers");
    Ok(())
}

async fn values<S: Store>(store: &S, keys: &[OwnedKey]) -> CaseResult<Vec<Option<bytes::Bytes>>> {
    let entries = store.get_many(keys).await?;
    Ok(entries
        .into_iter()
        .map(|entry| entry.map(Entry::into_value))
        .collect())
}
