//! What the application consists of, as data: every message, handler,
//! aggregate, projection and module with its name and place in the source.
//!
//! The derives and attributes submit [`Registration`]s when the program is
//! linked. The application takes those of the modules that it lists; the
//! same registrations can be handed over explicitly instead.

mod events;
mod module;
mod problem;
mod select;

pub use module::Module;
pub use problem::{BuildError, Problem};
pub(crate) use select::Selection;

use std::any::{Any, TypeId};

use serde::Serialize;

use crate::app::Wiring;
use crate::event::{DecodeError, Event, EventType};
use crate::message::{Codec, CodecError, Encoding, SourceLocation};
use crate::policy::PolicySettings;
use crate::schema::Shape;
use crate::store::RecordedEvent;
use crate::subscription::EventHandlerSettings;

/// One thing that a derive or an attribute has declared.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// What it is.
    pub kind: Kind,
    /// Its name: the wire name of a message, the handled message's wire name
    /// for a handler, the name of an aggregate or a projection.
    pub name: &'static str,
    /// The version of a message or projection, 0 where there is none.
    pub version: u32,
    /// The Rust name of the item, for people only.
    pub item: &'static str,
    /// The Rust module it stands in, for people and for finding its
    /// [`Module`]; never stored.
    pub module_path: &'static str,
    /// The package it stands in.
    pub package: &'static str,
    /// Where it stands.
    pub location: SourceLocation,
    #[doc(hidden)]
    pub body: Body,
}

/// What a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A module of the application.
    Module,
    /// A command.
    Command,
    /// A query.
    Query,
    /// Events.
    Event,
    /// An aggregate.
    Aggregate,
    /// What handles a command.
    CommandHandler,
    /// What answers a query.
    QueryHandler,
    /// A projection.
    Projection,
    /// What handles events.
    EventHandler,
    /// What checks a command before its handler gets it.
    Guard,
}

#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Body {
    None,
    Message {
        type_id: fn() -> TypeId,
        shape: Option<&'static Shape>,
        /// What its attributes say about the policies of its handler.
        policy: &'static PolicySettings,
    },
    Events {
        types: &'static [EventType],
        retired: &'static [&'static str],
        read: ReadAgain,
    },
    Aggregate {
        types: &'static [EventType],
        /// The version and shape of the state that it stores.
        state: Option<(u32, &'static Shape)>,
    },
    Handler {
        message: fn() -> TypeId,
        aggregate: Option<&'static str>,
        /// A boxed `Decider` of the aggregate.
        decider: Option<fn() -> Box<dyn Any>>,
        /// What its attributes say about its policies.
        policy: &'static PolicySettings,
        install: Install,
    },
    Projection {
        types: &'static [EventType],
        install: Install,
    },
    EventHandler {
        types: &'static [EventType],
        settings: &'static EventHandlerSettings,
        install: Install,
    },
    Guard {
        install: Install,
    },
}

/// An event as this build stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// Its type.
    pub event_type: &'static EventType,
    /// The format of its content.
    pub encoding: Encoding,
    /// Its content.
    pub payload: Vec<u8>,
}

/// Reads a stored event and writes what it has become, as this build stores
/// it: what tests look at old events with.
pub type ReadAgain = fn(&RecordedEvent) -> Result<Vec<Content>, ReadAgainError>;

/// A stored event cannot be read, or what it has become cannot be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadAgainError {
    /// It cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be stored.
    #[error("event `{event_type}` cannot be stored")]
    Encode {
        /// The stored name of its type.
        event_type: &'static str,
        /// What the codec says.
        source: CodecError,
    },
}

/// For derives: the reader of an enum of events.
#[doc(hidden)]
pub fn read_again<E: Event>(record: &RecordedEvent) -> Result<Vec<Content>, ReadAgainError> {
    let content = |event: E| {
        let (event_type, encoding) = (event.event_type(), E::Codec::ENCODING);
        let mut payload = Vec::new();
        event.encode(&mut payload).map_err(|source| {
            let event_type = event_type.name;
            ReadAgainError::Encode { event_type, source }
        })?;
        Ok(Content { event_type, encoding, payload })
    };
    E::decode(record)?.into_iter().map(content).collect()
}

/// What puts a handler or projection into an application.
#[doc(hidden)]
pub type Install = fn(&mut Wiring<'_>);

/// Something that can be registered without inventory:
/// `App::builder().register::<Deposit>()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    label = "nothing was derived for `{Self}`",
    note = "derive `Command`, `Query`, `Event`, `Aggregate` or `Projection`, or mark the handler"
)]
pub trait Register {
    /// What it registers.
    const REGISTRATION: Registration;
}

/// That a method of a service handles `M`; written by `#[handlers]`.
pub trait Serves<M> {
    /// What registers the method without inventory.
    const REGISTRATION: Registration;
}

impl Registration {
    /// Whether two registrations are one item, seen twice: a crate that is
    /// linked twice, as in a cycle of development dependencies.
    fn is_same_item(&self, other: &Self) -> bool {
        (self.kind, self.name, self.item, self.module_path, self.location)
            == (other.kind, other.name, other.item, other.module_path, other.location)
    }
}

#[cfg(feature = "inventory")]
inventory::collect!(Registration);

/// Everything that was linked into this program, in no order.
#[must_use]
pub fn linked() -> Vec<Registration> {
    #[cfg(feature = "inventory")]
    {
        inventory::iter::<Registration>.into_iter().copied().collect()
    }
    #[cfg(not(feature = "inventory"))]
    {
        Vec::new()
    }
}

/// One line of [`Registry::entries`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its wire or stored name.
    pub name: &'static str,
    /// Its version, 0 where there is none.
    pub version: u32,
    /// The aggregate that it belongs to, where that is known.
    pub aggregate: Option<&'static str>,
    /// The Rust item, for people.
    pub item: &'static str,
    /// The package.
    pub package: &'static str,
    /// Where it stands.
    pub location: SourceLocation,
}

/// What one application consists of, sorted by kind and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Registry {
    entries: Vec<Entry>,
}

impl Registry {
    pub(crate) fn of(selected: &[Registration]) -> Self {
        let mut entries: Vec<Entry> = selected.iter().flat_map(entries_of).collect();
        entries.sort();
        Self { entries }
    }

    /// All entries; event types are one entry each.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The names of one kind, sorted.
    pub fn names(&self, kind: Kind) -> impl Iterator<Item = &'static str> {
        self.entries.iter().filter(move |entry| entry.kind == kind).map(|entry| entry.name)
    }
}

fn entries_of(registration: &Registration) -> Vec<Entry> {
    let Registration { kind, name, version, item, package, location, .. } = *registration;
    let entry = Entry { kind, name, version, aggregate: None, item, package, location };
    match registration.body {
        Body::Events { types, .. } => types
            .iter()
            .map(|one| Entry {
                name: one.name,
                version: one.version.get(),
                location: one.location,
                ..entry.clone()
            })
            .collect(),
        Body::Handler { aggregate, .. } => vec![Entry { aggregate, ..entry }],
        _ => vec![entry],
    }
}
