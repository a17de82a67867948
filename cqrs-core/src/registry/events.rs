//! Whether the event types of an application fit together.

use std::collections::BTreeMap;

use super::{Body, Problem, Registration};
use crate::event::{Deleted, EventType, Restored};
use crate::message::{SchemaVersion, SourceLocation};

/// Where a stored name is declared, and at which version; a retired one has
/// none.
type Declared = (SourceLocation, Option<SchemaVersion>);

/// Stored names are unique, chains are whole, and everyone who takes an event
/// takes its current version.
pub(super) fn check_events(registrations: &[Registration], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<&'static str, Declared> = BTreeMap::new();
    for one in registrations {
        let types = match one.body {
            Body::Events { types, retired, .. } => {
                for name in retired {
                    see(&mut seen, name, (one.location, None), problems);
                }
                types
            }
            Body::Aggregate { types, .. } => {
                reserved(one, types, problems);
                continue;
            }
            Body::Projection { types, .. } | Body::EventHandler { types, .. } => types,
            _ => continue,
        };
        for event in types {
            for name in event.formerly.iter().chain([&event.name]) {
                see(&mut seen, name, (event.location, Some(event.version)), problems);
            }
            if let Some(version) = event.gap() {
                let (name, location) = (event.name, event.location);
                problems.push(Problem::BrokenChain { name, version, location });
            }
        }
    }
}

/// One type that several take is declared in one place.
fn see(
    seen: &mut BTreeMap<&'static str, Declared>,
    name: &'static str,
    (location, version): Declared,
    problems: &mut Vec<Problem>,
) {
    let Some((other, known)) = seen.insert(name, (location, version)) else { return };
    if other == location {
        return;
    }
    problems.push(match (known, version) {
        (Some(known), Some(version)) if known != version => {
            let (old, new) = ((known, other), (version, location));
            let ((version, location), (current, current_location)) =
                if known < version { (old, new) } else { (new, old) };
            Problem::StaleVersion { name, version, location, current, current_location }
        }
        _ => Problem::DuplicateName { kind: "events", name, first: other, second: location },
    });
}

/// An aggregate that held the framework's own events would not see them.
fn reserved(one: &Registration, types: &[EventType], problems: &mut Vec<Problem>) {
    for event in types {
        if [Deleted::NAME, Restored::NAME].contains(&event.name) {
            let (name, aggregate, location) = (event.name, one.name, one.location);
            problems.push(Problem::ReservedEvent { name, aggregate, location });
        }
    }
}
