//! Entries as JSON objects, as `scan --json` shows them and JSON Lines hold
//! them.
//!
//! Bytes under a field `f` are a string where they are UTF-8. Where they are
//! not, or with `--hex`, they are hexadecimal digits under `f_hex`. Reading
//! takes both, so nothing is lost in between.

use serde_json::{Map, Value};
use storage::{Entry, Timestamp};

use crate::{hexadecimal, notation::Notation};

pub(crate) const KEY: &str = "key";
pub(crate) const VALUE: &str = "value";
/// When the entry expires, in milliseconds since 1970 UTC.
pub(crate) const EXPIRES: &str = "expires";

/// One JSON object.
pub(crate) type Record = Map<String, Value>;

/// The record of a key alone.
pub(crate) fn of_key(key: &[u8], notation: Notation) -> Record {
    let mut record = Record::new();
    insert(&mut record, KEY, key, notation);
    record
}

/// The record of a key and its entry.
pub(crate) fn of_entry(key: &[u8], entry: &Entry, notation: Notation) -> Record {
    let mut record = of_key(key, notation);
    insert(&mut record, VALUE, entry.value(), notation);
    if let Some(expires) = entry.expires() {
        record.insert(EXPIRES.to_owned(), expires.as_unix_milliseconds().into());
    }
    record
}

fn insert(record: &mut Record, field: &str, bytes: &[u8], notation: Notation) {
    match (notation, str::from_utf8(bytes)) {
        (Notation::Plain, Ok(text)) => record.insert(field.to_owned(), text.into()),
        _ => record.insert(hexadecimal_field(field), hexadecimal::encode(bytes).into()),
    };
}

/// The key under `field` of somebody's own record: as [`bytes`], or the digits of
/// a whole number. The parser keeps no others as they were written, so that two
/// of them could become one key.
pub(crate) fn key(record: &Record, field: &str) -> Result<Vec<u8>, FieldError> {
    match record.get(field) {
        Some(Value::Number(number)) if number.is_u64() || number.is_i64() => {
            Ok(number.to_string().into_bytes())
        }
        Some(Value::Number(_)) => Err(FieldError::NotExact(field.to_owned())),
        Some(Value::String(_)) | None => bytes(record, field),
        Some(_) => Err(FieldError::NotKey(field.to_owned())),
    }
}

/// The bytes under `field`, as an export writes them.
pub(crate) fn bytes(record: &Record, field: &str) -> Result<Vec<u8>, FieldError> {
    match record.get(field) {
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(_) => Err(FieldError::NotText(field.to_owned())),
        None => {
            let field_hex = hexadecimal_field(field);
            match record.get(&field_hex) {
                Some(Value::String(digits)) => hexadecimal::decode(digits.as_bytes())
                    .ok_or(FieldError::NotHexadecimal(field_hex)),
                Some(_) => Err(FieldError::NotHexadecimal(field_hex)),
                None => Err(FieldError::Missing(field.to_owned())),
            }
        }
    }
}

/// When the record says it expires.
pub(crate) fn expires(record: &Record) -> Result<Option<Timestamp>, FieldError> {
    let Some(value) = record.get(EXPIRES) else {
        return Ok(None);
    };
    match value.as_u64() {
        Some(milliseconds) => Ok(Some(Timestamp::from_unix_milliseconds(milliseconds))),
        None => Err(FieldError::NotMilliseconds),
    }
}

fn hexadecimal_field(field: &str) -> String {
    format!("{field}_hex")
}

/// What is wrong with a field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FieldError {
    Missing(String),
    NotText(String),
    NotKey(String),
    NotExact(String),
    NotHexadecimal(String),
    NotMilliseconds,
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "the field `{field}` is missing"),
            Self::NotText(field) => write!(f, "the field `{field}` is no string"),
            Self::NotKey(field) => write!(f, "the field `{field}` is no string or number"),
            Self::NotExact(field) => write!(
                f,
                "the field `{field}` is a number that cannot be kept digit for digit"
            ),
            Self::NotHexadecimal(field) => {
                write!(f, "the field `{field}` is no string of hexadecimal digits")
            }
            Self::NotMilliseconds => write!(
                f,
                "the field `{EXPIRES}` is no number of milliseconds since 1970"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::Stamp;

    #[test]
    fn any_bytes_survive_in_either_notation() {
        for bytes in [&b""[..], b"plain", b"\0\"\\\n", b"\xFF\x00", "ü".as_bytes()] {
            for notation in [Notation::Plain, Notation::Hexadecimal] {
                let entry = Entry::new(
                    bytes.to_vec().into(),
                    Some(Timestamp::from_unix_milliseconds(7)),
                    Stamp::none(),
                );
                let line = Value::Object(of_entry(bytes, &entry, notation)).to_string();
                let record: Record = serde_json::from_str(&line).unwrap();
                assert_eq!(super::bytes(&record, KEY).unwrap(), bytes);
                assert_eq!(super::bytes(&record, VALUE).unwrap(), bytes);
                assert_eq!(expires(&record).unwrap(), entry.expires());
            }
        }
    }

    #[test]
    fn a_field_that_is_no_bytes_is_refused() {
        let record: Record =
            serde_json::from_str(r#"{"a":[1],"b_hex":"0g","c":7,"expires":"soon"}"#).unwrap();
        assert_eq!(bytes(&record, "a"), Err(FieldError::NotText("a".into())));
        assert_eq!(
            bytes(&record, "b"),
            Err(FieldError::NotHexadecimal("b_hex".into()))
        );
        assert_eq!(bytes(&record, "c"), Err(FieldError::NotText("c".into())));
        assert_eq!(bytes(&record, "d"), Err(FieldError::Missing("d".into())));
        assert_eq!(expires(&record), Err(FieldError::NotMilliseconds));
    }
    #[test]
    fn a_number_is_a_key_only_if_none_of_its_digits_is_lost() {
        let key_of = |number: &str| {
            let record: Record = serde_json::from_str(&format!(r#"{{"id":{number}}}"#)).unwrap();
            key(&record, "id")
        };
        for number in ["0", "-9223372036854775808", "18446744073709551615"] {
            assert_eq!(key_of(number), Ok(number.as_bytes().to_vec()));
        }
        for number in ["123456789012345678901234567890", "1e2", "1.0", "-0", "0.1"] {
            assert_eq!(
                key_of(number),
                Err(FieldError::NotExact("id".into())),
                "{number}"
            );
        }
        assert_eq!(key_of("true"), Err(FieldError::NotKey("id".into())));
    }
}
