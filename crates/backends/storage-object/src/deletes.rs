//! How servers are asked to delete an object on a condition, which `object_store`
//! has no call for.

use http::{HeaderName, HeaderValue, header};
use object_store::{ObjectStore, ObjectStoreExt, UpdateVersion, path::Path};

/// The condition that an object has this generation.
#[cfg(feature = "gcs")]
const IF_GENERATION: HeaderName = HeaderName::from_static("x-goog-if-generation-match");

/// How objects are deleted.
#[derive(Clone, Debug)]
pub(crate) enum Deletes {
    /// By the client, with the header `If-Match` added.
    IfMatch,
    /// By the client, with a header that names the generation.
    #[cfg(feature = "gcs")]
    IfGeneration,
    /// By requests of our own: the client puts its own into another.
    #[cfg(feature = "azure")]
    Azure(std::sync::Arc<crate::azure::AzureDeletes>),
}

impl Deletes {
    /// The header that says that an object has this form; `None` if the server has
    /// not told what it takes.
    pub(crate) fn condition(&self, form: &UpdateVersion) -> Option<(HeaderName, HeaderValue)> {
        let (name, told) = match self {
            Self::IfMatch => (header::IF_MATCH, &form.e_tag),
            #[cfg(feature = "gcs")]
            Self::IfGeneration => (IF_GENERATION, &form.version),
            #[cfg(feature = "azure")]
            Self::Azure(_) => (header::IF_MATCH, &form.e_tag),
        };
        Some((name, HeaderValue::from_str(told.as_ref()?).ok()?))
    }

    /// Deletes an object. The condition is the transport's to add.
    pub(crate) async fn delete(
        &self,
        store: &dyn ObjectStore,
        path: &Path,
    ) -> object_store::Result<()> {
        match self {
            Self::IfMatch => store.delete(path).await,
            #[cfg(feature = "gcs")]
            Self::IfGeneration => store.delete(path).await,
            #[cfg(feature = "azure")]
            Self::Azure(deletes) => deletes.delete(path).await,
        }
    }
}
