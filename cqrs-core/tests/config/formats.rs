//! Documents of each format, and the way there and back.

use std::time::Duration;

use cqrs_core::config::{
    Config, ConfigLoader, Eviction, Flavour, Handler, Jitter, Limit, MistakeKind, Origin, Overflow,
    Subscription, WarnAfter,
};

use crate::{loaded, mistake};

/// A configuration in which no key has its default.
fn other() -> Config {
    loaded(ConfigLoader::new().code(|config| {
        config.command_bus.initial_capacity = 1;
        config.command_bus.enable_metrics = false;
        config.command_bus.timeout = Duration::from_millis(1_500);
        config.command_bus.warn_after = WarnAfter::Time(Duration::from_millis(700));
        config.command_bus.concurrency = Limit::Of(3);
        config.command_bus.queue = 0;
        config.command_bus.max_depth = 2;
        config.query_bus.initial_capacity = 2;
        config.query_bus.enable_metrics = false;
        config.query_bus.timeout = Duration::from_secs(90);
        config.query_bus.concurrency = Limit::Of(4);
        config.query_bus.queue = 5;
        config.query_bus.cache_ttl = Duration::from_secs(7_200);
        config.query_bus.cache_capacity = 6;
        config.query_bus.cache_eviction = Eviction::Adaptive;
        config.query_bus.max_retries = 0;
        config.circuit_breaker.failure_threshold = 7;
        config.circuit_breaker.timeout = Duration::from_secs(8);
        config.circuit_breaker.window = Duration::from_secs(9);
        config.circuit_breaker.probes = 10;
        config.retry.base = Duration::from_millis(11);
        config.retry.factor = 3;
        config.retry.cap = Duration::from_millis(12);
        config.retry.jitter = Jitter::Equal;
        config.retry.budget = 13;
        config.retry.conflicts = 0;
        config.rate_limit.rate = Limit::Of("10/1m burst 3".parse().expect("a rate"));
        config.rate_limit.keys = 14;
        config.event_bus.flavour = Flavour::Sync;
        config.event_bus.queue = 15;
        config.event_bus.overflow = Overflow::Refuse;
        config.event_bus.concurrency = Limit::Of(16);
        config.event_bus.error_buffer = 17;
        config.event_bus.strict = true;
        config.event_handlers.max_attempts = 18;
        config.event_handlers.base = Duration::from_micros(1_900);
        config.event_handlers.cap = Duration::from_secs(20);
        config.event_handlers.batch = 21;
        config.event_handlers.lease = Duration::from_secs(22);
        config.logging.enabled = false;
        config.logging.arguments = true;
        config.logging.timing = false;
        config.logging.sampling = 0.1;
        config.authorization.deny_by_default = true;
        config.audit.enabled = true;
        config.audit.fail_closed = true;
        config.shutdown.grace = Duration::ZERO;
        config.aggregates.cached = 0;
        let handler = config.handlers.entry("bank.deposit".to_owned()).or_default();
        *handler = other_handler();
        let all = config.subscriptions.entry("balances of accounts".to_owned()).or_default();
        *all = other_subscription();
    }))
}

fn other_handler() -> Handler {
    let mut handler = Handler::default();
    handler.timeout = Some(Duration::from_secs(2));
    handler.concurrency = Some(Limit::None);
    handler.rate_limit = Some(Limit::Of("1/h".parse().expect("a rate")));
    handler.retry = Some(0);
    handler.cache_ttl = Some(Duration::from_secs(3));
    handler.breaker = Some(false);
    handler
}

fn other_subscription() -> Subscription {
    let mut subscription = Subscription::default();
    subscription.max_attempts = Some(4);
    subscription.base = Some(Duration::from_secs(5));
    subscription.cap = Some(Duration::from_secs(6));
    subscription
}

#[test]
fn what_is_written_is_read_back_equal() {
    let config = other();
    let text = serde_json::to_string(&config).expect("it can be written");
    let read: Config = serde_json::from_str(&text).expect("it can be read");
    assert_eq!(read, config, "{text}");
    assert_eq!(loaded(ConfigLoader::new().json(&text)), config, "{text}");
}

#[test]
fn the_sample_of_the_way_back_leaves_no_key_at_its_default() {
    let (other, default) = (other(), Config::default());
    let value = |config: &Config| serde_json::to_value(config).expect("it can be written");
    let (other, default) = (value(&other), value(&default));
    for key in Config::keys() {
        let path = key.path().replace("handlers.*", "handlers.bank~deposit");
        let path = path.replace("subscriptions.*", "subscriptions.balances of accounts");
        let pointer = format!("/{}", path.replace('.', "/").replace('~', "."));
        assert!(other.pointer(&pointer).is_some(), "{pointer}");
        assert_ne!(other.pointer(&pointer), default.pointer(&pointer), "{pointer}");
    }
}

#[test]
fn reading_through_serde_reports_all_mistakes() {
    let text = r#"{ "retry": { "factor": 0, "bse": "1s" } }"#;
    let error = serde_json::from_str::<Config>(text).expect_err("two mistakes").to_string();
    assert!(error.contains("retry.factor: found 0"), "{error}");
    assert!(error.contains("retry.bse: ") && error.contains("did you mean base?"), "{error}");
}

#[test]
fn a_wire_name_is_one_name_or_nested_tables() {
    let one = r#"{ "handlers": { "bank.deposit": { "timeout": "2s" } } }"#;
    let nested = r#"{ "handlers": { "bank": { "deposit": { "timeout": "2s" } } } }"#;
    let (one, nested) = (ConfigLoader::new().json(one), ConfigLoader::new().json(nested));
    let config = loaded(one);
    assert_eq!(config.handlers["bank.deposit"].timeout, Some(Duration::from_secs(2)));
    assert_eq!(config, loaded(nested));
}

