//! The laws hold for a sound aggregate, and each finds the fault that it is
//! there for.

mod faulty;
mod sound;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use cqrs_testkit::laws;

/// What a law says that is broken.
fn found(law: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(law)).expect_err("the fault is found");
    let text = panic.downcast_ref::<String>().expect("a law speaks in text");
    text.clone()
}

#[test]
fn an_event_that_loses_a_field_is_found() {
    let text = found(laws::events_round_trip::<faulty::Forgetful>);
    assert!(
        text.starts_with("law broken: events round trip, by event `forgetful.noted`"),
        "{text}"
    );
    assert!(text.contains("`text` is lost or changed"), "{text}");
    assert!(text.ends_with("found by CQRS_SEED=0"), "{text}");
}

#[test]
fn an_event_that_is_read_as_another_is_found() {
    let text = found(laws::events_round_trip::<faulty::Clamping>);
    assert!(text.contains("`level` is lost or changed: it is stored as {\"level\":10}"), "{text}");
    // Shrunk to the smallest one beyond the limit.
    assert!(text.contains("{\"level\":11}"), "{text}");
}

#[test]
fn a_step_that_cannot_take_an_old_event_is_found() {
    let text = found(|| laws::upcasters_are_total::<faulty::Partial>(Path::new("nowhere")));
    assert!(text.starts_with("law broken: upcasters are total"), "{text}");
    assert!(text.contains("the upcaster from version 1 failed: too large"), "{text}");
    assert!(text.contains("{\"amount\":101}"), "{text}");
}

#[test]
fn an_untyped_step_is_tried_with_what_the_lock_file_records() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/laws");
    let text = found(|| laws::upcasters_are_total::<faulty::Careless>(&folder));
    assert!(text.contains("the upcaster from version 1 panicked: "), "{text}");
    assert!(text.contains("{\"note\":null}"), "{text}");
}

#[test]
fn a_history_over_which_apply_panics_is_found_and_shortened() {
    let text = found(laws::apply_is_total::<faulty::Overflowing>);
    assert!(text.starts_with("law broken: apply is total, by aggregate `overflowing`"), "{text}");
    assert!(text.contains("attempt to add with overflow"), "{text}");
    let commands = text.lines().filter(|line| line.starts_with("  ")).count();
    assert!((2..=6).contains(&commands), "{text}");
}

#[test]
fn a_decision_that_differs_is_found() {
    let text = found(laws::decisions_are_deterministic::<faulty::Dicing>);
    assert!(text.starts_with("law broken: decisions are deterministic"), "{text}");
    assert!(text.contains("and then"), "{text}");
}

#[test]
fn a_snapshot_that_leaves_something_out_is_found() {
    let text = found(laws::snapshot_and_tail_equal_a_replay::<faulty::Halved>);
    assert!(text.starts_with("law broken: snapshot and tail equal a replay"), "{text}");
    assert!(text.contains("instead of"), "{text}");
}

#[test]
fn events_that_cannot_be_made_up_are_an_error_that_says_what_to_do() {
    let text = found(laws::events_round_trip::<faulty::Opaque>);
    assert!(text.contains("add `sample = \"..\"` beside `opaque = \"a colour\"`"), "{text}");
    let text = found(laws::events_round_trip::<faulty::Picky>);
    assert!(text.starts_with("law not tried: events round trip"), "{text}");
    assert!(text.contains("`#[schema(opaque = \"..\", sample = \"..\")]`"), "{text}");
}

#[test]
fn an_aggregate_without_commands_is_an_error_that_says_so() {
    let text = found(laws::apply_is_total::<faulty::Opaque>);
    assert!(text.contains("no command of aggregate `opaque` is linked into this test"), "{text}");
}

#[test]
fn an_event_of_a_command_that_cannot_be_read_back_is_found() {
    let text = found(laws::events_round_trip::<faulty::Unreadable>);
    assert!(text.starts_with("law broken: events round trip, by aggregate `unreadable`"), "{text}");
    assert!(text.contains("`unreadable.weighed` cannot be read back: "), "{text}");
    assert!(text.contains("u128 is not supported"), "{text}");
    assert_eq!(text.matches("Weigh {").count(), 1, "the shortest history has one: {text}");
}
