//! Variables and the keys that they stand for.

use std::time::Duration;

use cqrs_core::config::{ConfigLoader, Limit, MistakeKind, Origin, environment};

use crate::{loaded, mistake, variables};

fn with<const N: usize>(pairs: [(&str, &str); N]) -> ConfigLoader {
    ConfigLoader::new().environment("CQRS", variables(pairs))
}

#[test]
fn two_underscores_stand_for_a_dot() {
    let config = loaded(with([
        ("CQRS_COMMAND_BUS__TIMEOUT", "5s"),
        ("CQRS_COMMAND_BUS__QUEUE", "7"),
        ("CQRS_LOGGING__ARGUMENTS", "true"),
        ("CQRS_LOGGING__SAMPLING", "0.25"),
        ("CQRS_RATE_LIMIT__RATE", "10/1s burst 20"),
        ("CQRS_QUERY_BUS__CONCURRENCY", "none"),
    ]));
    assert_eq!(config.command_bus.timeout, Duration::from_secs(5));
    assert_eq!(config.command_bus.queue, 7);
    assert!(config.logging.arguments);
    assert_eq!(config.logging.sampling, 0.25);
    assert_eq!(config.rate_limit.rate, Limit::Of("10/s burst 20".parse().expect("a rate")));
    assert_eq!(config.query_bus.concurrency, Limit::None);
}

#[test]
fn a_wire_name_has_dots_and_may_have_capitals() {
    let config = loaded(with([
        ("CQRS_HANDLERS__BANK__OPEN_ACCOUNT__TIMEOUT", "5s"),
        ("CQRS_HANDLERS__Bank__Deposit__RETRY", "0"),
        ("CQRS_SUBSCRIPTIONS__BALANCES__MAX_ATTEMPTS", "2"),
    ]));
    assert_eq!(config.handlers["bank.open_account"].timeout, Some(Duration::from_secs(5)));
    assert_eq!(config.handlers["Bank.Deposit"].retry, Some(0));
    assert_eq!(config.subscriptions["balances"].max_attempts, Some(2));
}

#[test]
fn what_belongs_to_others_is_left_alone() {
    let config = loaded(with([
        ("HOME", "/root"),
        ("CQRS", "1"),
        ("CQRSX_COMMAND_BUS__TIMEOUT", "nonsense"),
        ("CQRS_POSTGRES_URL", "postgres://localhost"),
        ("COMMAND_BUS__TIMEOUT", "nonsense"),
    ]));
    assert_eq!(config, cqrs_core::config::Config::default());
}

#[test]
fn one_underscore_too_few_is_a_slip() {
    let mistake = mistake(with([("CQRS_COMMAND_BUS_TIMEOUT", "5s")]));
    assert_eq!(mistake.kind(), MistakeKind::UnknownKey);
    assert_eq!(mistake.hint(), Some("did you mean CQRS_COMMAND_BUS__TIMEOUT?"));
}

#[test]
fn a_mistake_names_its_variable() {
    let mistake = mistake(with([("CQRS_COMMAND_BUS__TIMEOUT", "5")]));
    assert_eq!(mistake.path(), "command_bus.timeout");
    let variable = "CQRS_COMMAND_BUS__TIMEOUT".to_owned();
    assert_eq!(mistake.origin(), Some(&Origin::Environment { variable }));
    assert_eq!(
        mistake.to_string(),
        "command_bus.timeout: found \"5\", expected a duration from 1ms to 24h, such as \"30s\"; a \
         unit is missing: for seconds write \"5s\" (environment variable \
         CQRS_COMMAND_BUS__TIMEOUT)"
    );
}

#[test]
fn two_variables_of_one_key_are_a_mistake() {
    let mistake =
        mistake(with([("CQRS_COMMAND_BUS__TIMEOUT", "5s"), ("CQRS_command_bus__timeout", "6s")]));
    assert_eq!((mistake.kind(), mistake.path()), (MistakeKind::Twice, "command_bus.timeout"));
}

#[test]
fn the_prefix_may_be_any_and_end_in_an_underscore() {
    let variables = || variables([("BANK_APP_SHUTDOWN__GRACE", "3s")]);
    for prefix in ["BANK_APP", "BANK_APP_"] {
        let config = loaded(ConfigLoader::new().environment(prefix, variables()));
        assert_eq!(config.shutdown.grace, Duration::from_secs(3));
    }
}

#[test]
fn the_environment_of_the_process_is_given_as_pairs() {
    let variables = environment::process();
    assert!(variables.iter().any(|(name, value)| name == "PATH" && !value.is_empty()));
}
