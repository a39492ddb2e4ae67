//! How long an entry lives whose writer does not say.

use std::time::Duration;

use bytes::Bytes;

use crate::ExpiryConfig;

/// The rules, the longest prefix first.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<(Bytes, Option<Duration>)>,
    default: Option<Duration>,
}

impl Rules {
    pub(crate) fn of(config: &ExpiryConfig) -> Self {
        let rule = |rule: &crate::Rule| (rule.scope.prefix(), rule.time_to_live);
        let mut rules: Vec<_> = config.rules.iter().map(rule).collect();
        // Of two that are equally long the later one counts, as if it had been put.
        rules.reverse();
        rules.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self {
            rules,
            default: config.default_time_to_live,
        }
    }

    /// How long an entry of the user key `key` lives; `None` for good.
    pub(crate) fn time_to_live(&self, key: &[u8]) -> Option<Duration> {
        let matching = self
            .rules
            .iter()
            .find(|(prefix, _)| key.starts_with(prefix));
        matching.map_or(self.default, |(_, time)| *time)
    }
}

#[cfg(test)]
mod tests {
    use storage_core::Namespace;

    use super::*;

    #[test]
    fn the_longest_rule_counts() {
        let config = ExpiryConfig::new()
            .default_time_to_live(Duration::from_secs(1))
            .of_prefix("a", Duration::from_secs(2))
            .of_prefix("abc", None)
            .of_prefix("ab", Duration::from_secs(3))
            .of_prefix("ab", Duration::from_secs(4))
            .of_namespace(["n", "m"], Duration::from_secs(5));
        let rules = Rules::of(&config);
        let within = Namespace::root().child("n").child("m").child("o").key("k");
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (key, expected) in [
            (&b""[..], seconds(1)),
            (b"b", seconds(1)),
            (b"a", seconds(2)),
            (b"abx", seconds(4)),
            (b"abcd", None),
            (within.bytes(), seconds(5)),
        ] {
            assert_eq!(rules.time_to_live(key), expected, "{key:?}");
        }
    }
}
