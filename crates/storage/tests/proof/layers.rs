//! The layers that alter what is stored, set up so that they do as much as they can.

use std::time::Duration;

use storage::{
    Components, ErasedStack, Result, SharedStore,
    compress::{CompressConfig, CompressLayer, DictionaryConfig},
    dedup::{CollectConfig, CutConfig, DedupConfig, DedupLayer},
    expiry::{ExpiryConfig, ExpiryLayer, Sweep},
};

/// When collectors and sweepers work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upkeep {
    /// All the time.
    Ceaseless,
    /// When they are told to.
    OnDemand,
}

/// Which of them are in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layers {
    compress: bool,
    dedup: bool,
    expiry: bool,
}

impl Layers {
    pub(crate) const ALL: Self = Self {
        compress: true,
        dedup: true,
        expiry: true,
    };

    pub(crate) const NONE: Self = Self {
        compress: false,
        dedup: false,
        expiry: false,
    };

    /// Each alone, each pair, all three.
    pub(crate) fn stacks() -> impl Iterator<Item = Self> {
        (1_u8..8).map(|chosen| Self {
            compress: chosen & 1 != 0,
            dedup: chosen & 2 != 0,
            expiry: chosen & 4 != 0,
        })
    }

    /// What the stack is called over an engine, such as `dedup_expiry_over_fjall`.
    pub(crate) fn name(self, engine: &str) -> &'static str {
        let layers: String = self.names().flat_map(|name| [name, "_"]).collect();
        // There are fourteen, for as long as the program runs.
        format!("{layers}over_{engine}").leak()
    }

    /// The names of the layers, innermost first.
    pub(crate) fn names(self) -> impl DoubleEndedIterator<Item = &'static str> {
        let all = [
            (self.compress, "compress"),
            (self.dedup, "dedup"),
            (self.expiry, "expiry"),
        ];
        let chosen = all.into_iter().filter(|(is_chosen, _)| *is_chosen);
        chosen.map(|(_, name)| name)
    }

    pub(crate) async fn on(
        self,
        engine: SharedStore,
        components: Components,
        upkeep: Upkeep,
    ) -> Result<SharedStore> {
        let mut stack = ErasedStack::on(engine).components(components);
        if self.compress {
            stack = stack.with(compress());
        }
        if self.dedup {
            stack = stack.with(dedup(upkeep));
        }
        if self.expiry {
            stack = stack.with(expiry(upkeep));
        }
        stack.open().await
    }
}

/// Every value is tried, and dictionaries are made of few.
pub(crate) fn compress() -> CompressLayer {
    let dictionaries = DictionaryConfig::new()
        .value_bytes(1, 4 << 10)
        .dictionary_bytes(1 << 10)
        .samples(100, 8 << 10)
        .look_every(100);
    let config = CompressConfig::new().bytes_min(1);
    CompressLayer::new(config.dictionaries(Some(dictionaries)))
}

/// Every value is a chunk, and what nobody refers to is removed at once.
pub(crate) fn dedup(upkeep: Upkeep) -> DedupLayer {
    let collect = CollectConfig::new()
        .grace(Duration::ZERO)
        .chunks_per_second_max(u32::MAX);
    let collect = match upkeep {
        Upkeep::Ceaseless => collect.every(OFTEN),
        Upkeep::OnDemand => collect.on_demand(),
    };
    let dedup = DedupConfig::new()
        .bytes_min(1)
        .cut(CutConfig::of(64, 256, 1_024))
        .collect(collect);
    DedupLayer::new(dedup)
}

fn expiry(upkeep: Upkeep) -> ExpiryLayer {
    let config = ExpiryConfig::new();
    ExpiryLayer::new(match upkeep {
        Upkeep::Ceaseless => config.sweep_every(OFTEN),
        Upkeep::OnDemand => config.sweep(Sweep::OnDemand),
    })
}

const OFTEN: Duration = Duration::from_millis(5);
