//! Events void the answers that they are declared to void, and no others.

use cqrs_core::cache::{CacheOptions, Evict, Invalidations, QueryCache, Stamp, Tag, Terms};
use cqrs_core::message::{CorrelationId, Encoding, EventId, SchemaVersion};
use cqrs_core::store::{NewEvent, Position, RecordedEvent, StreamId, StreamVersion};
use cqrs_core::{TenantId, Timestamp};
use cqrs_testkit::ManualClock;

use crate::{ask, kept, key, key_in, now};

fn event(
    tenant: &str,
    event_type: &'static str,
    user: &str,
    payload: &'static [u8],
) -> RecordedEvent {
    let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
    let at = Timestamp::from_micros(0);
    let correlation = CorrelationId::from_uuid(uuid::Uuid::from_u128(1));
    let event = NewEvent::new(id, event_type, SchemaVersion::FIRST, Encoding::JSON, payload, at);
    let event = event.caused_by(correlation, None);
    let tenant = TenantId::new(tenant);
    let stream = StreamId::of_tenant(tenant, "user", user).expect("the name is valid");
    RecordedEvent::new(event, Position::new(1), stream, StreamVersion::new(1), at)
}

async fn fill(cache: &QueryCache, clock: &ManualClock) {
    for id in [7, 8] {
        let part = id.to_string();
        ask(cache, clock, &key(id), Terms::new().parts(&[&part]), id).await;
        ask(cache, clock, &key_in("acme", id), Terms::new().parts(&[&part]), id).await;
    }
}

/// Which of 7, 8, and those of the tenant `acme`, are still kept.
async fn left(cache: &QueryCache, clock: &ManualClock) -> [bool; 4] {
    let keys = [key(7), key(8), key_in("acme", 7), key_in("acme", 8)];
    let mut left = [false; 4];
    for (left, key) in left.iter_mut().zip(&keys) {
        *left = ask(cache, clock, key, Terms::new(), 99).await != 99;
    }
    left
}

async fn left_after(evict: Evict, event: &RecordedEvent) -> [bool; 4] {
    let (cache, clock) = (QueryCache::new(CacheOptions::new()), ManualClock::new());
    fill(&cache, &clock).await;
    let table = Invalidations::new().on("user.renamed", evict);
    cache.invalidate_by(&table, event);
    left(&cache, &clock).await
}

#[tokio::test]
async fn an_event_of_a_user_voids_that_users_answer_alone() {
    let renamed = event("", "user.renamed", "7", b"{}");
    let evict = Evict::query("GetUser").by_key();
    assert_eq!(left_after(evict, &renamed).await, [false, true, true, true]);
}

#[tokio::test]
async fn an_event_voids_all_answers_of_a_query_in_its_tenant() {
    let renamed = event("acme", "user.renamed", "7", b"{}");
    assert_eq!(
        left_after(Evict::of::<crate::GetUser>(), &renamed).await,
        [true, true, false, false]
    );
}

#[tokio::test]
async fn an_event_can_void_the_answers_of_all_tenants() {
    let renamed = event("", "user.renamed", "7", b"{}");
    let evict = Evict::query("GetUser").in_all_tenants();
    assert_eq!(left_after(evict, &renamed).await, [false; 4]);
}

#[tokio::test]
async fn a_part_is_found_in_the_event_and_a_missing_one_voids_all() {
    let by_payload = || {
        Evict::query("GetUser").by_part(|event: &RecordedEvent| {
            std::str::from_utf8(event.payload())
                .ok()
                .filter(|part| !part.is_empty())
                .map(Into::into)
        })
    };
    let of_eight = event("", "user.renamed", "7", b"8");
    assert_eq!(left_after(by_payload(), &of_eight).await, [true, false, true, true]);
    let of_nobody = event("", "user.renamed", "7", b"");
    assert_eq!(left_after(by_payload(), &of_nobody).await, [false, false, true, true]);
}

#[tokio::test]
async fn events_of_other_types_and_other_queries_void_nothing() {
    let opened = event("", "user.opened", "7", b"{}");
    assert_eq!(left_after(Evict::query("GetUser"), &opened).await, [true; 4]);
    let renamed = event("", "user.renamed", "7", b"{}");
    assert_eq!(left_after(Evict::query("GetUsers"), &renamed).await, [true; 4]);
}

#[tokio::test]
async fn clearing_voids_everything_at_once() {
    let (cache, clock) = (QueryCache::new(CacheOptions::new()), ManualClock::new());
    fill(&cache, &clock).await;
    cache.clear();
    assert!(cache.is_empty());
    assert_eq!(kept(&cache, 7, Stamp::ANY, now(&clock)), None);
}

#[tokio::test]
async fn what_is_made_after_an_invalidation_is_kept() {
    let (cache, clock) = (QueryCache::new(CacheOptions::new()), ManualClock::new());
    fill(&cache, &clock).await;
    cache.invalidate(&Tag::query("GetUser"));
    assert_eq!(ask(&cache, &clock, &key(7), Terms::new(), 70).await, 70);
    assert_eq!(kept(&cache, 7, Stamp::ANY, now(&clock)), Some(70));
    assert_eq!(cache.statistics().invalidations, 1);
}

#[tokio::test]
async fn tags_that_nothing_depends_on_take_no_memory() {
    let options = CacheOptions::new().capacity(cqrs_core::cache::Capacity::entries(10));
    let (cache, clock) = (QueryCache::new(options), ManualClock::new());
    for id in 0..20_000_u64 {
        let part = id.to_string();
        ask(&cache, &clock, &key(id), Terms::new().parts(&[&part]), id).await;
        cache.invalidate(&Tag::part("GetUser", &TenantId::default(), &format!("other {id}")));
    }
    let shown = format!("{cache:?}");
    let cells = shown.split("cells: ").nth(1).and_then(|rest| rest.split(' ').next());
    let cells: usize = cells.and_then(|cells| cells.parse().ok()).expect("it says how many");
    assert!(cells <= 1_100, "{shown}");
}
