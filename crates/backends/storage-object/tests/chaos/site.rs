//! An S3 behind a proxy, and what can be done to it. It is never killed: what it
//! stores is in its memory.

use std::time::Duration;

use storage_core::{Result, networked::Secret};
use storage_object::{ObjectBackend, ObjectConfig, ObjectPlace, ObjectReads};
use storage_testkit::{
    chaos::{Fault, Site},
    servers::{Direction, Proxy, S3Bucket, S3Fault, S3Server, S3When, ServerResult},
};

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How much a slow network holds every byte back.
const DELAY: Duration = Duration::from_millis(120);

/// The server, and where stores look for it.
#[derive(Debug)]
pub(crate) struct ObjectSite {
    server: S3Server,
    proxy: Proxy,
    bucket: S3Bucket,
}

impl Site for ObjectSite {
    type Store = ObjectBackend;

    const FAULTS: &'static [Fault<Self>] = &[
        Fault::new("the server is paused", Self::pause, Self::resume),
        Fault::new("connections are cut", Self::cut, Self::cut),
        Fault::new("the network is silent", Self::swallow, Self::heal_network),
        Fault::new("the network is slow", Self::delay, Self::heal_network),
        Fault::new("nobody is reached", Self::cut_off, Self::heal_network).cutting_off(),
        Fault::new("the server asks for less", Self::throttle, Self::recover),
        Fault::new(
            "puts fail after they are done",
            Self::fail_after,
            Self::recover,
        ),
        Fault::new(
            "puts fail before they are done",
            Self::fail_before,
            Self::recover,
        ),
        Fault::new(
            "deletes fail after they are done",
            Self::fail_deletes_after,
            Self::recover,
        ),
        Fault::new(
            "deletes fail before they are done",
            Self::fail_deletes_before,
            Self::recover,
        ),
    ];

    const TIME_LIMIT: Duration = Duration::from_secs(3);
    /// A connection is found to be gone when something is sent on it.
    const NOTICED_WITHIN: Duration = Duration::from_millis(200);

    async fn open(&self) -> Result<ObjectBackend> {
        let endpoint = format!("http://{}", self.proxy.address());
        let mut config = ObjectConfig::from_url(&self.bucket.url_at("store", &endpoint))?;
        if let ObjectPlace::S3(place) = &mut config.place {
            place.access_key = Some(("tests".into(), Secret::new("secret")));
        }
        // What these tests prove of this server, nobody else knows.
        config.reads = ObjectReads::Linearizable;
        config.time_limit = Self::TIME_LIMIT;
        config.connect_timeout = CONNECT_TIMEOUT;
        config.open().await
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "faults are all of one kind, and most can fail"
)]
impl ObjectSite {
    pub(crate) fn start() -> ServerResult<Self> {
        let server = S3Server::launch()?;
        let bucket = server.new_bucket()?;
        Ok(Self {
            proxy: Proxy::start(server.address())?,
            server,
            bucket,
        })
    }

    fn pause(&mut self) -> ServerResult {
        self.server.pause()
    }

    fn resume(&mut self) -> ServerResult {
        self.server.resume()
    }

    fn cut(&mut self) -> ServerResult {
        self.proxy.cut()
    }

    fn swallow(&mut self) -> ServerResult {
        self.proxy.swallow();
        Ok(())
    }

    fn delay(&mut self) -> ServerResult {
        self.proxy.delay(Direction::ToServer, DELAY);
        self.proxy.delay(Direction::ToClient, DELAY);
        Ok(())
    }

    fn cut_off(&mut self) -> ServerResult {
        self.proxy.refuse()?;
        self.proxy.cut()
    }

    fn heal_network(&mut self) -> ServerResult {
        self.proxy.heal()
    }

    fn throttle(&mut self) -> ServerResult {
        self.fail("*", 503, "SlowDown", S3When::Before)
    }

    fn fail_after(&mut self) -> ServerResult {
        self.fail("PUT", 500, "InternalError", S3When::After)
    }

    fn fail_before(&mut self) -> ServerResult {
        self.fail("PUT", 500, "InternalError", S3When::Before)
    }

    fn fail_deletes_after(&mut self) -> ServerResult {
        self.fail("DELETE", 500, "InternalError", S3When::After)
    }

    fn fail_deletes_before(&mut self) -> ServerResult {
        self.fail("DELETE", 500, "InternalError", S3When::Before)
    }

    fn fail(
        &self,
        method: &'static str,
        status: u16,
        code: &'static str,
        when: S3When,
    ) -> ServerResult {
        self.server.order(S3Fault {
            method,
            status,
            code,
            when,
            times: u32::MAX,
        })
    }

    fn recover(&mut self) -> ServerResult {
        self.server.recover()
    }
}
