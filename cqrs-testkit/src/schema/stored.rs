//! What a package stores, from the registry.

use std::collections::BTreeMap;

use cqrs_core::event::EventType;
use cqrs_core::message::SourceLocation;
use cqrs_core::registry::{Body, ReadAgain, Registration};
use cqrs_core::schema::{EntryKind, Shape};

/// Everything that a package stores.
#[derive(Default)]
pub(super) struct Stored {
    /// Event types by stored name.
    pub(super) events: BTreeMap<&'static str, StoredEvent>,
    /// Names that are read and are no types any more.
    pub(super) retired: BTreeMap<&'static str, ReadAgain>,
    /// The stored states of aggregates.
    pub(super) states: BTreeMap<&'static str, State>,
}

/// One event type and what reads it.
#[derive(Clone, Copy)]
pub(super) struct StoredEvent {
    pub(super) kind: EventType,
    pub(super) read: ReadAgain,
}

/// The state that an aggregate stores.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) version: u32,
    pub(super) shape: &'static Shape,
    pub(super) location: SourceLocation,
}

/// One version of something.
#[derive(Clone, Copy)]
pub(super) struct Version {
    pub(super) kind: EntryKind,
    pub(super) name: &'static str,
    pub(super) version: u32,
    /// `None` when it is read untyped.
    pub(super) shape: Option<&'static Shape>,
    pub(super) is_current: bool,
    pub(super) location: SourceLocation,
}

impl Stored {
    /// What the linked registrations say of a package.
    pub(super) fn of(package: &str, registrations: &[Registration]) -> Self {
        let mut stored = Self::default();
        for one in registrations.iter().filter(|one| one.package == package) {
            match one.body {
                Body::Events { types, retired, read } => {
                    for kind in types {
                        stored.events.insert(kind.name, StoredEvent { kind: *kind, read });
                    }
                    stored.retired.extend(retired.iter().map(|name| (*name, read)));
                }
                Body::Aggregate { state: Some((version, shape)), .. } => {
                    let state = State { version, shape, location: one.location };
                    stored.states.insert(one.name, state);
                }
                _ => {}
            }
        }
        // An event struct of another package has its place there.
        stored
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.states.is_empty()
    }

    /// Every version of everything, under each name that it had.
    pub(super) fn versions(&self) -> Vec<Version> {
        let mut versions = Vec::new();
        for event in self.events.values() {
            let EventType { name, history, formerly, location, .. } = event.kind;
            for name in formerly.iter().chain([&name]) {
                let of_name = |version: u32, shape, is_current| Version {
                    kind: EntryKind::Event,
                    name,
                    version,
                    shape,
                    is_current,
                    location,
                };
                for past in history {
                    versions.push(of_name(past.version.get(), past.shape, false));
                }
                let is_current = *name == event.kind.name;
                let version = event.kind.version.get();
                versions.push(of_name(version, Some(event.kind.shape), is_current));
            }
        }
        for (name, state) in &self.states {
            versions.push(Version {
                kind: EntryKind::Snapshot,
                name,
                version: state.version,
                shape: Some(state.shape),
                is_current: true,
                location: state.location,
            });
        }
        versions
    }

    /// What reads events that are stored under a name.
    pub(super) fn reader(&self, name: &str) -> Option<ReadAgain> {
        let event = self.events.values().find(|event| event.kind.is_stored_as(name));
        event.map(|event| event.read).or_else(|| self.retired.get(name).copied())
    }
}
