//! What an answer is found by.
//!
//! The bytes of a key are `7:GetUser,4:acme,@2:me,1;{"id":7}`: the name and the
//! tenant with their lengths in front, who asks, the version, and the query as
//! JSON to the end. No part can reach into the next, so two keys have the same
//! bytes only if all parts are the same. Name and tenant come first because
//! tags are beginnings of keys.

use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Equivalent;
use serde::Serialize;

use crate::message::{ActorId, Codec, CodecError, Json, SchemaVersion, TenantId};
use crate::query::Query;
use crate::store::SeededHash;

/// Whom an answer is the same for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience<'a> {
    /// For everybody in the tenant: the query does not look at who asks.
    Everybody,
    /// For one caller alone; `None` is a caller without a name.
    Caller(Option<&'a ActorId>),
}

/// The parts of a key beside the query's fields.
///
/// ```
/// use cqrs_core::cache::{Audience, CacheKey, KeyParts};
/// use cqrs_core::{ActorId, TenantId, prelude::*};
///
/// #[derive(Query)]
/// #[query(output = String)]
/// struct GetUser { id: u64 }
///
/// let (tenant, me) = (TenantId::new("acme"), ActorId::new("me"));
/// let parts = KeyParts::of::<GetUser>(&tenant, Audience::Caller(Some(&me)));
/// let key: CacheKey = parts.with(&GetUser { id: 7 }, |key| key.to_key())?;
/// assert_eq!(key.as_bytes(), br#"7:GetUser,4:acme,@2:me,1;{"id":7}"#);
/// # Ok::<_, cqrs_core::message::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KeyParts<'a> {
    name: &'a str,
    version: SchemaVersion,
    tenant: &'a TenantId,
    audience: Audience<'a>,
}

/// A key that lies in a buffer of this thread: it costs no allocation.
#[derive(Clone, Copy)]
pub struct KeyRef<'a> {
    hash: u64,
    name_end: usize,
    tenant_end: usize,
    bytes: &'a [u8],
}

/// A key of one's own. Clones share the bytes.
#[derive(Clone)]
pub struct CacheKey {
    hash: u64,
    name_end: usize,
    tenant_end: usize,
    bytes: Arc<[u8]>,
}

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer that has grown beyond this is given back.
const KEPT_BYTES: usize = 64 * 1024;

impl<'a> KeyParts<'a> {
    /// Those of a query of type `Q`.
    #[must_use]
    pub fn of<Q: Query>(tenant: &'a TenantId, audience: Audience<'a>) -> Self {
        Self::named(Q::NAME, Q::VERSION, tenant, audience)
    }

    /// Those of a query that is known by its wire name.
    #[must_use]
    pub fn named(
        name: &'a str,
        version: SchemaVersion,
        tenant: &'a TenantId,
        audience: Audience<'a>,
    ) -> Self {
        Self { name, version, tenant, audience }
    }

    /// Makes the key of a query and looks at it, in a buffer of this thread.
    /// Fields that the query does not serialise are not part of it.
    ///
    /// # Errors
    ///
    /// [`CodecError`] when the query cannot be written as JSON, such as one
    /// that holds NaN. It has no key then, and cannot be cached.
    #[inline]
    pub fn with<T: Serialize + ?Sized, R>(
        &self,
        query: &T,
        look: impl FnOnce(KeyRef<'_>) -> R,
    ) -> Result<R, CodecError> {
        // The buffer is taken out: a serialisation that makes a key of its own
        // finds another one.
        let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
        buffer.clear();
        let (name_end, tenant_end) = self.write(&mut buffer);
        let written = Json::encode(query, &mut buffer);
        let looked = written.map(|()| {
            let hash = hash_of(&buffer);
            look(KeyRef { hash, name_end, tenant_end, bytes: &buffer })
        });
        if buffer.capacity() <= KEPT_BYTES {
            let _ = BUFFER.try_with(|kept| kept.set(buffer));
        }
        looked
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) -> (usize, usize) {
        write_text(out, self.name);
        let name_end = out.len();
        write_text(out, self.tenant.as_str());
        let tenant_end = out.len();
        match self.audience {
            Audience::Everybody => out.push(b'*'),
            Audience::Caller(None) => out.push(b'-'),
            Audience::Caller(Some(actor)) => {
                out.push(b'@');
                write_text(out, actor.as_str());
            }
        }
        write_number(out, self.version.get() as usize, b';');
        (name_end, tenant_end)
    }
}

impl KeyRef<'_> {
    /// A key of one's own with these bytes.
    #[must_use]
    pub fn to_key(&self) -> CacheKey {
        let Self { hash, name_end, tenant_end, bytes } = *self;
        CacheKey { hash, name_end, tenant_end, bytes: bytes.into() }
    }

    /// All bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
    }
}

impl CacheKey {
    /// All bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn as_ref(&self) -> KeyRef<'_> {
        let Self { hash, name_end, tenant_end, ref bytes } = *self;
        KeyRef { hash, name_end, tenant_end, bytes }
    }

    pub(super) fn shared_bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// The beginning that all keys of its query share.
    pub(super) fn query(&self) -> &[u8] {
        &self.bytes[..self.name_end]
    }

    /// The beginning that all keys of its query and tenant share.
    pub(super) fn query_in_tenant(&self) -> &[u8] {
        &self.bytes[..self.tenant_end]
    }
}

impl Hash for KeyRef<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Hash for CacheKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for CacheKey {}

impl Equivalent<CacheKey> for KeyRef<'_> {
    #[inline]
    fn equivalent(&self, key: &CacheKey) -> bool {
        *self.bytes == *key.bytes
    }
}

impl fmt::Debug for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted("KeyRef", &self.bytes[..self.name_end], f)
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        redacted("CacheKey", self.query(), f)
    }
}

/// Shows the query's name; its fields may be anybody's secrets.
fn redacted(of: &str, name: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_tuple(of).field(&String::from_utf8_lossy(name)).finish()
}

#[inline]
fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = SeededHash::default();
    hasher.write(bytes);
    hasher.finish()
}

/// Writes a text with its length in front and a comma behind it.
#[inline]
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_number(out, text.len(), b':');
    out.extend_from_slice(text.as_bytes());
    out.push(b',');
}

/// Writes a number and what ends it. Nearly all have one digit or two, and are
/// written in one step: a key is made for every look.
#[inline]
fn write_number(out: &mut Vec<u8>, number: usize, end: u8) {
    match u8::try_from(number) {
        Ok(number @ 0..10) => out.extend_from_slice(&[b'0' + number, end]),
        Ok(number @ 10..100) => {
            out.extend_from_slice(&[b'0' + number / 10, b'0' + number % 10, end]);
        }
        _ => {
            out.extend_from_slice(number.to_string().as_bytes());
            out.push(end);
        }
    }
}
