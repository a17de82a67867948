//! The stage that answers a query as it was answered before.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bus::{Context, Failure};
use crate::cache::{
    Audience, CacheKey, CacheStatistics, Invalidations, KeyParts, KeyRef, QueryCache, Stamp, Terms,
    TieredCache,
};
use crate::message::{CodecError, SchemaVersion};
use crate::runtime::BoxFuture;
use crate::store::RecordedEvent;

/// Where the answers of an application are kept.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// In the process.
    Local(QueryCache),
    /// In the process, and outside of it.
    Tiered(TieredCache),
}

impl Answers {
    pub(crate) fn local(&self) -> &QueryCache {
        match self {
            Self::Local(cache) => cache,
            Self::Tiered(cache) => cache.local(),
        }
    }

    pub(crate) fn statistics(&self) -> CacheStatistics {
        match self {
            Self::Local(cache) => cache.statistics(),
            Self::Tiered(cache) => cache.statistics(),
        }
    }

    pub(crate) async fn invalidate_by(&self, table: &Invalidations, event: &RecordedEvent) {
        match self {
            Self::Local(cache) => cache.invalidate_by(table, event),
            Self::Tiered(cache) => cache.invalidate_by(table, event).await,
        }
    }
}

/// That the answers of a query can be kept, and how; from
/// `#[query(cache = "..")]`.
pub struct Keeping<T> {
    /// The same answer serves everybody in a tenant.
    shared: bool,
    find: fn(&QueryCache, &KeyRef<'_>, Stamp, Duration) -> Option<T>,
    run: RunOnce<T>,
}

/// Runs a query once for all who ask it, and keeps its answer.
type RunOnce<T> = for<'a> fn(
    &'a Answers,
    &'a CacheKey,
    Terms<'a>,
    &'a Context,
    BoxFuture<'a, Result<T, Failure>>,
) -> BoxFuture<'a, Result<T, Failure>>;

/// What can be kept as an answer.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "answers of type `{Self}` cannot be kept",
    label = "`{Self}` is not `Clone + Serialize + DeserializeOwned + Sync`",
    note = "derive what is missing, or remove `cache`"
)]
pub trait Keepable: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Keepable for T {}

impl<T: Keepable> Keeping<T> {
    /// Answers of this type, one for each caller or one for all.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(shared: bool) -> Self {
        Self {
            shared,
            find: |cache, key, stamp, now| cache.get::<T>(key, stamp, now),
            run: |answers, key, terms, ctx, run| {
                Box::pin(async move {
                    match answers {
                        Answers::Local(cache) => {
                            cache.get_or_run(key, terms, &*ctx.services().clock, run).await
                        }
                        Answers::Tiered(cache) => cache.get_or_run(key, terms, run).await,
                    }
                })
            },
        }
    }
}

impl<T> Keeping<T> {
    /// The answer that is kept, or the key under which it will be.
    pub(crate) fn look<Q: Serialize>(
        &self,
        answers: &Answers,
        name: &str,
        version: SchemaVersion,
        query: &Q,
        ctx: &Context,
    ) -> Result<Result<T, CacheKey>, CodecError> {
        let audience =
            if self.shared { Audience::Everybody } else { Audience::Caller(ctx.actor()) };
        let now = ctx.services().clock.monotonic();
        KeyParts::named(name, version, ctx.tenant_ref(), audience).with(query, |key| {
            (self.find)(answers.local(), &key, ctx.stamp_of_answers(), now)
                .ok_or_else(|| key.to_key())
        })
    }

    pub(crate) fn run<'a>(
        &self,
        answers: &'a Answers,
        key: &'a CacheKey,
        terms: Terms<'a>,
        ctx: &'a Context,
        run: BoxFuture<'a, Result<T, Failure>>,
    ) -> BoxFuture<'a, Result<T, Failure>> {
        (self.run)(answers, key, terms, ctx, run)
    }
}

impl<T> std::fmt::Debug for Keeping<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeping").field("shared", &self.shared).finish_non_exhaustive()
    }
}
