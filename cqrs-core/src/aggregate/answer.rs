//! What a caller gets, and gets again for an operation that has run before.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Aggregate, Decides, InvalidId, LoadError};
use crate::bus::{BusError, CommandError, Context};
use crate::command::Command;
use crate::message::{Codec, CodecError, Json};
use crate::store::Commit;

pub(super) type Answer<A, C> =
    Result<<A as Decides<C>>::Value, CommandError<<A as Aggregate>::Error>>;

/// XXH3-128 over the command's name and content.
pub(super) fn fingerprint<C: Command>(command: &C) -> Result<u128, CodecError> {
    let mut bytes = C::NAME.as_bytes().to_vec();
    bytes.push(0);
    Json::encode(command, &mut bytes)?;
    Ok(xxhash_rust::xxh3::xxh3_128(&bytes))
}

pub(super) fn encode_reply<V: Serialize>(value: &V) -> Result<Bytes, BusError> {
    if size_of::<V>() == 0 {
        return Ok(Bytes::new());
    }
    let mut out = Vec::new();
    Json::encode(value, &mut out).map_err(|source| BusError::Encode {
        event_type: "the command's answer".to_owned(),
        source,
    })?;
    Ok(out.into())
}

fn decode_reply<V: DeserializeOwned>(reply: &[u8]) -> Result<V, CodecError> {
    Json::decode(if reply.is_empty() { b"null" } else { reply })
}

/// The recorded outcome of an operation that has committed before.
pub(super) fn answer_again<A: Decides<C>, C>(
    commit: Commit,
    fingerprint: u128,
    ctx: &Context,
) -> Answer<A, C> {
    let operation = commit.operation();
    if commit.fingerprint() != fingerprint {
        return Err(BusError::OperationReused { operation }.into());
    }
    let value = decode_reply(commit.reply()).map_err(|source| BusError::Encode {
        event_type: "the recorded answer".to_owned(),
        source,
    })?;
    ctx.committed(commit.repeated());
    Ok(value)
}

impl From<InvalidId> for BusError {
    fn from(error: InvalidId) -> Self {
        LoadError::from(error).into()
    }
}
