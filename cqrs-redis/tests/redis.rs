//! The cache on a real server: shared, killed, stopped, restarted, spoilt.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cqrs_core::TenantId;
use cqrs_core::cache::{
    Audience, CacheBackend, CacheKey, CacheOptions, KeyParts, QueryCache, Tag, Terms, TieredCache,
    TieredOptions,
};
use cqrs_core::prelude::*;
use cqrs_core::runtime::Services;
use cqrs_redis::RedisCache;
use cqrs_testkit::ManualClock;
use cqrs_testkit::redis::Server;
use redis::AsyncCommands;

#[derive(Query)]
#[query(output = String)]
struct GetUser {
    id: u64,
}

/// Processes before one server. Their clock moves only for pauses and limits,
/// so that a slow machine is no outage; a server that stands still is let pass
/// its limit by hand.
struct Rig {
    server: Server,
    prefix: String,
    clock: ManualClock,
}

impl Rig {
    fn before(server: Server) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("test-{}-{number}:", std::process::id());
        Self { server, prefix, clock: ManualClock::new() }
    }

    fn process(&self) -> TieredCache {
        let redis = self.redis();
        let mut services = Services::default();
        services.clock = Arc::new(self.clock.clone());
        TieredCache::new(
            QueryCache::new(CacheOptions::new()),
            redis,
            &services,
            TieredOptions::new(),
        )
    }

    fn redis(&self) -> RedisCache {
        let redis = RedisCache::new(self.server.url()).expect("the URL names a server");
        redis.with_prefix(self.prefix.as_str())
    }

    /// The server as its administrator sees it.
    async fn raw(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.server.url()).expect("the URL names a server");
        client.get_multiplexed_async_connection().await.expect("the server is there")
    }

    /// The names of the answers that lie there.
    async fn answers(&self) -> Vec<Vec<u8>> {
        let mut raw = self.raw().await;
        raw.keys(format!("{}k:*", self.prefix)).await.expect("the server lists its keys")
    }
}

fn key(id: u64) -> CacheKey {
    let tenant = TenantId::default();
    let parts = KeyParts::of::<GetUser>(&tenant, Audience::Everybody);
    parts.with(&GetUser { id }, |key| key.to_key()).expect("numbers are JSON")
}

async fn ask(cache: &TieredCache, answer: &str) -> String {
    let run = async { Ok::<_, Infallible>(answer.to_owned()) };
    let Ok(answer) = cache.get_or_run(&key(7), Terms::new().parts(&["7"]), run).await;
    answer
}

#[tokio::test]
async fn processes_share_answers_and_invalidations() {
    let rig = Rig::before(Server::given());
    let first = rig.process();
    assert_eq!(ask(&first, "Ann").await, "Ann");
    let second = rig.process();
    assert_eq!(ask(&second, "?").await, "Ann");
    assert_eq!(second.statistics().backend_hits, 1);

    first.invalidate(&Tag::part("GetUser", &TenantId::default(), "7")).await;

    assert_eq!(ask(&rig.process(), "Anna").await, "Anna");
    assert_eq!(ask(&rig.process(), "?").await, "Anna");
}

#[tokio::test]
async fn an_answer_lies_there_for_its_time_to_live() {
    let rig = Rig::before(Server::given());
    ask(&rig.process(), "Ann").await;
    let names = rig.answers().await;
    assert_eq!(names.len(), 1);
    let left: i64 = rig.raw().await.pttl(&names[0]).await.expect("the server knows its keys");
    assert!((1..=600_000).contains(&left), "{left} ms");
}

#[tokio::test]
async fn what_the_server_lets_expire_is_gone() {
    let rig = Rig::before(Server::given());
    let redis = rig.redis();
    redis.put(b"a", "1".into(), Duration::from_millis(1)).await.expect("the server is there");
    redis.put(b"b", "2".into(), Duration::from_secs(60)).await.expect("the server is there");
    // No time passes for the test: it asks until the server says so.
    loop {
        let found = redis.get(&[b"a", b"b"]).await.expect("the server is there");
        assert_eq!(found[1].as_deref(), Some(&b"2"[..]));
        if found[0].is_none() {
            break;
        }
    }
}

#[tokio::test]
async fn the_contract_of_a_backend_holds() {
    let rig = Rig::before(Server::given());
    let (redis, long) = (rig.redis(), Duration::from_secs(60));
    let binary: &[u8] = b"\0\xff\r\n key";

    redis.put(binary, "1".into(), long).await.expect("the server is there");
    redis.put(binary, "2".into(), Duration::MAX).await.expect("the server is there");
    redis.put_if_absent(binary, "3".into(), long).await.expect("the server is there");
    redis.put_if_absent(b"other", "4".into(), long).await.expect("the server is there");
    let found = redis.get(&[b"none", binary, b"other"]).await.expect("the server is there");
    assert_eq!(found, [None, Some("2".into()), Some("4".into())]);

    redis.remove(binary).await.expect("the server is there");
    redis.remove(binary).await.expect("the server is there");
    assert_eq!(redis.get(&[binary]).await.expect("the server is there"), [None]);
}

#[tokio::test]
async fn a_time_to_live_below_what_the_server_counts_in_is_no_error() {
    let rig = Rig::before(Server::given());
    let redis = rig.redis();
    for ttl in [Duration::ZERO, Duration::from_nanos(1)] {
        redis.put(b"short", "1".into(), ttl).await.expect("the server takes it");
    }
}

