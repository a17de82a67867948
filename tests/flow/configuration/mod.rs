//! The configuration in a running application: each key changes something that
//! can be seen, and each live one does so while calls go on.

mod desk;
mod logged;

mod answers;
mod buses;
mod events;
mod failing;
mod observed;
mod whole;

use std::collections::BTreeSet;

use cqrs_core::config::Config;

/// Accepted and without effect, as their documentation says.
const WITHOUT_EFFECT: &[&str] = &["command_bus.initial_capacity", "query_bus.initial_capacity"];

/// Keys of one section that another file looks at.
const ELSEWHERE: &[(&str, &str)] = &[("event_bus", "event_bus.rs")];

macro_rules! proofs {
    ($($path:literal: $file:ident::$test:ident,)*) => {
        /// Each key with the test that sees its effect.
        const PROOFS: &[(&str, fn())] = &[$(($path, $file::$test)),*];
    };
}

proofs! {
    "command_bus.enable_metrics": observed::commands_are_counted_or_not,
    "command_bus.timeout": buses::a_command_is_given_up_after_the_time_of_its_bus,
    "command_bus.warn_after": buses::a_call_that_takes_long_is_told_of_before_its_time_is_up,
    "command_bus.concurrency": buses::so_many_commands_run_at_once_and_so_many_wait,
    "command_bus.queue": buses::so_many_commands_run_at_once_and_so_many_wait,
    "command_bus.max_depth": buses::handlers_send_on_up_to_a_depth,
    "query_bus.enable_metrics": observed::commands_are_counted_or_not,
    "query_bus.timeout": buses::a_query_is_given_up_after_the_time_of_its_bus,
    "query_bus.concurrency": buses::so_many_queries_run_at_once_and_so_many_wait,
    "query_bus.queue": buses::so_many_queries_run_at_once_and_so_many_wait,
    "query_bus.cache_ttl": answers::an_answer_is_kept_so_long,
    "query_bus.cache_capacity": answers::so_many_answers_are_kept,
    "query_bus.cache_eviction": answers::which_answer_goes_is_a_matter_of_policy,
    "query_bus.max_retries": failing::a_query_is_asked_again_so_often,
    "circuit_breaker.failure_threshold":
        failing::so_many_failures_open_a_breaker_and_one_less_does_not,
    "circuit_breaker.timeout": failing::an_open_breaker_lets_probes_through_after_its_time,
    "circuit_breaker.window": failing::failures_count_as_far_back_as_the_window_reaches,
    "circuit_breaker.probes": failing::so_many_probes_have_to_succeed,
    "retry.base": failing::the_pauses_between_tries_are_as_they_are_said,
    "retry.factor": failing::the_pauses_between_tries_are_as_they_are_said,
    "retry.cap": failing::the_pauses_between_tries_are_as_they_are_said,
    "retry.jitter": failing::the_pauses_between_tries_are_as_they_are_said,
    "retry.budget": failing::without_a_budget_nothing_is_tried_again,
    "retry.conflicts": failing::a_command_that_lost_is_decided_again_so_often,
    "rate_limit.rate": failing::a_caller_may_make_so_many_calls,
    "rate_limit.keys": failing::so_many_callers_are_told_apart,
    "event_handlers.max_attempts": events::an_event_is_tried_so_often,
    "event_handlers.base": events::an_event_is_tried_again_after_pauses_that_begin_small,
    "event_handlers.cap": events::the_pauses_between_tries_of_an_event_have_a_bound,
    "event_handlers.batch": events::so_many_events_are_committed_together,
    "event_handlers.lease": events::a_process_that_is_silent_so_long_loses_its_handlers,
    "logging.enabled": observed::calls_are_logged_or_not,
    "logging.arguments": observed::what_is_logged_of_a_call_has_its_content_or_not,
    "logging.timing": observed::what_is_logged_of_a_call_has_its_time_or_not,
    "logging.sampling": observed::a_part_of_the_calls_is_logged_and_those_that_fail_always,
    "authorization.deny_by_default":
        observed::a_message_without_a_rule_is_refused_where_that_is_wanted,
    "audit.enabled": observed::calls_are_recorded_or_not,
    "audit.fail_closed": observed::a_call_that_cannot_be_recorded_is_refused_where_that_is_wanted,
    "shutdown.grace": buses::a_shutdown_waits_as_long_as_it_may,
    "aggregates.cached": answers::so_many_aggregates_stay_loaded,
    "handlers.*.timeout": buses::one_handler_may_have_another_time,
    "handlers.*.concurrency": buses::one_handler_may_have_turns_of_its_own,
    "handlers.*.rate_limit": failing::one_handler_may_have_a_rate_of_its_own,
    "handlers.*.retry": failing::one_handler_may_be_tried_again,
    "handlers.*.cache_ttl": answers::answers_of_one_query_may_be_kept_for_another_time,
    "handlers.*.breaker": failing::so_many_failures_open_a_breaker_and_one_less_does_not,
    "subscriptions.*.max_attempts": events::one_subscription_may_try_in_another_way,
    "subscriptions.*.base": events::one_subscription_may_begin_with_other_pauses,
    "subscriptions.*.cap": events::the_pauses_of_one_subscription_may_have_another_bound,
}

#[test]
fn every_key_has_a_test_that_sees_its_effect() {
    let elsewhere = |section: &str| ELSEWHERE.iter().any(|(other, _)| *other == section);
    let keys = Config::keys().iter().filter(|key| !elsewhere(key.section()));
    let keys: BTreeSet<_> = keys.map(|key| key.path()).collect();
    let proved = PROOFS.iter().map(|(path, _)| *path).chain(WITHOUT_EFFECT.iter().copied());
    assert_eq!(proved.collect::<BTreeSet<_>>(), keys);
    for key in Config::keys().iter().filter(|key| WITHOUT_EFFECT.contains(&key.path())) {
        assert!(key.doc().contains("without effect"), "{}", key.path());
    }
}
