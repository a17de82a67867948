//! Every value that a key cannot have, and every key that is none.

use std::collections::BTreeSet;
use std::time::Duration;

use cqrs_core::config::{Config, ConfigLoader, MistakeKind, WarnAfter};

use crate::{loaded, mistake, mistakes};

const DURATION: &[&str] =
    &[r#""0s""#, r#""-1s""#, r#""1000d""#, r#""soon""#, r#""""#, "5", "1.5", "true", "null", "[]"];
const SWITCH: &[&str] = &[r#""yes""#, r#""true""#, "1", "null", "{\"x\": 1}", "[true]"];
const CHOICE: &[&str] = &[r#""other""#, r#""FULL""#, "1", "true", "null", "{}"];
const COUNT: &[&str] = &["-1", "1.5", r#""5""#, "true", "null", "1e30", "99999999999999999999"];

fn is_duration(path: &str) -> bool {
    ["timeout", "window", "base", "cap", "cache_ttl"].iter().any(|name| path.ends_with(name))
}

/// What is wrong for a key beside what is wrong for its type.
fn bad_values(path: &str, expected: &str) -> Vec<&'static str> {
    let of_type = match expected {
        _ if is_duration(path) => DURATION,
        "true or false" => SWITCH,
        count if count.contains("a whole number") => COUNT,
        _ if path.ends_with("jitter") || path.ends_with("cache_eviction") => CHOICE,
        _ if path.ends_with("flavour") || path.ends_with("overflow") => CHOICE,
        _ => &[],
    };
    let optional = expected.starts_with("\"none\"");
    let mut bad: Vec<_> =
        of_type.iter().copied().filter(|value| !optional || *value != "null").collect();
    bad.extend(match path {
        "shutdown.grace" => &[r#""25h""#, r#""-1s""#, "0", "10", "null"][..],
        "event_handlers.lease" => &[r#""99ms""#, r#""25h""#, r#""-1s""#, "0", "10", "null"],
        "command_bus.warn_after" => &["0", "1.1", r#""0s""#, r#""101%""#, r#""%""#, "-0.5", "true"],
        "retry.factor" => &["0", "0.9", "101", r#""2""#, "null", "1e300"],
        "logging.sampling" => &["-0.1", "1.1", r#""half""#, "null", r#""NaN""#],
        "rate_limit.rate" | "handlers.*.rate_limit" => {
            &["100", r#""100""#, r#""0/s""#, r#""1/0s""#, r#""-1/s""#, r#""1/s burst 0""#, "true"]
        }
        "retry.budget" => &["101"],
        "retry.conflicts" | "command_bus.max_depth" => &["1001"],
        _ => &[],
    });
    let zero_is_wrong = expected.contains("number from 1 to");
    bad.extend(zero_is_wrong.then_some("0").filter(|_| !bad.contains(&"0")));
    bad
}

#[test]
fn every_bad_value_of_every_key_is_one_mistake_at_its_path() {
    let mut tried = 0;
    for key in Config::keys() {
        let bad = bad_values(key.path(), &key.expected());
        assert!(bad.len() >= 4, "{} has no bad values", key.path());
        let path = key.path().replace('*', "bank.deposit");
        for value in bad {
            let text = format!(r#"{{ "{}": {value} }}"#, path);
            let mistake = mistake(ConfigLoader::new().json(&text));
            // A table in the place of a value cannot know under which name it is meant.
            assert!(mistake.path().starts_with(&path) || mistake.path() == key.path(), "{text}");
            assert!(
                matches!(mistake.kind(), MistakeKind::Value | MistakeKind::UnknownKey),
                "{mistake}"
            );
            assert!(mistake.origin().is_some(), "{mistake}");
            let is_value = mistake.kind() == MistakeKind::Value;
            assert_eq!(mistake.found().is_some(), is_value, "{mistake}");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn every_number_and_duration_has_bounds_that_may_be_reached() {
    for key in Config::keys() {
        let expected = key.expected();
        let Some((_, bounds)) = expected.split_once(" from ") else { continue };
        let bounds = bounds.split(',').next().unwrap_or_default();
        let (low, high) = bounds.split_once(" to ").expect("two bounds");
        let path = key.path().replace('*', "bank.deposit");
        let load = |value: &str| {
            // The longest delay is not below the first one, nor the other way round.
            let loader = ConfigLoader::new().set("retry.cap", "24h").set("retry.base", "1ms");
            let loader = loader.set("event_handlers.cap", "24h").set("event_handlers.base", "1ms");
            loader.set(&path, value).load()
        };
        for bound in [low, high] {
            load(bound).unwrap_or_else(|error| panic!("{path} = {bound}: {error}"));
        }
        if let Ok(high) = high.parse::<u64>() {
            load(&(high + 1).to_string()).expect_err(&path);
        }
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    // given
    let text = r#"{
        "command_bus": { "timeout": "0s", "queue": "many", "colour": "red" },
        "retry": { "jitter": "ful", "base": "10s" },
        "handlers": { "bank.deposit": { "timeout": 5, "retires": 3 } },
        "logging": []
    }"#;
    let environment = crate::variables([("CQRS_AUDIT__ENABLED", "maybe")]);
    // when
    let seen = mistakes(ConfigLoader::new().json(text).environment("CQRS", environment));
    // then
    let seen: BTreeSet<_> = seen.iter().map(|one| (one.path(), one.hint())).collect();
    let expected = BTreeSet::from([
        ("command_bus.timeout", None),
        ("command_bus.queue", None),
        (
            "command_bus.colour",
            Some(
                "the keys of command_bus are initial_capacity, enable_metrics, timeout, \
                 warn_after, concurrency, queue, max_depth",
            ),
        ),
        ("retry.jitter", Some("did you mean \"full\"?")),
        ("retry.base", None),
        ("handlers.bank.deposit.timeout", Some("a unit is missing: for seconds write \"5s\"")),
        (
            "handlers.bank.deposit.retires",
            Some(
                "the keys of handlers are timeout, concurrency, rate_limit, retry, cache_ttl, \
                 breaker",
            ),
        ),
        ("logging", None),
        ("audit.enabled", None),
    ]);
    assert_eq!(seen, expected);
}

#[test]
fn an_unknown_key_is_told_what_was_meant() {
    let cases = [
        ("command_bus.tmeout", Some("did you mean timeout?")),
        ("commandBus.initialCapacity", Some("did you mean command_bus.initial_capacity?")),
        ("command-bus.timeout", Some("did you mean command_bus.timeout?")),
        ("circuit_braker.probes", Some("did you mean circuit_breaker.probes?")),
        ("handler.bank.deposit.retry", Some("did you mean handlers.bank.deposit.retry?")),
        ("handlers.bank.deposit.cacheTtl", Some("did you mean cache_ttl?")),
        ("shutdwn", Some("did you mean shutdown?")),
        ("something.else", None),
        ("", None),
    ];
    for (path, hint) in cases {
        let mistake = mistake(ConfigLoader::new().set(path, "1"));
        assert_eq!((mistake.kind(), mistake.path()), (MistakeKind::UnknownKey, path));
        assert_eq!(mistake.hint(), hint, "{path}");
    }
}

#[test]
fn hints_say_how_a_value_is_written() {
    let cases = [
        ("command_bus.timeout", r#""30""#, "a unit is missing: for seconds write \"30s\""),
        ("command_bus.queue", r#""5""#, "write 5 without quotes"),
        ("command_bus.concurrency", r#""non""#, "did you mean \"none\"?"),
        ("rate_limit.rate", "100", "for calls in a second write \"100/s\""),
        ("logging.enabled", r#""on""#, "write true"),
        ("event_bus.overflow", r#""shead""#, "did you mean \"shed\"?"),
    ];
    for (path, value, hint) in cases {
        let mistake = mistake(ConfigLoader::new().json(&format!(r#"{{ "{path}": {value} }}"#)));
        assert_eq!(mistake.hint(), Some(hint), "{path}");
    }
}

#[test]
fn a_section_is_a_table() {
    for (path, value) in [("retry", "5"), ("handlers", "[]"), ("handlers.bank", "true")] {
        let mistake = mistake(ConfigLoader::new().json(&format!(r#"{{ "{path}": {value} }}"#)));
        assert_eq!((mistake.path(), mistake.expected()), (path, "a table of keys"));
    }
    let empty = r#"{ "retry": {}, "handlers": { "bank": {}, "bank.deposit": {} } }"#;
    assert_eq!(loaded(ConfigLoader::new().json(empty)), Config::default());
}

#[test]
fn a_name_is_well_formed() {
    let long = "x".repeat(256);
    for name in ["", "a\u{7}b", &long] {
        let mistake = mistake(ConfigLoader::new().set(format!("handlers.{name}.retry"), "1"));
        assert_eq!(mistake.kind(), MistakeKind::UnknownName, "{name:?}");
        assert!(!mistake.to_string().contains('\u{7}'));
    }
}

#[test]
fn what_is_found_is_shown_short() {
    let long = "é".repeat(10_000);
    let mistake = mistake(ConfigLoader::new().set("retry.budget", &long).set("retry.factor", "2"));
    assert!(mistake.to_string().len() < 300, "{mistake}");
    let unknown = crate::mistake(ConfigLoader::new().set(&long, "1"));
    assert!(unknown.to_string().len() < 800, "{unknown}");
}

#[test]
fn a_value_of_an_unknown_key_is_kept_to_itself() {
    let variables = crate::variables([("CQRS_DATABASE__PASSWORD", "hunter2")]);
    let loader = ConfigLoader::new().environment("CQRS", variables);
    let loader = loader.json(r#"{ "password": "hunter2", "password": "hunter2" }"#);
    let error = loader.load().expect_err("these keys do not exist");
    assert_eq!(error.mistakes().len(), 3);
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn the_largest_values_are_refused_in_words() {
    let seen = mistakes(ConfigLoader::new().code(|config| {
        config.shutdown.grace = Duration::MAX;
        config.command_bus.timeout = Duration::MAX;
        config.command_bus.warn_after = WarnAfter::Fraction(f64::INFINITY);
        config.command_bus.queue = usize::MAX;
        config.retry.budget = u32::MAX;
        config.retry.factor = u32::MAX;
    }));
    assert_eq!(seen.len(), 6, "{seen:#?}");
    let after = WarnAfter::Fraction(f64::MAX).of(Duration::MAX);
    assert_eq!(after, Duration::MAX);
}
