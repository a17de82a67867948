//! Finding things by the names that an application gives them.

use std::hash::Hasher;

use xxhash_rust::xxh3::xxh3_64;

/// Hashes the names in a table that outsiders look into and add nothing to:
/// it needs no secret. A name is written in one piece; the byte that text
/// puts behind it tells nothing.
#[derive(Default)]
pub(crate) struct NameHash(u64);

impl Hasher for NameHash {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= xxh3_64(bytes);
    }

    #[inline]
    fn write_u8(&mut self, _: u8) {}
}
