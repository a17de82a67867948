//! The shared query cache of `cqrs-core` on Redis.
//!
//! ```no_run
//! use cqrs_core::cache::{CacheOptions, QueryCache, TieredCache, TieredOptions};
//! use cqrs_core::runtime::Services;
//! use cqrs_redis::RedisCache;
//!
//! # fn run() -> Result<(), cqrs_redis::UrlError> {
//! let redis = RedisCache::new("redis://cache.example")?.with_prefix("bank:");
//! let local = QueryCache::new(CacheOptions::new());
//! let cache = TieredCache::new(local, redis, &Services::default(), TieredOptions::new());
//! # Ok(())
//! # }
//! ```
//!
//! **One connection** carries the calls of all callers at once. It is made by
//! the first call, and again by the next call when it was lost or has not
//! answered three calls in a row: an application starts without the server, and
//! finds it when it comes back.
//!
//! **A cache and nothing else.** What the server forgets, evicts, or loses in a
//! restart is made anew by queries. Any eviction policy of the server will do.

#![deny(missing_docs)]

mod connection;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use cqrs_core::cache::{CacheBackend, CacheError};
use cqrs_core::runtime::BoxFuture;
use redis::{Cmd, FromRedisValue};

use connection::Connection;

/// A cache on a Redis server.
pub struct RedisCache {
    connection: Connection,
    prefix: Vec<u8>,
}

/// A URL that names no server.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the cache names no server, such as redis://localhost: {0}")]
pub struct UrlError(#[source] redis::RedisError);

impl RedisCache {
    /// A cache on a server: `redis://[user:password@]host[:port][/database]`,
    /// or `redis+unix:///path`. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`UrlError`] when the URL cannot be read.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        let client = redis::Client::open(url).map_err(UrlError)?;
        Ok(Self { connection: Connection::new(client), prefix: b"cqrs:".to_vec() })
    }

    /// What all names of this application begin with on the server; `cqrs:`
    /// unless said otherwise. Applications with one prefix share answers.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Vec<u8>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn name(&self, key: &[u8]) -> Vec<u8> {
        [&self.prefix, key].concat()
    }

    async fn call<T: FromRedisValue>(&self, command: Cmd) -> Result<T, CacheError> {
        self.connection.call(&command).await.map_err(CacheError::unavailable)
    }

    fn set(&self, key: &[u8], value: &Bytes, ttl: Duration) -> Cmd {
        let mut set = redis::cmd("SET");
        // Whole milliseconds, of which there must be one.
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, LONGEST_MILLIS);
        set.arg(self.name(key)).arg(&value[..]).arg("PX").arg(millis);
        set
    }
}

/// Ten years: the server refuses a time that its clock cannot hold.
const LONGEST_MILLIS: u64 = 10 * 365 * 24 * 60 * 60 * 1000;

impl CacheBackend for RedisCache {
    fn get<'a>(
        &'a self,
        keys: &'a [&'a [u8]],
    ) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, CacheError>> {
        Box::pin(async move {
            let mut get = redis::cmd("MGET");
            for key in keys {
                get.arg(self.name(key));
            }
            let found: Vec<Option<Vec<u8>>> = self.call(get).await?;
            Ok(found.into_iter().map(|value| value.map(Bytes::from)).collect())
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move { self.call(self.set(key, &value, ttl)).await })
    }

    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: Bytes,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move {
            let mut set = self.set(key, &value, ttl);
            set.arg("NX");
            // Nil when the key has a value, which is no error.
            self.call::<Option<String>>(set).await.map(|_| ())
        })
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move {
            let mut delete = redis::cmd("DEL");
            delete.arg(self.name(key));
            self.call::<u64>(delete).await.map(|_| ())
        })
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = String::from_utf8_lossy(&self.prefix);
        f.debug_struct("RedisCache").field("prefix", &prefix).finish_non_exhaustive()
    }
}
