//! Which of several sources counts.

use std::time::Duration;

use cqrs_core::config::{Config, ConfigLoader, Limit, MistakeKind, Origin};

use crate::{loaded, mistake, mistakes, variables};

const LOW: &str = r#"{ "retry": { "budget": 1, "conflicts": 1, "factor": 3 },
    "handlers": { "bank.deposit": { "retry": 1, "timeout": "1s" } } }"#;
const HIGH: &str = r#"{ "retry": { "budget": 2, "conflicts": 2 } }"#;

#[test]
fn a_later_layer_wins_key_by_key_whatever_the_order_of_the_calls() {
    // given
    let environment =
        variables([("CQRS_RETRY__BUDGET", "3"), ("CQRS_HANDLERS__BANK__DEPOSIT__RETRY", "3")]);
    // when
    let config = loaded(
        ConfigLoader::new()
            .code(|config| config.shutdown.grace = Duration::from_secs(5))
            .set("shutdown.grace", "4s")
            .set("retry.budget", "9")
            .set("retry.budget", "4")
            .environment("CQRS", environment)
            .json(LOW)
            .json(HIGH),
    );
    // then
    assert_eq!(config.shutdown.grace, Duration::from_secs(5), "code over set");
    assert_eq!(config.retry.budget, 4, "set over the environment");
    assert_eq!(config.handlers["bank.deposit"].retry, Some(3), "the environment over files");
    assert_eq!(config.retry.conflicts, 2, "a later file over an earlier one");
    assert_eq!(config.retry.factor, 3, "a file over the default");
    assert_eq!(config.handlers["bank.deposit"].timeout, Some(Duration::from_secs(1)));
}

#[test]
fn a_limit_that_a_lower_layer_sets_can_be_lifted() {
    let config = loaded(
        ConfigLoader::new()
            .json(r#"{ "query_bus": { "concurrency": 4 }, "rate_limit": { "rate": "1/s" } }"#)
            .json(r#"{ "query_bus": { "concurrency": null }, "rate_limit": { "rate": "none" } }"#),
    );
    assert_eq!(config.query_bus.concurrency, Limit::None);
    assert_eq!(config.rate_limit.rate, Limit::None);
}

#[test]
fn a_mistake_below_is_reported_although_it_is_replaced() {
    let loader = ConfigLoader::new().json(r#"{ "retry": { "budget": -1 } }"#);
    let mistake = mistake(loader.set("retry.budget", "1"));
    assert_eq!(mistake.found(), Some("-1"));
}

#[test]
fn mistakes_of_code_are_found_too() {
    let seen = mistakes(ConfigLoader::new().set("retry.budget", "101").code(|config| {
        config.circuit_breaker.probes = 0;
        config.logging.sampling = f64::NAN;
        config.command_bus.timeout = Duration::ZERO;
        config.handlers.entry("bank.deposit".to_owned()).or_default().retry = Some(101);
        config.handlers.entry("bank\n".to_owned()).or_default();
    }));
    let seen: Vec<_> = seen.iter().map(|one| (one.path(), one.origin())).collect();
    let code = Some(&Origin::Code);
    assert_eq!(
        seen,
        [
            ("retry.budget", Some(&Origin::Set)),
            ("handlers.bank\\n", code),
            ("command_bus.timeout", code),
            ("circuit_breaker.probes", code),
            ("logging.sampling", code),
            ("handlers.bank.deposit.retry", code),
        ]
    );
}

#[test]
fn values_that_contradict_each_other_are_reported_where_somebody_spoke() {
    let one = mistake(ConfigLoader::new().set("retry.cap", "10ms"));
    assert_eq!((one.kind(), one.path()), (MistakeKind::Contradiction, "retry.cap"));
    assert_eq!(one.expected(), r#"at least retry.base, which is "50ms""#);

    let one = mistake(ConfigLoader::new().set("retry.base", "10s"));
    assert_eq!((one.path(), one.origin()), ("retry.base", Some(&Origin::Set)));
    assert_eq!(one.expected(), r#"at most retry.cap, which is "5s""#);

    let loader = ConfigLoader::new().set("retry.cap", "1s");
    let one = mistake(loader.code(|config| config.retry.base = Duration::from_secs(2)));
    assert_eq!((one.path(), one.origin()), ("retry.base", Some(&Origin::Code)));

    let one = mistake(ConfigLoader::new().set("event_handlers.base", "1h"));
    assert_eq!(one.path(), "event_handlers.base");

    let loader = ConfigLoader::new().set("command_bus.warn_after", "31s");
    assert_eq!(mistake(loader).path(), "command_bus.warn_after");

    let one = mistake(ConfigLoader::new().set("subscriptions.balances.base", "1m"));
    assert_eq!(one.path(), "subscriptions.balances.base");
    assert_eq!(one.expected(), r#"at most event_handlers.cap, which is "30s""#);

    loaded(ConfigLoader::new().set("retry.base", "10s").set("retry.cap", "10s"));
    loaded(ConfigLoader::new().set("command_bus.warn_after", "30s"));
}

#[test]
fn a_wrong_value_is_not_a_contradiction_as_well() {
    let loader = ConfigLoader::new().set("retry.cap", "0s").set("command_bus.warn_after", "31s");
    let loader = loader.set("command_bus.timeout", "25h");
    let paths: Vec<_> = mistakes(loader).iter().map(|one| one.path().to_owned()).collect();
    assert_eq!(paths, ["retry.cap", "command_bus.timeout"]);
}

#[test]
fn validation_without_layers_finds_the_same() {
    let mut config = Config::default();
    config.retry.factor = 0;
    config.retry.base = Duration::from_secs(6);
    config.subscriptions.entry(String::new()).or_default();
    let error = config.validate().expect_err("three mistakes");
    let seen: Vec<_> = error.mistakes().iter().map(|one| (one.kind(), one.path())).collect();
    assert_eq!(
        seen,
        [
            (MistakeKind::UnknownName, "subscriptions."),
            (MistakeKind::Value, "retry.factor"),
            (MistakeKind::Contradiction, "retry.base"),
        ]
    );
}

#[test]
fn entries_for_messages_that_do_not_exist_are_named() {
    let config = loaded(
        ConfigLoader::new()
            .set("handlers.bank.deposit.retry", "1")
            .set("handlers.bank.dposit.retry", "1")
            .set("subscriptions.elsewhere.max_attempts", "1"),
    );
    let known = ["bank.deposit", "bank.withdraw"];
    let error = config.check_names(known, ["balances"]).expect_err("two are unknown");
    assert_eq!(
        error.to_string(),
        "handlers.bank.dposit: expected the wire name of a command or query of this application; \
         did you mean handlers.bank.deposit?\nsubscriptions.elsewhere: expected the name of a \
         subscription of this application"
    );
    let known = ["bank.deposit", "bank.dposit"];
    config.check_names(known, ["elsewhere"]).expect("all are known");
}
