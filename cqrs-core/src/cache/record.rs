//! An answer as it lies in the cache outside of the process.
//!
//! A checksum of all that follows, a line of JSON that says what it is, then the
//! answer as JSON. The line holds the marks of the answer's tags: random numbers that lie in the cache
//! themselves, each made anew when its tag is invalidated. An answer is good
//! while all its marks are the ones that lie there. A mark that is missing,
//! because the cache has forgotten it, fits no answer.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Stamp;
use crate::message::{Codec, CodecError, Json, Timestamp};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    format: u32,
    /// The Rust type, for what it is worth: another build's may have other
    /// fields under the same name.
    #[serde(borrow)]
    answer: std::borrow::Cow<'a, str>,
    expires: i64,
    position: u64,
    marks: Vec<u64>,
}

/// An answer that was read.
pub(super) struct Read<T> {
    pub(super) value: T,
    pub(super) stamp: Stamp,
    pub(super) expires: Timestamp,
}

/// What is found instead of a good answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// Its time has passed, its marks are old, or it reflects too little.
    Stale,
    /// Another build's type or format.
    Foreign,
    /// No record, or not as it was written.
    Broken,
}

/// Writes an answer.
pub(super) fn write<T: Serialize>(
    value: &T,
    stamp: Stamp,
    expires: Timestamp,
    marks: &[u64],
) -> Result<Bytes, CodecError> {
    let mut content = Vec::with_capacity(256);
    let header = Header {
        format: FORMAT,
        answer: std::any::type_name::<T>().into(),
        expires: expires.as_micros(),
        position: stamp.position(),
        marks: marks.to_vec(),
    };
    Json::encode(&header, &mut content)?;
    content.push(b'\n');
    Json::encode(value, &mut content)?;
    let mut out = format!("{:016x}", xxh3_64(&content)).into_bytes();
    out.append(&mut content);
    Ok(out.into())
}

/// Reads an answer that is good now.
pub(super) fn read<T: DeserializeOwned>(
    bytes: &[u8],
    asked: Stamp,
    now: Timestamp,
    marks: &[u64],
) -> Result<Read<T>, Bad> {
    let (checksum, content) = bytes.split_at_checked(16).ok_or(Bad::Broken)?;
    if checksum != format!("{:016x}", xxh3_64(content)).as_bytes() {
        return Err(Bad::Broken);
    }
    let line = content.iter().position(|&byte| byte == b'\n').ok_or(Bad::Broken)?;
    let (line, content) = (&content[..line], &content[line + 1..]);
    let header: Header<'_> = Json::decode(line).map_err(|_| Bad::Broken)?;
    if header.format != FORMAT || header.answer != std::any::type_name::<T>() {
        return Err(Bad::Foreign);
    }
    let stamp = Stamp::kept_at(header.position);
    let expires = Timestamp::from_micros(header.expires);
    if expires <= now || header.marks != marks || !stamp.serves(asked) {
        return Err(Bad::Stale);
    }
    let value = Json::decode(content).map_err(|_| Bad::Foreign)?;
    Ok(Read { value, stamp, expires })
}
