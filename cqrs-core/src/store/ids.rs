//! Names of what a store keeps.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::limits::has_control;
use crate::message::TenantId;

/// The kind of a stream: the aggregate's name, such as `account`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category(Cow<'static, str>);

/// One stream: tenant, category and key, such as (``, `account`, `4711`).
///
/// The parts are compared byte for byte; no separator joins them, so that no
/// key can reach into another tenant or category. Cheap to clone.
#[derive(Clone)]
pub struct StreamId(Arc<Parts>);

struct Parts {
    /// Of the three others; seeded, so that nobody outside can aim at it.
    hash: u64,
    tenant: TenantId,
    category: Category,
    key: Box<str>,
}

/// Hashes what has a good hash of its own, by taking it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnHash(u64);

pub(crate) type BuildOwnHash = BuildHasherDefault<OwnHash>;

impl Hasher for OwnHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0 ^ *SEED);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Hashes short keys of any type; seeded as the names of streams are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeededHash(u64);

impl Hasher for SeededHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0 ^ *SEED);
    }
}

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

/// A part of a stream's name is empty, too long, or holds a control character.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {part} of a stream's name {problem}: {name:?}")]
pub struct InvalidStreamId {
    part: &'static str,
    problem: String,
    name: String,
}

/// Bytes that a tenant, a category or a key may have at most.
const MAX_BYTES: usize = 255;

fn check(part: &'static str, name: &str, may_be_empty: bool) -> Result<(), InvalidStreamId> {
    let problem = if name.is_empty() && !may_be_empty {
        "is empty".to_owned()
    } else if name.len() > MAX_BYTES {
        format!("has {} bytes, more than {MAX_BYTES}", name.len())
    } else if has_control(name) {
        "holds a control character".to_owned()
    } else {
        return Ok(());
    };
    let name = name.chars().take(64).collect();
    Err(InvalidStreamId { part, problem, name })
}

impl Category {
    /// A category known while compiling.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Category {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl From<&'static str> for Category {
    fn from(name: &'static str) -> Self {
        Self::named(name)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StreamId {
    /// A stream of the default tenant.
    ///
    /// # Errors
    ///
    /// [`InvalidStreamId`] when a part is empty, has more than 255 bytes, or
    /// holds an ASCII control character.
    pub fn new(
        category: impl Into<Category>,
        key: impl Into<Box<str>>,
    ) -> Result<Self, InvalidStreamId> {
        Self::of_tenant(TenantId::default(), category, key)
    }

    /// A stream of a tenant.
    ///
    /// # Errors
    ///
    /// As [`StreamId::new`].
    pub fn of_tenant(
        tenant: TenantId,
        category: impl Into<Category>,
        key: impl Into<Box<str>>,
    ) -> Result<Self, InvalidStreamId> {
        let (category, key) = (category.into(), key.into());
        check("tenant", tenant.as_str(), true)?;
        check("category", category.as_str(), false)?;
        check("key", &key, false)?;
        let hash = [tenant.as_str(), category.as_str(), &key]
            .iter()
            .fold(*SEED, |hash, part| xxh3_64_with_seed(part.as_bytes(), hash));
        Ok(Self(Arc::new(Parts { hash, tenant, category, key })))
    }

    /// Whose stream it is.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.0.tenant
    }

    /// The kind of stream.
    #[must_use]
    pub fn category(&self) -> &Category {
        &self.0.category
    }

    /// The aggregate's id as text.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.key
    }
}

impl PartialEq for StreamId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.hash == other.0.hash
                && self.0.key == other.0.key
                && self.0.category == other.0.category
                && self.0.tenant == other.0.tenant)
    }
}

impl Eq for StreamId {}

impl PartialOrd for StreamId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StreamId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let parts = |id: &'_ Self| (id.0.tenant.clone(), id.0.category.clone(), id.0.key.clone());
        parts(self).cmp(&parts(other))
    }
}

impl Hash for StreamId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.tenant.as_str().is_empty() {
            write!(f, "{}/", self.0.tenant)?;
        }
        write!(f, "{}/{}", self.0.category, self.0.key)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// A name known while compiling.
            #[must_use]
            pub const fn named(name: &'static str) -> Self { Self(Cow::Borrowed(name)) }
            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<String> for $name {
            fn from(name: String) -> Self { Self(Cow::Owned(name)) }
        }
        impl From<&'static str> for $name {
            fn from(name: &'static str) -> Self { Self::named(name) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Debug::fmt(&*self.0, f) }
        }
    )*};
}

names! {
    /// The name of a subscription's place in the log.
    CheckpointName;
    /// The name of a read model's table.
    TableName;
    /// The name of a lease: what only one may do at a time.
    LeaseName;
    /// Who holds a lease, or wants to.
    Holder;
}
