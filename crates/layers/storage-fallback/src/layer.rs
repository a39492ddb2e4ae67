//! The layer: what gives a store a fallback.

use std::sync::{Arc, atomic::AtomicBool};

use storage_core::{
    BatchScope, Capabilities, Components, Error, ErrorKind, Result, ScanOrder, SharedStore, Store,
    StoreHeader, Support,
    layer::{Layer, LayerDeclaration, phase},
    memory::MemoryConfig,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, Notify},
};

use crate::{
    Fallback, FallbackConfig, NAME, core::Core, journal::Journal, known::Known, pending::Pending,
    status::Status,
};

/// The layer that gives expiries to puts that have none.
const FILLS_EXPIRIES: &str = "expiry";

/// Answers for a store that is gone; see the [crate](crate).
#[derive(Clone, Debug)]
pub struct FallbackLayer {
    config: FallbackConfig,
    standby: SharedStore,
}

impl FallbackLayer {
    /// A layer with these settings, whose standby is memory: what it accepts dies
    /// with the process.
    #[must_use]
    pub fn new(config: FallbackConfig) -> Self {
        Self {
            config,
            standby: SharedStore::new(MemoryConfig::new().open()),
        }
    }

    /// The same layer with another standby, which keeps what is accepted: a store
    /// of its own, used for nothing else. The layer closes it, unless no commits are
    /// accepted: then it does not use it.
    ///
    /// One process at a time has it. Opening takes it, with what is pending in it, from
    /// whoever had it before, alive or not: that one accepts no more commits.
    #[must_use]
    pub fn standby(mut self, standby: SharedStore) -> Self {
        self.standby = standby;
        self
    }
}

impl Layer for FallbackLayer {
    type Phase = phase::Fallback;
    type Store<S: Store> = Fallback<S>;

    fn declaration(&self) -> LayerDeclaration {
        let needs = self.config.needs().into_iter();
        needs.fold(LayerDeclaration::new(NAME), LayerDeclaration::needing)
    }

    fn capabilities(&self, inner: &Capabilities) -> Capabilities {
        self.config.capabilities(inner, self.standby.capabilities())
    }

    /// # Errors
    /// `Invalid` for settings that make no sense, without a Tokio runtime, for a
    /// standby without ordered scans, guards or batches over the store, and for one that
    /// holds what was accepted for another store. `Conflict` if another process opens the
    /// same standby at this moment. As for the primary and the standby, which both are read.
    async fn wrap<S: Store>(self, inner: S, components: &Components) -> Result<Fallback<S>> {
        let capabilities = self.capabilities(inner.capabilities());
        let Self { config, standby } = self;
        let config = config.validated()?;
        let runtime = Handle::try_current().map_err(|error| {
            invalid(
                "a layer that looks for a store is opened on a Tokio runtime; \
                 open the stack there, or through the blocking façade",
            )
            .with_source(error)
        })?;
        let pending = Pending::default();
        let mut is_fenced = false;
        let journal = if config.accepts_writes() {
            if standby.capabilities().scan_order != ScanOrder::Ordered {
                return Err(invalid(
                    "a standby keeps an order; use one with ordered scans",
                ));
            }
            if standby.capabilities().guards == Support::Unsupported {
                return Err(invalid("a standby judges guards; use one that does"));
            }
            if standby.capabilities().batch != BatchScope::Store {
                return Err(invalid(
                    "a standby changes several keys at once; use one that does",
                ));
            }
            let header = StoreHeader::read(&inner).await?;
            let primary = header.map_or([0; 16], |header| *header.id.as_bytes());
            let (journal, left) =
                Journal::open(standby.clone(), &inner, primary, &*components.random).await?;
            for accepted in left {
                pending.push(accepted);
            }
            is_fenced = journal.fence() > 0;
            Some(Mutex::new(journal))
        } else {
            None
        };
        let layers = inner.describe().layers;
        let fills_expiries = layers.iter().any(|layer| layer == FILLS_EXPIRIES);
        let known = config
            .remembers()
            .then(|| Known::new(config.remember_bytes_max, fills_expiries));
        let core = Core {
            primary_reads: inner.capabilities().reads,
            status: Status::new(inner.clock().clone()),
            known,
            fills_expiries,
            pending,
            journal,
            is_fenced: AtomicBool::new(is_fenced),
            wake: Notify::new(),
            hurry: Notify::new(),
            random: Arc::clone(&components.random),
            runtime,
            capabilities,
            standby,
            config,
        };
        Ok(Fallback::new(inner, Arc::new(core)))
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, message).with_layer(NAME)
}
