//! The header as text. `docs/formats/header.md` is its specification.

use std::str;

use super::{Ancestor, StoreHeader, StoredLayer};
use crate::{Error, ErrorKind, Result, Sequence, layer::LayerFormat};

const TITLE: &str = "storage header ";
const ID: &str = "id ";
const PARENT: &str = "parent ";
const LAYER: &str = "layer ";
const CHECKSUM: &str = "crc32 ";

/// The one text that says what `header` says.
pub(super) fn encode(header: &StoreHeader) -> String {
    let mut lines = vec![
        format!("{TITLE}{}", StoreHeader::VERSION),
        format!("{ID}{}", header.id),
    ];
    let parents = header.lineage.iter();
    lines.extend(parents.map(|parent| format!("{PARENT}{}@{}", parent.id, parent.sequence)));
    lines.extend(header.layers.iter().map(layer_line));
    let body = lines.join("\n") + "\n";
    let checksum = crc32fast::hash(body.as_bytes());
    format!("{body}{CHECKSUM}{checksum:08x}\n")
}

fn layer_line(StoredLayer { name, format }: &StoredLayer) -> String {
    let line = format!("{LAYER}{name} {}", format.version);
    if format.detail.is_empty() {
        return line;
    }
    format!("{line} {}", escape(&format.detail))
}

/// What `stored` says.
///
/// # Errors
/// `Corrupt` if it is not what [`encode`] writes, `Unsupported` if it is of a
/// newer version.
pub(super) fn decode(stored: &[u8]) -> Result<StoreHeader> {
    let text = str::from_utf8(stored).map_err(|_| corrupt("it is not text"))?;
    let body = checked_body(text).ok_or_else(|| corrupt("its checksum is wrong"))?;
    let mut lines = body.split_terminator('\n');
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix(TITLE)?.parse::<u32>().ok())
        .ok_or_else(|| corrupt("its first line is not a version"))?;
    if version > StoreHeader::VERSION {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the store was written by a newer version; upgrade: \
                 its header is of version {version}, this library reads up to {}",
                StoreHeader::VERSION
            ),
        ));
    }
    let header = parse(lines).ok_or_else(|| corrupt("a line is not what it should be"))?;
    // There is one way to write a header; anything else was not written by us.
    if encode(&header).as_bytes() == stored {
        Ok(header)
    } else {
        Err(corrupt("it is not in its one proper form"))
    }
}

/// All lines but the last, if the last is their checksum.
fn checked_body(text: &str) -> Option<&str> {
    let (body, checksum) = text.rsplit_once(CHECKSUM)?;
    let checksum = u32::from_str_radix(checksum.strip_suffix('\n')?, 16).ok()?;
    (crc32fast::hash(body.as_bytes()) == checksum).then_some(body)
}

fn parse<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<StoreHeader> {
    let mut header = StoreHeader {
        id: lines.next()?.strip_prefix(ID)?.parse().ok()?,
        lineage: Vec::new(),
        layers: Vec::new(),
    };
    for line in lines {
        if let Some(parent) = line.strip_prefix(PARENT) {
            header.lineage.push(parse_parent(parent)?);
        } else {
            header.layers.push(parse_layer(line.strip_prefix(LAYER)?)?);
        }
    }
    Some(header)
}

fn parse_parent(text: &str) -> Option<Ancestor> {
    let (id, sequence) = text.split_once('@')?;
    let sequence = Sequence::new(sequence.parse().ok()?);
    Some(Ancestor::new(id.parse().ok()?, sequence))
}

fn parse_layer(text: &str) -> Option<StoredLayer> {
    let (name, format) = text.split_once(' ')?;
    let (version, detail) = format.split_once(' ').unwrap_or((format, ""));
    let format = LayerFormat::new(version.parse().ok()?, unescape(detail)?);
    Some(StoredLayer::new(name, format))
}

fn escape(detail: &str) -> String {
    detail.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescape(escaped: &str) -> Option<String> {
    let mut detail = String::with_capacity(escaped.len());
    let mut characters = escaped.chars();
    while let Some(character) = characters.next() {
        detail.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(detail)
}

fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("the header of the store is damaged: {what}; restore it from a backup"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreId;

    /// The example of `docs/formats/header.md`. It must decode for ever.
    const GOLDEN: &str = include_str!("golden_v1.txt");

    fn golden() -> StoreHeader {
        StoreHeader {
            id: StoreId::from_bytes(
                *b"\x01\x23\x45\x67\x89\xab\x4d\xef\x81\x23\x45\x67\x89\xab\xcd\xef",
            ),
            lineage: vec![Ancestor::new(
                StoreId::from_bytes([0x11; 16]),
                Sequence::new(42),
            )],
            layers: vec![
                StoredLayer::new("dedup", LayerFormat::new(2, "hash=blake3 a\\b\nc")),
                StoredLayer::new("compress", LayerFormat::new(1, "")),
            ],
        }
    }

    #[test]
    fn the_stored_form_is_the_documented_one() {
        assert_eq!(encode(&golden()), GOLDEN);
        assert_eq!(decode(GOLDEN.as_bytes()).unwrap(), golden());
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        for index in 0..GOLDEN.len() {
            for flip in [0x01, 0x20, 0x80] {
                let mut bytes = GOLDEN.as_bytes().to_vec();
                bytes[index] ^= flip;
                let error = decode(&bytes).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {index}");
            }
        }
        for length in 0..GOLDEN.len() {
            let error = decode(&GOLDEN.as_bytes()[..length]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "length {length}");
        }
    }

    #[test]
    fn a_header_in_another_form_is_corrupt_though_its_checksum_is_right() {
        let id = "01234567-89ab-4def-8123-456789abcdef";
        for body in [
            String::new(),
            "storage header 1\n".into(),
            "storage header one\n".into(),
            format!("storage header 01\nid {id}\n"),
            format!("storage header 1\nid {}\n", id.to_uppercase()),
            format!("storage header 1\nid {id}\nlayer compress\n"),
            format!("storage header 1\nid {id}\nlayer compress 1 \n"),
            format!("storage header 1\nid {id}\nlayer compress 1 a\\x\n"),
            format!("storage header 1\nid {id}\nparent {id}\n"),
            format!("storage header 1\nid {id}\nlayer x 1\nparent {id}@1\n"),
            format!("storage header 1\nid {id}\nnews\n"),
        ] {
            let error = decode(sealed(&body).as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{body}");
        }
    }

    #[test]
    fn a_newer_header_asks_for_an_upgrade() {
        let error = decode(sealed("storage header 2\nmood cheerful\n").as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("upgrade"), "{error}");
    }

    fn sealed(body: &str) -> String {
        format!("{body}crc32 {:08x}\n", crc32fast::hash(body.as_bytes()))
    }

    mod fuzzed {
        use storage_testkit::fuzz::decoder;

        use super::*;

        /// The lines that the checksum is of.
        fn bodies() -> [Vec<u8>; 1] {
            [checked_body(GOLDEN).unwrap().as_bytes().to_vec()]
        }

        // Signed anew, so that the lines are read.
        #[test]
        fn a_header_is_what_would_be_written() {
            decoder(bodies(), |body| {
                let checksum = crc32fast::hash(body);
                let text = [body, format!("{CHECKSUM}{checksum:08x}\n").as_bytes()].concat();
                if let Ok(header) = decode(&text) {
                    assert_eq!(encode(&header).as_bytes(), text);
                }
            });
        }
    }
}
