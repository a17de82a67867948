//! Differences by field, so that a failing test says what to look at.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};

use cqrs_core::event::Event;
use cqrs_core::message::{Codec, Encoding};
use serde_json::Value;

/// The difference between two lists of events, by stored type and field.
pub(super) fn events<E: Event + Debug>(expected: &[E], actual: &[E]) -> String {
    let mut out = String::new();
    for index in 0..expected.len().max(actual.len()) {
        match (expected.get(index), actual.get(index)) {
            (Some(expected), None) => line(&mut out, index, "missing", expected),
            (None, Some(actual)) => line(&mut out, index, "not expected", actual),
            (Some(expected), Some(actual)) => event(&mut out, index, expected, actual),
            (None, None) => {}
        }
    }
    out
}

fn line<E: Event + Debug>(out: &mut String, index: usize, what: &str, event: &E) {
    let _ = writeln!(out, "  event {index} {what}: {} {event:?}", event.event_type().name);
}

fn event<E: Event + Debug>(out: &mut String, index: usize, expected: &E, actual: &E) {
    let (wanted, got) = (expected.event_type().name, actual.event_type().name);
    if wanted != got {
        let _ = writeln!(out, "  event {index}: expected {wanted} {expected:?}");
        let _ = writeln!(out, "           got      {got} {actual:?}");
        return;
    }
    match (content(expected), content(actual)) {
        (Some(expected), Some(actual)) if expected != actual => {
            let mut fields = Vec::new();
            values(&mut fields, String::new(), Some(&expected), Some(&actual));
            for (path, expected, actual) in fields {
                let _ = writeln!(
                    out,
                    "  event {index} {wanted} {path}: expected {expected}, got {actual}"
                );
            }
        }
        (Some(_), Some(_)) => {}
        _ => out.push_str(&debug(expected, actual)),
    }
}

fn content<E: Event>(event: &E) -> Option<Value> {
    let mut payload = Vec::new();
    event.encode(&mut payload).ok()?;
    (E::Codec::ENCODING == Encoding::JSON).then(|| serde_json::from_slice(&payload).ok())?
}

fn values(
    out: &mut Vec<(String, String, String)>,
    path: String,
    expected: Option<&Value>,
    actual: Option<&Value>,
) {
    match (expected, actual) {
        (Some(Value::Object(expected)), Some(Value::Object(actual))) => {
            let keys: BTreeSet<&String> = expected.keys().chain(actual.keys()).collect();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                values(out, inner, expected.get(key), actual.get(key));
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(actual))) => {
            for index in 0..expected.len().max(actual.len()) {
                let inner = format!("{path}[{index}]");
                values(out, inner, expected.get(index), actual.get(index));
            }
        }
        (expected, actual) if expected != actual => {
            let text = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            out.push((path, text(expected), text(actual)));
        }
        _ => {}
    }
}

/// The lines in which two values' debug forms differ.
pub(super) fn debug<T: Debug>(expected: &T, actual: &T) -> String {
    let (expected, actual) = (format!("{expected:#?}"), format!("{actual:#?}"));
    let (left, right): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), actual.lines().collect());
    if left.len() != right.len() {
        return format!("  expected {expected}\n  got      {actual}\n");
    }
    let mut out = String::new();
    for (left, right) in left.iter().zip(&right) {
        if left == right {
            let _ = writeln!(out, "    {left}");
        } else {
            let _ = writeln!(out, "  - {left}\n  + {right}");
        }
    }
    out
}
