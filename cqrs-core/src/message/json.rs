//! Text without a character that JSON escapes, written in one piece.
//!
//! `serde_json` looks at each byte of a text in turn, which is most of the cost
//! of an event with a few words in it. Here a text is looked at in blocks, and
//! one that needs no escape reaches the formatter as bytes: the one way there
//! that does not look again.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// Writes compact JSON, and bytes as a text of plain characters.
pub(super) struct PlainText;

impl Formatter for PlainText {
    #[inline]
    fn write_byte_array<W: ?Sized + Write>(&mut self, out: &mut W, text: &[u8]) -> io::Result<()> {
        out.write_all(b"\"")?;
        out.write_all(text)?;
        out.write_all(b"\"")
    }
}

/// Whether JSON escapes none of the characters.
#[inline]
pub(super) fn is_plain(text: &str) -> bool {
    let is_escaped = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
    // No branch within a block of known size: it is compared in one step.
    let is_plain = |block: &[u8; 16]| !block.iter().fold(false, |any, byte| any | is_escaped(byte));
    let (blocks, rest) = text.as_bytes().as_chunks();
    blocks.iter().all(is_plain)
        && match text.as_bytes().last_chunk() {
            Some(last) => is_plain(last),
            None => !rest.iter().any(is_escaped),
        }
}

#[cfg(test)]
mod tests {
    use super::is_plain;
    use crate::message::{Codec, Json};

    fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
        let mut out = Vec::new();
        Json::encode(value, &mut out).expect("it can be encoded");
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn every_character_is_written_as_serde_json_writes_it() {
        let characters = (0..0x300).filter_map(char::from_u32).chain(['\u{2028}', '\u{1f600}']);
        for character in characters {
            for (place, length) in
                [(0, 0), (3, 14), (0, 71), (15, 16), (16, 16), (33, 47), (70, 71)]
            {
                let mut text = "x".repeat(length);
                text.insert(place, character);
                let expected = serde_json::to_string(&text).expect("it is text");
                assert_eq!(json(&text), expected);
                assert_eq!(is_plain(&text), expected == format!("\"{text}\""));
            }
        }
        assert_eq!(json(""), "\"\"");
    }

    #[derive(serde::Serialize)]
    enum Unit {
        Plain,
    }

    #[derive(serde::Serialize)]
    struct All<'a> {
        unit: Unit,
        bytes: Bytes<'a>,
        character: char,
        raw: [Box<serde_json::value::RawValue>; 2],
        value: serde_json::Value,
        keys: std::collections::BTreeMap<&'a str, &'a str>,
        #[serde(flatten)]
        flat: std::collections::BTreeMap<&'a str, &'a str>,
    }

    struct Bytes<'a>(&'a [u8]);

    impl serde::Serialize for Bytes<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }

    #[test]
    fn other_values_are_written_as_serde_json_writes_them() {
        let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned());
        for bytes in [&b""[..], b"a", b"text"] {
            let all = All {
                unit: Unit::Plain,
                bytes: Bytes(bytes),
                character: 'x',
                raw: [r#"{"a": "b",  "c": [1]}"#, "[1,  2]"]
                    .map(|text| raw(text).expect("it is JSON")),
                value: serde_json::json!({"n": 1.5, "t": ["plain", "\n"]}),
                keys: [("plain", "text"), ("\"", "\\")].into(),
                flat: [("other", "text")].into(),
            };
            assert_eq!(json(&all), serde_json::to_string(&all).expect("it can be encoded"));
        }
    }
}
