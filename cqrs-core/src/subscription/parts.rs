//! The parts of an event handler, which processes share.

use std::sync::Arc;

use crate::store::{CheckpointName, StreamId};

/// The names of the parts of a handler: its own if it has only one.
pub(crate) fn part_names(handler: &str, parts: usize) -> impl Iterator<Item = Arc<str>> {
    (0..parts.max(1)).map(move |part| match parts {
        0 | 1 => handler.into(),
        _ => format!("{handler}/{part}of{parts}").into(),
    })
}

/// Where the place of a part is kept.
pub(crate) fn checkpoint_of(part: &str) -> CheckpointName {
    format!("event handler {part}").into()
}

/// Which of so many parts a stream belongs to. The same for
/// every process and for ever: a part has a place of its own.
pub(super) fn part_of(stream: &StreamId, parts: usize) -> usize {
    if parts <= 1 { 0 } else { part_of_hash(hash(stream), parts) }
}

pub(super) fn part_of_hash(hash: u64, parts: usize) -> usize {
    one_of(parts, hash & 0xffff_ffff)
}

/// Which of so many lanes it belongs to, whatever its part is.
pub(super) fn lane_of(stream: &StreamId, lanes: usize) -> usize {
    if lanes <= 1 { 0 } else { one_of(lanes, hash(stream) >> 32) }
}

fn one_of(count: usize, hash: u64) -> usize {
    (hash % count.max(1) as u64) as usize
}

/// The hash that parts and lanes follow from; it stays as it is.
pub(super) fn hash(stream: &StreamId) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
    for piece in [stream.tenant().as_str(), stream.category().as_str(), stream.key()] {
        hash.update(piece.as_bytes());
        hash.update(&[0]);
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_of_a_part_are_spread_over_all_lanes() {
        let stream = |key: u32| StreamId::new("account", key.to_string()).unwrap();
        for part in 0..4 {
            let ours = (0..1_000).map(stream).filter(|stream| part_of(stream, 4) == part);
            let mut lanes = [0; 4];
            ours.for_each(|stream| lanes[lane_of(&stream, 4)] += 1);
            assert!(lanes.iter().all(|count| (30..100).contains(count)), "{lanes:?}");
        }
    }

    #[test]
    fn the_part_of_a_stream_is_the_same_for_ever() {
        let parts = ["1", "2", "3", "4711", "x"].map(|key| {
            let tenant = crate::message::TenantId::from("acme".to_owned());
            part_of(&StreamId::of_tenant(tenant, "account", key).unwrap(), 16)
        });
        assert_eq!(parts, [13, 10, 9, 6, 5]);
    }
}
