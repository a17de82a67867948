//! A cache outside of the process, as an adapter shows it.

use std::time::Duration;

use bytes::Bytes;

use crate::runtime::BoxFuture;

/// Keys and values outside of the process, such as Redis.
///
/// The contract is small: values come back as they were put, or not at all. An
/// implementation may lose anything at any time. It needs no time limits of
/// its own: [`TieredCache`](super::TieredCache) gives up on a call that takes
/// too long by dropping its future, so a dropped one must leave nothing behind
/// that disturbs the next. A lost connection is made anew by the next call; a
/// server that is away must not keep an application from starting.
///
/// # Cancel safety
///
/// All futures may be dropped at any time. A write may then have happened.
pub trait CacheBackend: Send + Sync + 'static {
    /// The values of keys in their order, `None` where there is none; one
    /// round trip for all.
    fn get<'a>(
        &'a self,
        keys: &'a [&'a [u8]],
    ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, CacheError>>;

    /// Puts a value for a while, in the place of another.
    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Puts a value for a while unless the key has one.
    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Removes a value.
    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<(), CacheError>>;
}

impl<B: CacheBackend> CacheBackend for std::sync::Arc<B> {
    fn get<'a>(
        &'a self,
        keys: &'a [&'a [u8]],
    ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, CacheError>> {
        (**self).get(keys)
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        (**self).put(key, value, ttl)
    }

    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        (**self).put_if_absent(key, value, ttl)
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<(), CacheError>> {
        (**self).remove(key)
    }
}

/// Why a cache outside of the process gave nothing. Queries go on without it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// It cannot be reached, or refused.
    #[error("the cache is not available: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time.
    #[error("the cache did not answer within {0:?}")]
    Timeout(Duration),
}

impl CacheError {
    /// Wraps an adapter's error.
    #[must_use]
    pub fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}
