//! Where the numbering of a copy's commits goes on.
//!
//! Keys that hold a sequence are copied as they are. A target that numbered its
//! commits from one would write below them and, in the end, over them. So its
//! reservation (`docs/formats/sequence.md`) is moved up to the last commit that
//! was copied. The embedded adapter numbers the commit that does so behind it;
//! other engines read it when they open.

use crate::{
    Error, ErrorKind, OwnedKey, Put, ReadExt, Result, Sequence, SequenceScope, Store, SystemKeys,
    WriteBatch, WriteOptions, layer::CORE,
};

/// A commit may carry a reservation of its own to the same row, but not the
/// next one too.
const TRIES: usize = 3;

/// Makes `target` number its commits behind `last`, at the latest once it is
/// opened again.
///
/// # Errors
/// `Unsupported` if it cannot; as for any commit.
pub(super) async fn raise<T: Store>(target: &T, last: Sequence) -> Result<()> {
    let scope = target.capabilities().sequence;
    let key = SystemKeys::of(CORE).key("sequence");
    for _ in 0..TRIES {
        let is_raised = match scope {
            SequenceScope::Unsupported => true,
            SequenceScope::Process => target.sequence().is_some_and(|own| own >= last),
            SequenceScope::Store => reserved(target, &key).await? >= last,
        };
        if is_raised {
            return Ok(());
        }
        let put = Put::new(key.clone(), last.to_key_bytes().to_vec());
        let batch = WriteBatch::new().mutation(put);
        target.commit_with(batch, &WriteOptions::new()).await?;
    }
    if scope == SequenceScope::Process {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the target numbers its commits anew and would write over keys numbered up to \
                 {last}; name a target whose sequences grow across reopening"
            ),
        ));
    }
    Err(Error::new(
        ErrorKind::Internal,
        "the target takes back the numbers that the copy reserves; is somebody else writing to it?",
    ))
}

/// Checks that commits of `target` will be numbered behind `last`.
///
/// # Errors
/// `Invalid` if they would not.
pub(super) fn check<T: Store>(target: &T, last: Sequence) -> Result<()> {
    match target.sequence() {
        Some(own) if own < last => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the target would number its next commit {}, and holds keys numbered up to {last}; \
                 close it and open it again before verifying the copy",
                own.get().saturating_add(1)
            ),
        )),
        _ => Ok(()),
    }
}

async fn reserved<T: Store>(target: &T, key: &OwnedKey) -> Result<Sequence> {
    let stored = target.get(key).await?;
    let bytes = stored.and_then(|entry| <[u8; 8]>::try_from(entry.as_ref()).ok());
    Ok(bytes.map_or(Sequence::ZERO, Sequence::from_key_bytes))
}
