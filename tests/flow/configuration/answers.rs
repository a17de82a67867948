//! Answers that are kept, and aggregates that stay loaded.

use cqrs_core::prelude::*;
use cqrs_testkit::fault::Gate;
use cqrs_testkit::{Fault, FaultyStore};
use support::bank::{Deposit, Open};

use crate::stores::GUARD;

use super::desk::{Kept, Rig, rig, rig_over, settle};

/// Asks, and says how many of the answers had to be made.
async fn made(rig: &Rig, keys: impl IntoIterator<Item = u32>) -> u32 {
    rig.desk.runs();
    for key in keys {
        assert_eq!(rig.app.query(Kept { key }).await.unwrap(), key);
    }
    rig.desk.runs()
}

#[tokio::test]
pub async fn an_answer_is_kept_so_long() {
    let rig = rig([("query_bus.cache_ttl", "2s")]);

    assert_eq!(made(&rig, [1, 1]).await, 1);
    rig.pass(1_999).await;
    assert_eq!(made(&rig, [1]).await, 0);
    rig.pass(1).await;
    assert_eq!(made(&rig, [1]).await, 1);

    rig.change([("query_bus.cache_ttl", "5s")]);
    assert_eq!(made(&rig, [2]).await, 1);
    rig.pass(4_999).await;
    assert_eq!(made(&rig, [2]).await, 0, "it stays longer now");
    rig.pass(1).await;
    assert_eq!(made(&rig, [2]).await, 1);
}

#[tokio::test]
pub async fn answers_of_one_query_may_be_kept_for_another_time() {
    let rig = rig([("handlers.Kept.cache_ttl", "2s")]);

    assert_eq!(made(&rig, [1]).await, 1);
    rig.pass(2_000).await;
    assert_eq!(made(&rig, [1]).await, 1);
    rig.change([("handlers.Kept.cache_ttl", "3s")]);
    assert_eq!(made(&rig, [2]).await, 1);
    rig.pass(2_999).await;
    assert_eq!(made(&rig, [2]).await, 0);
    rig.pass(1).await;
    assert_eq!(made(&rig, [2]).await, 1);
}

#[tokio::test]
async fn an_answer_is_for_its_caller_in_its_tenant_alone() {
    let rig = rig([]);
    let asked = async |actor: Option<&str>, tenant: &str| {
        rig.desk.runs();
        let query = rig.app.query(Kept { key: 1 }).tenant(tenant);
        match actor {
            Some(actor) => query.actor(actor).await.unwrap(),
            None => query.await.unwrap(),
        };
        rig.desk.runs()
    };

    for (actor, tenant) in
        [(Some("ada"), "north"), (Some("bob"), "north"), (None, "north"), (Some("ada"), "south")]
    {
        assert_eq!(asked(actor, tenant).await, 1, "{actor:?} {tenant}");
        assert_eq!(asked(actor, tenant).await, 0, "{actor:?} {tenant}");
    }
}

#[tokio::test]
async fn an_answer_from_before_a_commit_is_none_behind_it() {
    let rig = rig([]);
    assert_eq!(made(&rig, [1, 1]).await, 1);
    let open = Open { account: "a".into(), owner: "Ada".into() };
    let executed = rig.app.execute(open).await.unwrap();
    let token = executed.receipt.token().unwrap();

    rig.app.query(Kept { key: 1 }).after(token, GUARD).await.unwrap();

    assert_eq!(rig.desk.runs(), 1);
    assert_eq!(made(&rig, [1]).await, 0);
}

#[tokio::test]
pub async fn so_many_answers_are_kept() {
    let two = rig([("query_bus.cache_capacity", "2")]);
    assert_eq!(made(&two, [1, 2, 1, 2]).await, 2);
    assert_eq!(made(&two, [3, 1]).await, 2, "the third took the place of the first");

    let three = rig([("query_bus.cache_capacity", "3")]);
    assert_eq!(made(&three, [1, 2, 3, 1, 2, 3]).await, 3);
}

/// What is asked for often outlives a scan, or a part of it does, or nothing.
#[tokio::test]
pub async fn which_answer_goes_is_a_matter_of_policy() {
    let outlive = async |policy: &str| {
        let rig = rig([("query_bus.cache_capacity", "100"), ("query_bus.cache_eviction", policy)]);
        made(&rig, (0..90).chain(0..90).chain(0..90)).await;
        made(&rig, 1_000..1_400).await;
        90 - made(&rig, (0..90).rev()).await
    };

    let (lru, recent, adaptive) =
        (outlive("lru").await, outlive("recent").await, outlive("adaptive").await);
    assert!(lru == 0 && lru < recent && recent < adaptive, "{lru} {recent} {adaptive}");
}

#[tokio::test]
pub async fn so_many_aggregates_stay_loaded() {
    let waits = async |cached: &str| {
        let store = FaultyStore::new(MemoryStore::new());
        let rig = rig_over(store.clone(), [("aggregates.cached", cached)]);
        crate::stores::open(&rig.app, "a").await;
        rig.app.pause_handler("listener");
        settle().await;
        let gate = Gate::new();
        store.inject(Fault::stalled_read(&gate).times(usize::MAX));
        let app = rig.app.clone();
        let deposit = Deposit { account: "a".into(), cents: 1 };
        let call = tokio::spawn(async move { app.execute(deposit).await.map(drop) });
        settle().await;
        let waits = !call.is_finished();
        store.recover();
        gate.release();
        call.await.unwrap().unwrap();
        waits
    };

    assert!(!waits("10").await, "it is loaded");
    assert!(waits("0").await, "it has to be read");
}
