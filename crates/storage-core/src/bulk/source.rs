//! What is copied: one state of a store, and who that store is.

use super::{entries::entries, mark::unfinished_copy};
use crate::{
    Capabilities, Clock, Error, ErrorKind, Item, Mutation, OwnedKey, Put, Read, Result, Sequence,
    Store, StoreExt, StoreHeader, StoreId, WriteBatch,
};

/// One state of a store that is copied to others.
///
/// It is read below the layers: give it the engine, not a stack whose layers
/// alter what is stored. Everything in both spaces is copied as it lies there,
/// but for what core keeps of the store itself: its header and the reservation
/// of its sequences.
#[derive(Debug)]
pub struct CopySource<R> {
    pub(super) view: R,
    /// `None` if the store was never opened as a stack: nobody knows who it is.
    pub(super) header: Option<StoreHeader>,
    pub(super) capabilities: Capabilities,
    pub(super) clock: Clock,
}

impl<R: Read> CopySource<R> {
    /// The state that `store` has now.
    ///
    /// # Errors
    /// `Unsupported` if the store has no snapshots; `Invalid` if layers that
    /// alter what is stored lie on it, or if it is an unfinished copy itself; as
    /// for [`Read`].
    pub async fn of_snapshot<S: Store<Snapshot = R>>(store: &S) -> Result<Self> {
        let header = header_below_layers(store).await?;
        refuse_unfinished(store).await?;
        Ok(Self {
            view: store.snapshot().await?,
            header,
            capabilities: store.capabilities().clone(),
            clock: store.clock().clone(),
        })
    }

    /// `store` itself, for stores without snapshots. Nobody may write to it
    /// until the copy is verified; what is written may or may not be copied.
    ///
    /// # Errors
    /// `Invalid` if layers that alter what is stored lie on it, or if it is an
    /// unfinished copy itself; as for [`Read`].
    pub async fn of_live(store: R) -> Result<Self>
    where
        R: Store,
    {
        let header = header_below_layers(&store).await?;
        refuse_unfinished(&store).await?;
        Ok(Self {
            header,
            capabilities: store.capabilities().clone(),
            clock: store.clock().clone(),
            view: store,
        })
    }

    /// The last commit that is copied, if commits are numbered.
    #[must_use]
    pub fn sequence(&self) -> Option<Sequence> {
        self.view.sequence()
    }

    /// The first entry that `target` does not take, and why. Reads the entries
    /// only if the limits of the two stores do not tell that there is none.
    ///
    /// # Errors
    /// As for [`Read`].
    ///
    /// # Complexity
    /// Constant, or linear in the size of the source.
    pub async fn first_unfit<T: Store>(&self, target: &T) -> Result<Option<(OwnedKey, Error)>> {
        let limits = target.capabilities();
        if takes_everything(&self.capabilities, limits) {
            return Ok(None);
        }
        let mut entries = entries(&self.view);
        while let Some((key, Item { entry, .. })) = entries.next().await? {
            let put = Put::of_entry(key.clone(), entry);
            let single = WriteBatch::new().mutation(Mutation::Put(put));
            if let Err(error) = limits.admit(&single) {
                return Ok(Some((key.clone(), error.with_key(&key))));
            }
        }
        Ok(None)
    }

    /// The header, or one that says that nobody knows who the store is.
    pub(super) fn identity(&self) -> StoreHeader {
        self.header.clone().unwrap_or(StoreHeader {
            id: StoreId::from_bytes([0; 16]),
            lineage: Vec::new(),
            layers: Vec::new(),
        })
    }
}

/// Reads the header of `store`, and refuses a stack whose layers alter what is
/// stored: values would come through them decoded, and what they keep for
/// themselves as it is, so the copy would fit together no more.
pub(super) async fn header_below_layers<S: Store>(store: &S) -> Result<Option<StoreHeader>> {
    let header = StoreHeader::read(store).await?;
    let on_it = store.describe().layers;
    let altering = header.iter().flat_map(|header| &header.layers);
    for layer in altering {
        if on_it.contains(&layer.name) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "the layer `{}` lies between the copy and what is stored; \
                     give the copy the engine below the layers",
                    layer.name
                ),
            ));
        }
    }
    Ok(header)
}

/// A copy of a part would be verified against that part, and nothing would tell
/// that the rest is missing.
async fn refuse_unfinished<S: Store>(store: &S) -> Result<()> {
    match unfinished_copy(store).await? {
        None => Ok(()),
        Some(origin) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the source is an unfinished copy of the store {}; resume that copy first",
                origin.id
            ),
        )),
    }
}

fn takes_everything(from: &Capabilities, to: &Capabilities) -> bool {
    use crate::Support::{Supported, Unsupported};
    let largest = from
        .key_bytes_max_in(crate::Space::System)
        .saturating_add(from.value_bytes_max);
    to.key_bytes_max >= from.key_bytes_max
        && to.value_bytes_max >= from.value_bytes_max
        && to.batch_bytes_max >= largest
        && (to.expiry == Supported || from.expiry == Unsupported)
}