#[test]
fn a_document_of_any_format_can_be_added() {
    let value = serde_json::json!({ "shutdown": { "grace": "1s" } });
    assert_eq!(
        loaded(ConfigLoader::new().document("a value", value)).shutdown.grace,
        Duration::from_secs(1)
    );
    let mistake = mistake(ConfigLoader::new().document("YAML", serde_json::json!([1])));
    assert_eq!(mistake.to_string(), "found a list, expected a table of keys (YAML)");
}

#[test]
fn text_that_is_no_json_is_one_mistake_with_its_line() {
    let mistake = mistake(ConfigLoader::new().json("{\n  \"retry\": {\n"));
    assert_eq!(mistake.kind(), MistakeKind::Syntax);
    let origin = Origin::Document { name: "JSON".to_owned(), line: Some(3) };
    assert_eq!(mistake.origin(), Some(&origin));
}

#[test]
fn json_that_says_something_twice_is_wrong() {
    let text = "{ \"retry\": { \"budget\": 1,\n \"budget\": 2 },\n \"retry\": { \"budget\": 3 } }";
    let mistakes = crate::mistakes(ConfigLoader::new().json(text));
    let line = |at| Origin::Document { name: "JSON".to_owned(), line: Some(at) };
    let seen: Vec<_> = mistakes.iter().map(|one| (one.kind(), one.path())).collect();
    assert_eq!(seen, [(MistakeKind::Twice, "retry.budget"); 2]);
    let lines: Vec<_> = mistakes.iter().filter_map(|one| one.origin().cloned()).collect();
    assert_eq!(lines, [line(2), line(3)]);
}

#[test]
fn files_are_read_by_their_ending_and_named_in_mistakes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.JSON");
    std::fs::write(&path, "\u{feff}{\n\"retry\": {\n\"budget\": 101 } }").expect("it is written");
    let mistake = mistake(ConfigLoader::new().file(&path));
    assert_eq!(mistake.origin(), Some(&Origin::File { path: path.clone(), line: Some(3) }));
    std::fs::write(&path, r#"{ "retry": { "budget": 100 } }"#).expect("it is written");
    assert_eq!(loaded(ConfigLoader::new().file(&path)).retry.budget, 100);
}

#[test]
fn a_file_that_cannot_be_used_is_a_mistake() {
    for name in ["nowhere.json", "app.ini", "app", ""] {
        let mistake = mistake(ConfigLoader::new().file(name));
        assert_eq!(mistake.kind(), MistakeKind::File, "{name}");
        assert_eq!(mistake.origin(), Some(&Origin::File { path: name.into(), line: None }));
    }
}

#[cfg(feature = "toml")]
#[test]
fn toml_says_the_same_as_json() {
    let text = r#"
        [command_bus]
        timeout = "1.5s"
        queue = 1_000
        max_depth = 0x10
        warn_after = 0.5
        concurrency = "none"
        [logging]
        arguments = true
        [handlers."bank.deposit"]
        timeout = "2s"
        [handlers.bank.withdraw]
        breaker = false
        [handlers."bank.close"]
    "#;
    let json = r#"{
        "command_bus": { "timeout": "1.5s", "queue": 1000, "max_depth": 16, "warn_after": 0.5 },
        "logging": { "arguments": true },
        "handlers": {
            "bank.deposit": { "timeout": "2s" }, "bank.withdraw": { "breaker": false }
        }
    }"#;
    let (text, json) = (ConfigLoader::new().toml(text), ConfigLoader::new().json(json));
    assert_eq!(loaded(text), loaded(json));
}

#[cfg(feature = "toml")]
#[test]
fn toml_gives_the_line_of_each_mistake() {
    let text = "[retry]\nbudget = 1_000_000_000_000_000_000\nbase = 2026-01-01\njitter = [1]\n\
                factor = inf\n[retry.cap]\nx = 1\ny = 2\n";
    let mistakes = crate::mistakes(ConfigLoader::new().toml(text));
    let mut seen: Vec<_> =
        mistakes.iter().map(|one| (one.origin().map(ToString::to_string), one.path())).collect();
    seen.sort();
    let at = |line, path| (Some(format!("TOML, line {line}")), path);
    assert_eq!(
        seen,
        [
            at(2, "retry.budget"),
            at(3, "retry.base"),
            at(4, "retry.jitter"),
            at(5, "retry.factor"),
            at(7, "retry.cap"),
        ]
    );
}

#[cfg(feature = "toml")]
#[test]
fn every_line_that_is_no_toml_is_reported() {
    let mistakes = crate::mistakes(ConfigLoader::new().toml("a = \n[retry]\nb = = 2\n"));
    let lines: Vec<_> =
        mistakes.iter().filter_map(|one| one.origin().map(ToString::to_string)).collect();
    assert!(mistakes.iter().all(|one| one.kind() == MistakeKind::Syntax), "{mistakes:?}");
    assert!(lines.contains(&"TOML, line 1".to_owned()), "{lines:?}");
    assert!(lines.contains(&"TOML, line 3".to_owned()), "{lines:?}");
}

#[cfg(not(feature = "toml"))]
#[test]
fn a_toml_file_asks_for_the_feature() {
    let mistake = mistake(ConfigLoader::new().file("app.toml"));
    assert_eq!(mistake.expected(), "the feature `toml` of the framework");
}
