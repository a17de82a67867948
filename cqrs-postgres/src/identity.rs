//! Ids that are derived from names: the first half of SHA-256, so that nobody
//! can make two names meet, and a name need not be looked up to be found.

use cqrs_core::store::{StreamId, Tag};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The id of a stream: of each part its length and its bytes.
pub(crate) fn of_stream(stream: &StreamId) -> Uuid {
    let parts = [stream.tenant().as_str(), stream.category().as_str(), stream.key()];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    half(hash)
}

pub(crate) fn of_tag(tag: &str) -> Uuid {
    half(Sha256::new_with_prefix(tag))
}

pub(crate) fn of_tags<'a>(tags: impl IntoIterator<Item = &'a Tag>) -> Vec<Uuid> {
    tags.into_iter().map(|tag| of_tag(tag.as_str())).collect()
}

/// What tells things of one log from the same in another.
pub(crate) fn within(log: Uuid, id: Uuid) -> Uuid {
    half(Sha256::new_with_prefix(log).chain_update(id))
}

/// What tells logs of one database apart where only a number fits.
pub(crate) fn lock_key(log: Uuid) -> i64 {
    let (high, low) = log.as_u64_pair();
    (high ^ low).cast_signed()
}

fn half(hash: Sha256) -> Uuid {
    let hash = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_stored_logs() {
        let stream = StreamId::new("account", "4711").expect("it is a name");
        assert_eq!(of_stream(&stream).to_string(), "5bcb9165-01f1-9850-425a-d562bd71d63a");
        assert_eq!(of_tag("a:1").to_string(), "2b2c40a6-706d-9e5f-320d-553628313833");
    }

    #[test]
    fn no_part_of_a_name_reaches_into_another() {
        let stream = |category: &str, key: &str| {
            of_stream(&StreamId::new(category.to_owned(), key).expect("it is a name"))
        };
        assert_ne!(stream("ab", "c"), stream("a", "bc"));
    }
}
