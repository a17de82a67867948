//! The query cache at its boundary: what is found, for whom, for how long, and
//! how often a query runs.

mod bounds;
mod events;
mod flight;
mod key;
mod model;
mod outside;
mod threads;

use std::convert::Infallible;
use std::time::Duration;

use cqrs_core::TenantId;
use cqrs_core::cache::{Audience, CacheKey, KeyParts, KeyRef, QueryCache, Stamp, Terms};
use cqrs_core::prelude::*;
use cqrs_core::runtime::Clock;
use cqrs_testkit::ManualClock;

/// The query that most tests ask.
#[derive(Query)]
#[query(output = u64)]
pub struct GetUser {
    pub id: u64,
}

pub fn key(id: u64) -> CacheKey {
    key_in("", id)
}

pub fn key_in(tenant: &str, id: u64) -> CacheKey {
    let tenant = TenantId::new(tenant);
    let parts = KeyParts::of::<GetUser>(&tenant, Audience::Everybody);
    parts.with(&GetUser { id }, |key| key.to_key()).expect("numbers are JSON")
}

/// What is kept under a key, without a run.
pub fn kept(cache: &QueryCache, id: u64, stamp: Stamp, now: Duration) -> Option<u64> {
    let tenant = TenantId::default();
    let parts = KeyParts::of::<GetUser>(&tenant, Audience::Everybody);
    let look = |key: KeyRef<'_>| cache.get(&key, stamp, now);
    parts.with(&GetUser { id }, look).expect("numbers are JSON")
}

/// Asks with an answer at hand; gives what is answered.
pub async fn ask(
    cache: &QueryCache,
    clock: &ManualClock,
    key: &CacheKey,
    terms: Terms<'_>,
    answer: u64,
) -> u64 {
    let run = async { Ok::<_, Infallible>(answer) };
    let Ok(answer) = cache.get_or_run(key, terms, clock, run).await;
    answer
}

pub fn now(clock: &ManualClock) -> Duration {
    clock.monotonic()
}
