//! What the server answers to a group of commits, and notes of it.

use deadpool_redis::redis::{FromRedisValue, ParsingError, Value};

/// The answer to a group: the number of the attempt, the server's time in
/// seconds, the sequence of the first member, and for each member that was not
/// applied two numbers more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The sequence of the first member; the others follow.
    pub(super) first: u64,
    pub(super) refused: Vec<(usize, Reason)>,
}

/// Why a member was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// One of its guards does not hold.
    Guard(usize),
    /// The value that one of its guards is about is damaged.
    Damaged(usize),
    /// Its ranges hold too many entries.
    Ranges {
        /// How many.
        entries: u64,
    },
}

impl Answer {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ').skip(2);
        let first = words.next()?.parse().ok()?;
        let mut refused = Vec::new();
        while let Some(member) = words.next() {
            refused.push((member.parse().ok()?, Reason::parse(words.next()?)?));
        }
        Some(Self { first, refused })
    }
}

impl Reason {
    fn parse(word: &str) -> Option<Self> {
        if let Some(guard) = word.strip_prefix('D') {
            return guard.parse().ok().map(Self::Damaged);
        }
        let number: i64 = word.parse().ok()?;
        Some(match usize::try_from(number) {
            Ok(guard) => Self::Guard(guard),
            Err(_) => Self::Ranges {
                entries: number.unsigned_abs() - 1,
            },
        })
    }
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let text = String::from_redis_value(value)?;
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no answer to a commit").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_the_script_writes_it() {
        let answer = Answer::parse("7 1700000000 41 1 0 2 -11 3 D2").unwrap();
        let refused = vec![
            (1, Reason::Guard(0)),
            (2, Reason::Ranges { entries: 10 }),
            (3, Reason::Damaged(2)),
        ];
        assert_eq!(answer, Answer { first: 41, refused });
        assert!(Answer::parse("7 1700000000 41").unwrap().refused.is_empty());
        for damaged in ["", "7", "7 1 x", "7 1 4 1", "7 1 4 1 x"] {
            assert_eq!(Answer::parse(damaged), None, "{damaged}");
        }
    }
}
