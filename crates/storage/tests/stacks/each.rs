//! The stacks: each layer alone, each pair, those that leave what is stored as it is,
//! those that alter it, and all together.

/// Calls a macro with the stacks whose layers leave what is stored as it is.
macro_rules! for_each_stack_that_leaves {
    ($callback:path, $($arguments:tt)*) => {
        $callback! {$($arguments)*
            cache: [Cache],
            fallback: [Fallback],
            metrics: [Metrics],
            resilience: [Resilience],
            cache_fallback: [Cache, Fallback],
            cache_metrics: [Cache, Metrics],
            cache_resilience: [Cache, Resilience],
            fallback_metrics: [Fallback, Metrics],
            fallback_resilience: [Fallback, Resilience],
            metrics_resilience: [Metrics, Resilience],
            all_that_leave: [Cache, Fallback, Metrics, Resilience],
        }
    };
}

/// Calls a macro with those whose layers alter what is stored, and with all together.
macro_rules! for_each_stack_that_alters {
    ($callback:path, $($arguments:tt)*) => {
        $callback! {$($arguments)*
            compress: [Compress],
            dedup: [Dedup],
            expiry: [Expiry],
            compress_dedup: [Compress, Dedup],
            compress_expiry: [Compress, Expiry],
            dedup_expiry: [Dedup, Expiry],
            all_that_alter: [Compress, Dedup, Expiry],
            all: [Cache, Compress, Dedup, Expiry, Fallback, Metrics, Resilience],
        }
    };
}

/// Calls a macro with the pairs of one layer that alters what is stored, and one that does
/// not.
macro_rules! for_each_mixed_pair {
    ($callback:path, $($arguments:tt)*) => {
        $callback! {$($arguments)*
            cache_compress: [Cache, Compress],
            cache_dedup: [Cache, Dedup],
            cache_expiry: [Cache, Expiry],
            compress_fallback: [Compress, Fallback],
            compress_metrics: [Compress, Metrics],
            compress_resilience: [Compress, Resilience],
            dedup_fallback: [Dedup, Fallback],
            dedup_metrics: [Dedup, Metrics],
            dedup_resilience: [Dedup, Resilience],
            expiry_fallback: [Expiry, Fallback],
            expiry_metrics: [Expiry, Metrics],
            expiry_resilience: [Expiry, Resilience],
        }
    };
}

/// Makes a module for each stack, in which a macro makes tests of it.
macro_rules! test_each {
    ($tests:path, $subject:expr; $($name:ident: [$($layer:ident),+],)+) => {$(
        mod $name {
            use super::*;

            const LAYERS: &[crate::layers::Layer] = &[$(crate::layers::Layer::$layer),+];

            $tests!($subject(LAYERS));
        }
    )+};
}

/// Makes such modules for all stacks.
macro_rules! test_all {
    ($tests:path, $subject:expr) => {
        crate::each::for_each_stack_that_leaves!(crate::each::test_each, $tests, $subject;);
        crate::each::for_each_stack_that_alters!(crate::each::test_each, $tests, $subject;);
        crate::each::for_each_mixed_pair!(crate::each::test_each, $tests, $subject;);
    };
}

pub(crate) use {
    for_each_mixed_pair, for_each_stack_that_alters, for_each_stack_that_leaves, test_all,
    test_each,
};