#[tokio::test]
async fn one_connection_carries_all_calls() {
    let rig = Rig::before(Server::start());
    let (redis, mut raw) = (rig.redis(), rig.raw().await);
    let mut connections = async || {
        let stats: String = redis::cmd("INFO").arg("stats").query_async(&mut raw).await.unwrap();
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.and_then(|count| count.parse::<u64>().ok()).expect("the server counts")
    };
    let before = connections().await;

    for _ in 0..5 {
        redis.get(&[b"a"]).await.expect("the server is there");
    }

    assert_eq!(connections().await - before, 1);
}

#[tokio::test]
async fn a_spoilt_entry_and_one_of_another_type_are_replaced() {
    let rig = Rig::before(Server::given());
    ask(&rig.process(), "Ann").await;
    let name = rig.answers().await.remove(0);
    let mut raw = rig.raw().await;
    for spoilt in ["", "?", "{}\n\"Eve\"", "{\"format\":1}\n\"Eve\""] {
        let _: () = raw.set(&name, spoilt).await.expect("the server is there");
        let process = rig.process();
        assert_eq!(ask(&process, "Bob").await, "Bob");
        assert_eq!(process.statistics().backend_broken, 1, "{spoilt}");
        assert_eq!(ask(&rig.process(), "?").await, "Bob");
    }

    // A list instead of a text is as good as nothing.
    let _: () = raw.del(&name).await.expect("the server is there");
    let _: () = raw.lpush(&name, "x").await.expect("the server is there");
    assert_eq!(ask(&rig.process(), "Cid").await, "Cid");

    let number = async { Ok::<_, Infallible>(5_u64) };
    let Ok(_) = rig.process().get_or_run(&key(8), Terms::new(), number).await;
    let text = async { Ok::<_, Infallible>("text".to_owned()) };
    let process = rig.process();
    let Ok(answer) = process.get_or_run(&key(8), Terms::new(), text).await;
    assert_eq!((answer.as_str(), process.statistics().backend_broken), ("text", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_run_the_query_once() {
    let rig = Rig::before(Server::given());
    let (process, runs) = (rig.process(), Arc::new(AtomicU64::new(0)));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (process, runs) = (process.clone(), Arc::clone(&runs));
        callers.spawn(async move {
            let run = async {
                runs.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, Infallible>("Ann".to_owned())
            };
            process.get_or_run(&key(7), Terms::new(), run).await
        });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers, vec![Ok("Ann".to_owned()); 100]);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn queries_are_answered_while_the_server_is_away_and_shared_when_it_is_back() {
    let mut rig = Rig::before(Server::start());
    let process = rig.process();
    ask(&process, "Ann").await;
    rig.server.kill();

    // It begins without the server, and has never seen it.
    let late = rig.process();
    assert_eq!(ask(&late, "Bob").await, "Bob");
    assert_eq!(late.statistics().backend_errors, 1);
    process.invalidate(&Tag::all()).await;
    assert_eq!(ask(&process, "Cid").await, "Cid");
    assert_eq!(process.statistics().backend_errors, 1);

    rig.server.restart();
    rig.clock.advance(Duration::from_secs(1));
    process.invalidate(&Tag::all()).await;
    assert_eq!(ask(&process, "Dan").await, "Dan");
    late.local().clear();
    assert_eq!(ask(&late, "?").await, "Dan");
}

#[tokio::test]
async fn a_server_that_stands_still_keeps_nobody_waiting() {
    let mut rig = Rig::before(Server::start());
    let process = rig.process();
    ask(&process, "Ann").await;
    process.local().clear();
    rig.server.signal("STOP");

    let mut asked = Box::pin(ask(&process, "Bob"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(asked.as_mut().poll(&mut context).is_pending());
    rig.clock.advance(Duration::from_millis(50));
    assert_eq!(asked.await, "Bob");
    assert_eq!(process.statistics().backend_errors, 1);

    rig.server.signal("CONT");
    rig.clock.advance(Duration::from_secs(1));
    process.local().clear();
    assert_eq!(ask(&process, "?").await, "Ann");
}

#[tokio::test]
async fn a_connection_that_does_not_answer_is_given_up() {
    let rig = Rig::before(Server::start());
    let redis = rig.redis();
    redis.put(b"a", "1".into(), Duration::from_secs(60)).await.expect("the server is there");
    let mut raw = rig.raw().await;
    let ids = || redis::cmd("CLIENT").arg("LIST").arg("TYPE").arg("normal").clone();
    let clients: String = ids().query_async(&mut raw).await.expect("the server lists clients");
    assert_eq!(clients.lines().count(), 2);

    // Three callers in a row go away before an answer.
    for _ in 0..3 {
        let mut get = redis.get(&[b"a"]);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(get.as_mut().poll(&mut context).is_pending());
    }
    let first = clients.lines().next().and_then(|line| line.split(' ').next()).map(str::to_owned);
    let found = redis.get(&[b"a"]).await.expect("the server is there");

    assert_eq!(found, [Some("1".into())]);
    let numbers = |list: &str| {
        list.lines()
            .filter_map(|line| line.split(' ').next())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let after: String = ids().query_async(&mut raw).await.expect("the server lists clients");
    assert!(
        numbers(&after).iter().any(|number| !numbers(&clients).contains(number)),
        "{first:?} {after}"
    );
}

#[test]
fn a_url_that_names_no_server_is_refused() {
    let refused = RedisCache::new("cache.example").map(|_| ()).map_err(|error| error.to_string());
    assert!(refused.is_err_and(|text| text.starts_with("the URL of the cache names no server")));
}
