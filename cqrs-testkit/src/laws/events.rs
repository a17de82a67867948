//! Laws of events: what is stored is read back, old or new.

use std::path::Path;

use cqrs_core::aggregate::{Aggregate, Apply};
use cqrs_core::event::{DecodeError, Decoded, Event, EventType};
use cqrs_core::message::{Codec, Encoding, SchemaVersion};
use cqrs_core::schema::{EntryKind, LockFile, Scalar, Shape};
use serde_json::Value;

use super::histories::{decided_events_are_kept, sorted};
use super::runner::{Verdict, hold};
use crate::record::recorded;
use crate::values::values;
use cqrs_core::report;

/// Every event is read back as the same: those that commands give, and those
/// that are made up from their shape.
///
/// # Panics
///
/// Panics with the smallest event, or the shortest history to one, for which
/// that does not hold.
#[track_caller]
pub fn events_round_trip<A: Apply>() {
    const LAW: &str = "events round trip";
    for kind in A::Event::TYPES {
        let strategy = strategy(kind.name, kind.shape);
        let of = format!("event `{}`", kind.name);
        hold(LAW, &of, &strategy, Value::to_string, |value| made_up::<A::Event>(kind, value));
    }
    decided_events_are_kept::<A>(LAW, |event| {
        // What cannot be stored is refused by the store's own rules.
        let mut content = Vec::new();
        match event.encode(&mut content) {
            Ok(()) => read_back::<A::Event>(event.event_type(), &content),
            Err(_) => Ok(()),
        }
    });
}

fn made_up<E: Event>(kind: &EventType, value: &Value) -> Result<(), Verdict> {
    let event = read::<E>(kind.name, kind.version, Encoding::JSON, value.to_string().into_bytes())
        .map_err(|error| Verdict::Refused(report(&error)))?;
    let event = event.one().ok_or_else(|| Verdict::broken("it is read as none or several"))?;
    let stored = encode(&event)?;
    let content: Value = E::Codec::decode(&stored).map_err(Verdict::broken)?;
    if let Some(path) = loss(kind.shape, value, &content) {
        return Err(Verdict::Broken(format!(
            "`{path}` is lost or changed: it is stored as {content}"
        )));
    }
    read_back::<E>(kind, &stored)
}

fn read_back<E: Event>(kind: &EventType, stored: &[u8]) -> Result<(), Verdict> {
    let encoding = E::Codec::ENCODING;
    let again = read::<E>(kind.name, kind.version, encoding, stored.to_vec());
    let again = again.map_err(|error| {
        let name = kind.name;
        Verdict::broken(format_args!("`{name}` cannot be read back: {}", report(&error)))
    })?;
    let again = again.one().ok_or_else(|| Verdict::broken("it is read back as none or several"))?;
    if again.event_type() != kind {
        let name = again.event_type().name;
        return Err(Verdict::Broken(format!("it is read back as `{name}`")));
    }
    let second = encode(&again)?;
    if sorted(stored) == sorted(&second) {
        Ok(())
    } else {
        Err(Verdict::broken("it is read back as another event"))
    }
}

fn encode<E: Event>(event: &E) -> Result<Vec<u8>, Verdict> {
    let mut out = Vec::new();
    event.encode(&mut out).map_err(Verdict::broken)?;
    Ok(out)
}

fn read<E: Event>(
    name: &str,
    version: SchemaVersion,
    encoding: Encoding,
    payload: Vec<u8>,
) -> Result<Decoded<E>, DecodeError> {
    E::decode(&recorded(name, version, encoding, payload))
}

