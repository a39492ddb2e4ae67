//! The stacks: each layer alone, each pair, all together.

/// Makes a module for each stack, in which a macro makes tests of it.
macro_rules! for_each_stack {
    ($tests:path, $subject:expr) => {
        crate::each::for_each_stack! {@stacks $tests, $subject;
            cache: [Cache],
            metrics: [Metrics],
            resilience: [Resilience],
            fallback: [Fallback],
            cache_metrics: [Cache, Metrics],
            cache_resilience: [Cache, Resilience],
            cache_fallback: [Cache, Fallback],
            metrics_resilience: [Metrics, Resilience],
            metrics_fallback: [Metrics, Fallback],
            resilience_fallback: [Resilience, Fallback],
        }

        mod all {
            use super::*;

            $tests!($subject(crate::layers::ALL));
        }
    };
    (@stacks $tests:path, $subject:expr; $($name:ident: [$($layer:ident),+],)+) => {$(
        mod $name {
            use super::*;

            const LAYERS: &[crate::layers::Layer] = &[$(crate::layers::Layer::$layer),+];

            $tests!($subject(LAYERS));
        }
    )+};
}

pub(crate) use for_each_stack;
