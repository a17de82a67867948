//! Typed identifiers, and the generator of the time-ordered ones.
//!
//! Identifiers are UUIDv7 (RFC 9562): 48 bits of milliseconds, then 12 bits
//! of a fraction of the millisecond (method 3 of its section 6.2) that also
//! serve as the counter, then 62 bits that differ between processes. One
//! atomic step makes an id; the system's random source is asked once a
//! process. UUIDv7 orders within one process only: it is never a position.

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// Makes identifiers. Tests replace it by a counter.
///
/// `now` is a time that the caller has already read, so that an id costs no
/// second look at the clock.
pub trait IdGenerator: Send + Sync + 'static {
    /// The next identifier, unlike every other one.
    fn next(&self, now: Timestamp) -> Uuid;
}

/// The default generator: UUIDv7, strictly increasing within one generator.
#[derive(Debug)]
pub struct UuidV7 {
    last: AtomicU64,
    seed: u64,
}

/// Identifiers in the layout of ULID: 48 bits of milliseconds, then 80 that
/// differ, strictly increasing within one generator. For those who sort them
/// beside ULIDs of other systems; the type is a UUID all the same.
#[derive(Debug, Default)]
pub struct Ulid(UuidV7);

/// Identifiers without order (version 4 layout) from the same cheap source,
/// where an id must not tell when it was made.
#[derive(Debug)]
pub struct RandomIds {
    counter: AtomicU64,
    seed: [u64; 2],
}

fn system_random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", 2014): a bijection that spreads every bit.
pub(crate) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl UuidV7 {
    /// A generator seeded from the system's random source.
    #[must_use]
    pub fn new() -> Self {
        Self::seeded(system_random())
    }

    /// A generator whose ids depend on the seed and the times alone.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { last: AtomicU64::new(0), seed: mix(seed ^ 0x9e37_79b9_7f4a_7c15) }
    }
}

impl Default for UuidV7 {
    fn default() -> Self {
        Self::new()
    }
}

impl IdGenerator for UuidV7 {
    fn next(&self, now: Timestamp) -> Uuid {
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        let (millis, rest) = (micros / 1000, micros % 1000);
        let tick = (millis << 12) | (rest * 4096 / 1000);
        let step = |last: u64| Some(tick.max(last + 1));
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .expect("the step always yields a value");
        let tick = tick.max(last + 1);
        let high = ((tick >> 12) << 16) | 0x7000 | (tick & 0xfff);
        let low = (mix(self.seed.wrapping_add(tick.wrapping_mul(0x9e37_79b9_7f4a_7c15))) >> 2)
            | 0x8000_0000_0000_0000;
        Uuid::from_u64_pair(high, low)
    }
}

impl Ulid {
    /// A generator seeded from the system's random source.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl IdGenerator for Ulid {
    fn next(&self, now: Timestamp) -> Uuid {
        let (high, low) = self.0.next(now).as_u64_pair();
        // Out come the version and the variant, six bits that ULID does not
        // have: the counter moves up, and the low bits fill from the seed.
        let counter = (high & 0xfff) << 4 | (low >> 58 & 0xf);
        Uuid::from_u64_pair(high & !0xffff | counter, low << 6 | mix(low) >> 58)
    }
}

impl RandomIds {
    /// A generator seeded from the system's random source.
    #[must_use]
    pub fn new() -> Self {
        Self { counter: AtomicU64::new(0), seed: [system_random(), system_random()] }
    }
}

impl Default for RandomIds {
    fn default() -> Self {
        Self::new()
    }
}

impl IdGenerator for RandomIds {
    fn next(&self, _now: Timestamp) -> Uuid {
        let n = self.counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let high = (mix(self.seed[0].wrapping_add(n)) & !0xf000) | 0x4000;
        let low = (mix(self.seed[1].wrapping_add(n)) >> 2) | 0x8000_0000_0000_0000;
        Uuid::from_u64_pair(high, low)
    }
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(with = "uuid_text")] Uuid);

        impl $name {
            /// Wraps a UUID of any version.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self { Self(uuid) }
        }
    )*};
}

mod uuid_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Uuid, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

uuid_ids! {
    /// Identifies one command or query as it was sent.
    MessageId;
    /// Identifies one recorded event.
    EventId;
    /// Shared by everything that follows from one request at the edge.
    CorrelationId;
    /// The message or event that directly caused this one.
    CausationId;
    /// Identifies one unit of work, so that an outcome in doubt can be
    /// resolved and a repeated request is recognised.
    OperationId;
}

