//! Updates while the application runs.

use std::sync::Arc;
use std::time::Duration;

use cqrs_core::config::{Change, Config, ConfigLoader, Limit, LiveConfig, MistakeKind};

use crate::loaded;

fn live() -> LiveConfig {
    LiveConfig::new(Config::default()).expect("the default is valid")
}

#[tokio::test]
async fn an_update_is_seen_and_says_what_changed() {
    // given
    let live = live();
    let mut watch = live.subscribe();
    let mut config = Config::default();
    config.circuit_breaker.failure_threshold = 3;
    config.rate_limit.rate = Limit::Of("5/s".parse().expect("a rate"));
    config.handlers.entry("bank.deposit".to_owned()).or_default().retry = Some(1);
    // when
    let changes = live.update(config.clone()).expect("these keys may change");
    // then
    assert_eq!(
        changes.to_string(),
        "circuit_breaker.failure_threshold: 10 becomes 3\n\
         handlers.bank.deposit.retry: unset becomes 1\n\
         rate_limit.rate: \"none\" becomes \"5/s\""
    );
    assert!(changes.touch("rate_limit") && changes.touch("rate_limit.rate"));
    assert!(changes.touch("handlers.bank.deposit") && !changes.touch("handlers.bank.dep"));
    assert!(!changes.touch("retry") && !changes.touch("rate"));
    assert_eq!(*live.current(), config);
    assert_eq!(watch.changed().await.as_deref(), Some(&config));
}

#[tokio::test]
async fn one_that_changes_nothing_wakes_nobody() {
    let live = live();
    let mut watch = live.subscribe();
    assert!(live.update(Config::default()).expect("it is valid").is_empty());
    let nothing = tokio::time::timeout(Duration::ZERO, watch.changed()).await;
    nothing.expect_err("there was no change");
    let mut changed = loaded(ConfigLoader::new());
    changed.shutdown.grace = Duration::from_secs(1);
    live.update(changed.clone()).expect("it may change");
    assert_eq!(watch.changed().await.as_deref(), Some(&changed));
    let nothing = tokio::time::timeout(Duration::ZERO, watch.changed()).await;
    nothing.expect_err("there was one change");
    drop(live);
    assert_eq!(watch.changed().await, None);
}

#[tokio::test]
async fn a_call_that_is_dropped_has_seen_nothing() {
    let live = live();
    let mut watch = live.subscribe();
    let waiting = tokio::time::timeout(Duration::ZERO, watch.changed()).await;
    waiting.expect_err("nothing has changed");
    let mut config = Config::default();
    config.retry.budget = 1;
    live.update(config.clone()).expect("it may change");
    assert_eq!(watch.changed().await.as_deref(), Some(&config));
}

#[test]
fn a_wrong_one_leaves_everything_as_it_was() {
    let live = live();
    let before = live.current();
    let mut config = Config::default();
    config.shutdown.grace = Duration::from_secs(1);
    config.circuit_breaker.probes = 0;
    let error = live.update(config).expect_err("no probes");
    assert_eq!(error.mistakes()[0].path(), "circuit_breaker.probes");
    assert!(Arc::ptr_eq(&before, &live.current()));
    let mut config = Config::default();
    config.retry.factor = 101;
    LiveConfig::new(config).expect_err("no factor");
}

#[test]
fn fixed_keys_are_named_and_nothing_changes() {
    let live = live();
    let mut config = Config::default();
    config.retry.budget = 1;
    config.command_bus.initial_capacity = 512;
    config.aggregates.cached = 5;
    let error = live.update(config).expect_err("two are fixed");
    let seen: Vec<_> = error.mistakes().iter().map(|one| (one.kind(), one.path())).collect();
    assert_eq!(
        seen,
        [
            (MistakeKind::Fixed, "aggregates.cached"),
            (MistakeKind::Fixed, "command_bus.initial_capacity"),
        ]
    );
    assert_eq!(
        error.mistakes()[1].to_string(),
        "command_bus.initial_capacity: found 512, expected 256 until the application is started anew"
    );
    assert_eq!(*live.current(), Config::default());
}

/// A value of each key that is not its default.
fn another(path: &str, expected: &str) -> &'static str {
    match path {
        "retry.jitter" => "none",
        "query_bus.cache_eviction" => "adaptive",
        "event_bus.flavour" => "sync",
        "event_bus.overflow" => "shed",
        "command_bus.warn_after" | "logging.sampling" => "0.5",
        "logging.enabled" | "logging.timing" => "false",
        path if path.ends_with("enable_metrics") => "false",
        _ if expected.contains("rate such as") => "3/s",
        _ if expected.contains("duration") => "200ms",
        "retry.factor" => "3",
        _ if expected == "true or false" => "true",
        _ => "7",
    }
}

#[test]
fn every_key_changes_or_is_refused_as_it_is_marked() {
    for key in Config::keys() {
        let path = key.path().replace('*', "bank.deposit");
        let value = another(key.path(), &key.expected());
        let config = loaded(ConfigLoader::new().set(&path, value));
        let live = live();
        match (live.update(config), key.change()) {
            (Ok(changes), Change::Live) => {
                let paths: Vec<_> = changes.iter().map(|one| one.path.as_str()).collect();
                assert_eq!(paths, [path.as_str()]);
            }
            (Err(error), Change::Fixed) => {
                let kinds: Vec<_> = error.mistakes().iter().map(|one| one.kind()).collect();
                assert_eq!(kinds, [MistakeKind::Fixed], "{path}");
            }
            (outcome, change) => panic!("{path} is {change:?}: {outcome:?}"),
        }
    }
}

#[test]
fn an_entry_that_is_taken_away_is_a_change() {
    let config = loaded(ConfigLoader::new().set("handlers.bank.deposit.timeout", "1s"));
    let live = LiveConfig::new(config).expect("it is valid");
    let changes = live.update(Config::default()).expect("it may change");
    assert_eq!(changes.to_string(), "handlers.bank.deposit.timeout: \"1s\" becomes unset");
}
