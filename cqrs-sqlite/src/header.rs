//! What stands in the column `header` of an event's row.
//!
//! Everything of fixed size is one column: SQLite takes longer to hand over a
//! column than this takes to read all of its fields. Numbers are
//! little-endian.
//!
//! | Bytes | Content |
//! |---|---|
//! | 1 | layout, 1 |
//! | 1 | flags: 1 if a correlation follows, 2 if a causation follows, 4 if the event has tags, 8 if it has details |
//! | 4 | number of the kind |
//! | 4 | number of the category |
//! | 8 | number of the stream |
//! | 8 | version in the stream |
//! | 8 | position of the stream's newest event before the unit, 0 for none |
//! | 8 | recorded at, microseconds since 1970 |
//! | 8 | occurred at, the same |
//! | 16 | id |
//! | 16 | correlation, if it is not the id |
//! | 16 | causation, if there is one |
//! | 4 | bytes of the details, if it has any |

use rusqlite::types::ValueRef;
use uuid::Uuid;

use crate::fault::{Fault, Outcome};

const LAYOUT: u8 = 1;
const CORRELATION: u8 = 1;
const CAUSATION: u8 = 2;
const TAGS: u8 = 4;
const DETAILS: u8 = 8;
/// Bytes of what every header has.
const FIXED: usize = 66;

/// The fields of an event's row that have a fixed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: i64,
    pub(crate) category: i64,
    pub(crate) stream: i64,
    pub(crate) version: i64,
    pub(crate) previous: i64,
    pub(crate) recorded_at: i64,
    pub(crate) occurred_at: i64,
    pub(crate) id: Uuid,
    pub(crate) correlation: Uuid,
    pub(crate) causation: Option<Uuid>,
    /// Whether the column `tags` has any.
    pub(crate) has_tags: bool,
    /// How much of the column `content` the details take.
    pub(crate) details: usize,
}

/// The bytes of a header.
pub(crate) struct Encoded {
    bytes: [u8; FIXED + 36],
    used: usize,
}

impl Encoded {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    fn put(&mut self, field: &[u8]) {
        self.bytes[self.used..][..field.len()].copy_from_slice(field);
        self.used += field.len();
    }
}

impl Header {
    pub(crate) fn encode(&self) -> Outcome<Encoded> {
        let small = |number: i64| {
            let fits = u32::try_from(number);
            fits.map_err(|_| Fault::damaged(format!("{number} is no number of a name")))
        };
        let correlation = (self.correlation != self.id).then_some(self.correlation);
        let flags = if correlation.is_some() { CORRELATION } else { 0 }
            | if self.causation.is_some() { CAUSATION } else { 0 }
            | if self.has_tags { TAGS } else { 0 }
            | if self.details > 0 { DETAILS } else { 0 };
        let mut encoded = Encoded { bytes: [0; FIXED + 36], used: 0 };
        encoded.put(&[LAYOUT, flags]);
        encoded.put(&small(self.kind)?.to_le_bytes());
        encoded.put(&small(self.category)?.to_le_bytes());
        let [stream, version, previous] = [self.stream, self.version, self.previous];
        for number in [stream, version, previous, self.recorded_at, self.occurred_at] {
            encoded.put(&number.to_le_bytes());
        }
        encoded.put(self.id.as_bytes());
        for id in [correlation, self.causation].into_iter().flatten() {
            encoded.put(id.as_bytes());
        }
        if self.details > 0 {
            let length = u32::try_from(self.details);
            let length = length.map_err(|_| Fault::damaged("details without end"))?;
            encoded.put(&length.to_le_bytes());
        }
        Ok(encoded)
    }

    #[inline]
    pub(crate) fn decode(column: ValueRef<'_>) -> Outcome<Self> {
        let bytes = column.as_blob()?;
        Self::read(bytes).ok_or_else(|| {
            Fault::damaged(format!("a header of {} bytes that is none of layout 1", bytes.len()))
        })
    }

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
        let flags = fixed[1];
        let has = |flag: u8| flags & flag != 0;
        let ids = usize::from(has(CORRELATION)) + usize::from(has(CAUSATION));
        let known = CORRELATION | CAUSATION | TAGS | DETAILS;
        let length = 16 * ids + if has(DETAILS) { 4 } else { 0 };
        if fixed[0] != LAYOUT || flags > known || rest.len() != length {
            return None;
        }
        let small = |at: usize| i64::from(u32::from_le_bytes(*part(fixed, at)));
        let number = |at: usize| i64::from_le_bytes(*part(fixed, at));
        let id = Uuid::from_bytes(*part(fixed, 50));
        let (ids, details) = rest.split_at(16 * ids);
        let mut ids = ids.chunks_exact(16);
        let mut next = || ids.next().map(|bytes| Uuid::from_bytes(*part(bytes, 0)));
        Some(Self {
            kind: small(2),
            category: small(6),
            stream: number(10),
            version: number(18),
            previous: number(26),
            recorded_at: number(34),
            occurred_at: number(42),
            id,
            correlation: if has(CORRELATION) { next()? } else { id },
            causation: if has(CAUSATION) { next() } else { None },
            has_tags: has(TAGS),
            details: details.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize),
        })
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    bytes[at..].first_chunk().expect("the length was checked")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let id = Uuid::from_u128(7);
        Header {
            kind: 3,
            category: i64::from(u32::MAX),
            stream: 1 << 40,
            version: 5,
            previous: 9,
            recorded_at: -1,
            occurred_at: i64::MIN,
            id,
            correlation: id,
            causation: None,
            has_tags: false,
            details: 0,
        }
    }

    #[test]
    fn headers_read_back_with_and_without_what_may_be_missing() {
        for correlation in [Uuid::from_u128(7), Uuid::from_u128(8)] {
            for causation in [None, Some(Uuid::from_u128(9))] {
                for (has_tags, details) in [(false, 0), (true, 0), (false, 1), (true, 1 << 30)] {
                    let header = Header { correlation, causation, has_tags, details, ..header() };
                    let encoded = header.encode().expect("it can be encoded");
                    assert_eq!(Header::read(encoded.as_bytes()), Some(header));
                }
            }
        }
    }

    #[test]
    fn bytes_of_another_length_or_layout_are_no_header() {
        let encoded = header().encode().expect("it can be encoded");
        let bytes = encoded.as_bytes();
        assert_eq!(Header::read(&bytes[1..]), None);
        assert_eq!(Header::read(&[bytes, &[0; 16]].concat()), None);
        assert_eq!(Header::read(&[&[1, 8], &bytes[2..], &[0; 3]].concat()), None);
        assert_eq!(Header::read(&[&[2], &bytes[1..]].concat()), None);
        assert_eq!(Header::read(&[&[1, 16], &bytes[2..]].concat()), None);
    }

    #[test]
    fn a_number_that_has_no_room_is_refused() {
        let header = Header { kind: 1 << 32, ..header() };
        assert!(header.encode().is_err());
    }
}