impl OperationId {
    /// The id that a name always gives, such as a row of a file or a message
    /// of another system: `OperationId::derived("ledger", "row 17")`. It is a
    /// version 8 UUID over XXH3-128 of both.
    #[must_use]
    pub fn derived(namespace: &str, name: impl fmt::Display) -> Self {
        let text = format!("{}\0{namespace}\0{name}", namespace.len());
        let hash = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
        Self(uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid())
    }
}

impl From<MessageId> for CausationId {
    fn from(id: MessageId) -> Self {
        Self(id.0)
    }
}

impl From<EventId> for CausationId {
    fn from(id: EventId) -> Self {
        Self(id.0)
    }
}

impl From<MessageId> for CorrelationId {
    fn from(id: MessageId) -> Self {
        Self(id.0)
    }
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it is; stores check its length and characters.
            #[must_use]
            pub fn new(text: impl Into<Arc<str>>) -> Self { Self(text.into()) }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Debug::fmt(&*self.0, f) }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self { Self::new(text) }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self { Self::new(text) }
        }
    )*};
}

text_ids! {
    /// Who acts: a user, a service, a job.
    ActorId;
    /// Whose data it is. Part of every stream's key; an application with one
    /// tenant uses the default, the empty text.
    TenantId;
}

impl TenantId {
    /// The one tenant of an application that has one.
    pub(crate) fn single() -> &'static Self {
        static SINGLE: std::sync::LazyLock<TenantId> =
            std::sync::LazyLock::new(|| TenantId::new(""));
        &SINGLE
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self::single().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_of_one_thread_strictly_increase_and_are_version_7() {
        let ids = UuidV7::new();
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let mut last = Uuid::nil();
        for _ in 0..10_000 {
            let id = ids.next(now);
            assert!(id > last);
            assert_eq!(id.get_version_num(), 7);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            last = id;
        }
    }

    #[test]
    fn ids_increase_when_the_clock_steps_back() {
        let ids = UuidV7::new();
        let first = ids.next(Timestamp::from_micros(2_000_000));
        let second = ids.next(Timestamp::from_micros(1_000_000));
        assert!(second > first);
    }

    /// With ten million ids, in seconds:
    ///
    /// ```sh
    /// ID_TEST_COUNT=10000000 cargo test --release -p cqrs-core sixteen_threads
    /// ```
    #[test]
    #[expect(clippy::disallowed_methods, reason = "how long the test runs is no setting")]
    fn sixteen_threads_make_no_id_twice() {
        let count = std::env::var("ID_TEST_COUNT")
            .map_or(320_000, |count| count.parse().expect("ID_TEST_COUNT is a number of ids"));
        let ids = Arc::new(UuidV7::new());
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let ids = Arc::clone(&ids);
                std::thread::spawn(move || {
                    (0..count / 16).map(|_| ids.next(now)).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(count);
        for thread in threads {
            let made = thread.join().expect("the thread ends");
            assert!(made.is_sorted_by(|one, next| one < next));
            all.extend(made);
        }
        assert_eq!(all.len(), count / 16 * 16);
        all.sort_unstable();
        assert!(all.is_sorted_by(|one, next| one < next), "an id was made twice");
    }

    #[test]
    fn equal_seeds_make_equal_ids() {
        let at = Timestamp::from_micros(5);
        assert_eq!(UuidV7::seeded(7).next(at), UuidV7::seeded(7).next(at));
        assert_ne!(UuidV7::seeded(7).next(at), UuidV7::seeded(8).next(at));
    }

    #[test]
    fn ulids_strictly_increase_and_begin_with_their_millisecond() {
        let ids = Ulid::new();
        let now = Timestamp::from_micros(1_700_000_000_123_456);
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next(now)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert_eq!(made[0].as_u128() >> 80, 1_700_000_000_123);
    }

    #[test]
    fn a_name_always_gives_the_same_operation() {
        let id = OperationId::derived("ledger", 17);
        assert_eq!(id, OperationId::derived("ledger", "17"));
        assert_ne!(id, OperationId::derived("ledge", "r17"));
        assert_eq!(id.as_uuid().get_version_num(), 8);
    }

    #[test]
    fn random_ids_are_version_4_and_differ() {
        let ids = RandomIds::new();
        let made: HashSet<_> = (0..10_000).map(|_| ids.next(Timestamp::EPOCH)).collect();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|id| id.get_version_num() == 4));
    }
}
