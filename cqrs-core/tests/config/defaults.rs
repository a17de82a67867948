//! The default of every key, written out a second time.

use cqrs_core::config::{Config, ConfigLoader};

use crate::loaded;

const DEFAULTS: &[(&str, &str)] = &[
    ("command_bus.initial_capacity", "256"),
    ("command_bus.enable_metrics", "true"),
    ("command_bus.timeout", r#""30s""#),
    ("command_bus.warn_after", "0.8"),
    ("command_bus.concurrency", r#""none""#),
    ("command_bus.queue", "1024"),
    ("command_bus.max_depth", "16"),
    ("query_bus.initial_capacity", "256"),
    ("query_bus.enable_metrics", "true"),
    ("query_bus.timeout", r#""30s""#),
    ("query_bus.concurrency", r#""none""#),
    ("query_bus.queue", "1024"),
    ("query_bus.cache_ttl", r#""10m""#),
    ("query_bus.cache_capacity", "10000"),
    ("query_bus.cache_eviction", r#""lru""#),
    ("query_bus.max_retries", "3"),
    ("circuit_breaker.failure_threshold", "10"),
    ("circuit_breaker.timeout", r#""30s""#),
    ("circuit_breaker.window", r#""1m""#),
    ("circuit_breaker.probes", "1"),
    ("retry.base", r#""50ms""#),
    ("retry.factor", "2"),
    ("retry.cap", r#""5s""#),
    ("retry.jitter", r#""full""#),
    ("retry.budget", "20"),
    ("retry.conflicts", "10"),
    ("rate_limit.rate", r#""none""#),
    ("rate_limit.keys", "65536"),
    ("event_bus.flavour", r#""async""#),
    ("event_bus.queue", "10000"),
    ("event_bus.overflow", r#""wait""#),
    ("event_bus.concurrency", r#""none""#),
    ("event_bus.error_buffer", "100"),
    ("event_bus.strict", "false"),
    ("event_handlers.max_attempts", "5"),
    ("event_handlers.base", r#""100ms""#),
    ("event_handlers.cap", r#""30s""#),
    ("event_handlers.batch", "256"),
    ("event_handlers.lease", "\"10s\""),
    ("logging.enabled", "true"),
    ("logging.arguments", "false"),
    ("logging.timing", "true"),
    ("logging.sampling", "1.0"),
    ("authorization.deny_by_default", "false"),
    ("audit.enabled", "false"),
    ("audit.fail_closed", "false"),
    ("shutdown.grace", r#""10s""#),
    ("aggregates.cached", "10000"),
];

#[test]
fn every_key_has_its_documented_default() {
    let keys = Config::keys().iter();
    let actual: Vec<_> = keys.filter_map(|key| Some((key.path(), key.default()?))).collect();
    let expected: Vec<_> =
        DEFAULTS.iter().map(|(path, value)| (*path, (*value).to_owned())).collect();
    assert_eq!(actual, expected);
}

#[test]
fn nothing_said_is_the_default_and_valid() {
    assert_eq!(loaded(ConfigLoader::new()), Config::default());
    assert_eq!(loaded(ConfigLoader::new().json("{}")), Config::default());
    Config::default().validate().expect("the default is valid");
}

#[test]
fn a_default_may_be_written_out_in_text_and_in_json() {
    for (path, value) in DEFAULTS {
        let (section, name) = path.split_once('.').expect("a section and a name");
        let json = format!(r#"{{ "{section}": {{ "{name}": {value} }} }}"#);
        assert_eq!(loaded(ConfigLoader::new().json(&json)), Config::default(), "{json}");
        let text = value.trim_matches('"');
        assert_eq!(loaded(ConfigLoader::new().set(*path, text)), Config::default(), "{path}");
    }
}

#[test]
fn a_key_under_a_name_has_no_value_of_its_own() {
    let named: Vec<_> = Config::keys().iter().filter(|key| key.default().is_none()).collect();
    let paths: Vec<_> = named.iter().map(|key| key.path()).collect();
    assert_eq!(
        paths,
        [
            "handlers.*.timeout",
            "handlers.*.concurrency",
            "handlers.*.rate_limit",
            "handlers.*.retry",
            "handlers.*.cache_ttl",
            "handlers.*.breaker",
            "subscriptions.*.max_attempts",
            "subscriptions.*.base",
            "subscriptions.*.cap",
        ]
    );
}
