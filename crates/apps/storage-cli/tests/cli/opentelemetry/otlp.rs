//! What an export request says, read by the numbers of its fields in
//! <https://github.com/open-telemetry/opentelemetry-proto> (`trace/v1/trace.proto`).

use std::collections::BTreeMap;

/// A span.
#[derive(Debug, Default)]
pub(super) struct Span {
    /// Who sent it.
    pub(super) service: String,
    pub(super) trace: Vec<u8>,
    pub(super) id: Vec<u8>,
    pub(super) parent: Vec<u8>,
    pub(super) name: String,
    /// Nanoseconds since 1970.
    pub(super) begins: u64,
    pub(super) ends: u64,
    attributes: BTreeMap<String, String>,
}

impl Span {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// The spans of some requests (`ExportTraceServiceRequest`).
pub(super) fn spans<'a>(requests: impl Iterator<Item = &'a [u8]>) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource_spans in requests.flat_map(|request| messages(request, 1)) {
        let resource = messages(resource_spans, 1).pop().unwrap_or_default();
        let service = attributes(resource, 1).remove("service.name");
        let service = service.unwrap_or_default();
        for scope_spans in messages(resource_spans, 2) {
            for span in messages(scope_spans, 2) {
                spans.push(read(span, service.clone()));
            }
        }
    }
    spans
}

fn read(message: &[u8], service: String) -> Span {
    let bytes = |number| messages(message, number).pop().unwrap_or_default().to_vec();
    Span {
        service,
        trace: bytes(1),
        id: bytes(2),
        parent: bytes(4),
        name: text(&bytes(5)),
        begins: number(message, 7),
        ends: number(message, 8),
        attributes: attributes(message, 9),
    }
}

/// Attributes (`KeyValue`); of those whose value is no text, it is empty.
fn attributes(message: &[u8], number: u64) -> BTreeMap<String, String> {
    let pair = |pair: &[u8]| {
        let name = text(messages(pair, 1).pop().unwrap());
        let value = messages(pair, 2).pop().unwrap_or_default();
        (name, text(messages(value, 1).pop().unwrap_or_default()))
    };
    messages(message, number).into_iter().map(pair).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A field of a message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message that have this number and hold bytes: messages and texts.
fn messages(message: &[u8], number: u64) -> Vec<&[u8]> {
    let of_number = fields(message).into_iter().filter(|(of, _)| *of == number);
    of_number
        .filter_map(|(_, field)| match field {
            Field::Bytes(bytes) => Some(bytes),
            Field::Number(_) => None,
        })
        .collect()
}

fn number(message: &[u8], number: u64) -> u64 {
    let found = fields(message).into_iter().find(|(of, _)| *of == number);
    match found {
        Some((_, Field::Number(value))) => value,
        _ => 0,
    }
}

/// All fields, as <https://protobuf.dev/programming-guides/encoding/> has them.
fn fields(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut rest)),
            1 => Field::Number(u64::from_le_bytes(take(&mut rest, 8).try_into().unwrap())),
            2 => {
                let length = usize::try_from(varint(&mut rest)).unwrap();
                Field::Bytes(take(&mut rest, length))
            }
            5 => {
                let bytes = take(&mut rest, 4).try_into().unwrap();
                Field::Number(u32::from_le_bytes(bytes).into())
            }
            other => panic!("no message has a field of type {other}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}