/// The first part of a value that its encoding lacks or has otherwise.
fn loss(shape: &Shape, value: &Value, content: &Value) -> Option<String> {
    if value == content {
        return None;
    }
    match (shape, value, content) {
        (Shape::Struct { fields, .. }, Value::Object(value), Value::Object(content)) => {
            let parts = fields.iter().filter_map(|field| Some((field, value.get(field.name)?)));
            for (field, part) in parts {
                let found = content.get(field.name);
                let may_be_left_out =
                    part.is_null() || field.presence != cqrs_core::schema::Presence::Required;
                let lost = match found {
                    None if may_be_left_out => None,
                    None => Some(String::new()),
                    Some(found) => loss(field.shape, part, found),
                };
                if let Some(inner) = lost {
                    return Some(join(field.name, &inner));
                }
            }
            None
        }
        (Shape::Optional(inner), value, content) => loss(inner, value, content),
        // The made up number has more digits than the type.
        (Shape::Scalar(Scalar::F32), Value::Number(value), Value::Number(content))
            if value.as_f64().map(|one| one as f32) == content.as_f64().map(|one| one as f32) =>
        {
            None
        }
        (
            Shape::List(inner) | Shape::Array(_, inner),
            Value::Array(value),
            Value::Array(content),
        ) if value.len() == content.len() => {
            let mut parts = value.iter().zip(content);
            parts.find_map(|(value, content)| Some(join("[]", &loss(inner, value, content)?)))
        }
        // A set has no order.
        (Shape::Set(_), Value::Array(value), Value::Array(content))
            if value.len() == content.len() && value.iter().all(|one| content.contains(one)) =>
        {
            None
        }
        (Shape::Map(_, inner), Value::Object(value), Value::Object(content))
            if value.len() == content.len() =>
        {
            let mut parts = value.iter().map(|(key, value)| (value, content.get(key)));
            parts.find_map(|(value, content)| match content {
                None => Some(String::new()),
                Some(content) => loss(inner, value, content),
            })
        }
        (Shape::Tuple(parts), Value::Array(value), Value::Array(content))
            if value.len() == content.len() =>
        {
            let mut parts = parts.iter().zip(value.iter().zip(content)).enumerate();
            parts.find_map(|(at, (shape, (value, content)))| {
                Some(join(&at.to_string(), &loss(shape, value, content)?))
            })
        }
        // What an enum or an opaque part leaves out is its own affair, as long
        // as it is read back the same.
        (Shape::Enum { .. } | Shape::Opaque { .. } | Shape::Above(_), _, _) => None,
        _ => Some(String::new()),
    }
}

fn join(name: &str, inner: &str) -> String {
    if inner.is_empty() { name.to_owned() } else { format!("{name}.{inner}") }
}

/// Every old event, made up from the shape of its version, becomes one of
/// today. A version that is read untyped has the shape that the lock file of
/// the package in `folder` records.
///
/// # Panics
///
/// Panics with the smallest old event that a step cannot take.
#[track_caller]
pub fn upcasters_are_total<A: Aggregate>(folder: &Path) {
    let lock = LockFile::read(folder).unwrap_or_else(|error| panic!("{error}")).unwrap_or_default();
    for kind in A::Event::TYPES {
        for past in kind.history {
            let recorded = lock.shape(EntryKind::Event, kind.name, past.version.get());
            let Some(shape) = past.shape.or(recorded) else { continue };
            let strategy = strategy(kind.name, shape);
            let of = format!("event `{}` version {}", kind.name, past.version);
            hold("upcasters are total", &of, &strategy, Value::to_string, |value| {
                let payload = value.to_string().into_bytes();
                match read::<A::Event>(kind.name, past.version, Encoding::JSON, payload) {
                    Ok(decoded) => {
                        decoded.into_iter().try_for_each(|event| encode(&event).map(drop))
                    }
                    Err(error @ DecodeError::Content { .. }) => {
                        Err(Verdict::Refused(report(&error)))
                    }
                    Err(error) => Err(Verdict::Broken(report(&error))),
                }
            });
        }
    }
}

#[track_caller]
fn strategy(name: &str, shape: &'static Shape) -> proptest::strategy::BoxedStrategy<Value> {
    values(shape).unwrap_or_else(|none| {
        panic!(
            "no value of event `{name}` can be made up: add `sample = \"..\"` beside `opaque = \
             \"{}\"`, with a value in JSON",
            none.description
        )
    })
}
