//! The suite over an S3.

use storage_core::{Components, Result, networked::Secret};
use storage_object::{ObjectBackend, ObjectConditions, ObjectConfig, ObjectPlace, ObjectReads};
use storage_testkit::{
    Subject,
    servers::{S3Bucket, S3Server},
};

/// A bucket of the server that this process shares.
struct S3(S3Bucket);

impl S3 {
    #[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
    fn new() -> Self {
        Self(S3Server::shared().new_bucket().unwrap())
    }
}

impl Subject for S3 {
    type Store = ObjectBackend;
    const ENGINE: &'static str = "object";

    async fn open(&self, components: Components) -> Result<ObjectBackend> {
        let mut config = ObjectConfig::from_url(&self.0.url("store"))?;
        if let ObjectPlace::S3(place) = &mut config.place {
            place.access_key = Some(("tests".into(), Secret::new("secret")));
        }
        // What these tests prove of this server, nobody else knows.
        config.reads = ObjectReads::Linearizable;
        // The race has tests of its own, and would be run hundreds of times here.
        config.conditions = ObjectConditions::Trusted;
        config.open_with(components).await
    }
}

storage_testkit::conformance!(S3::new());
