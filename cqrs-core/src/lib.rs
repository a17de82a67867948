#![doc = include_str!("../docs/crate.md")]
#![deny(missing_docs)]
#![warn(unreachable_pub)]

#[allow(unused_extern_crates, reason = "code from the derives names the crate by its path")]
extern crate self as cqrs_core;

pub mod schema;

pub mod message;

pub mod command;
pub mod query;

pub mod event;

pub mod aggregate;

pub mod store;

pub mod subscription;

pub mod projection;

pub mod bus;
pub mod cache;
pub mod event_bus;

pub mod policy;

pub mod resilience;

pub mod config;

pub mod registry;

pub mod app;
pub mod partition;

#[cfg(feature = "tower")]
pub mod tower;

pub mod runtime;

pub mod error;
pub mod prelude;

#[doc(hidden)]
pub mod __private;

pub use aggregate::{Aggregate, AggregateId, Apply, Repository};
pub use app::{App, Bus, Dep};
pub use bus::{BusError, CommandError, QueryError};
pub use command::Command;
pub use error::{Category as ErrorCategory, Code, ErrorCode, report};
pub use event::{Event, Recorded};
pub use message::{
    ActorId, CausationId, CorrelationId, EventId, InvalidTimestamp, MessageId, Metadata,
    OperationId, TenantId, Timestamp,
};
pub use projection::{Projection, View};
pub use query::Query;

#[cfg(feature = "derive")]
pub use cqrs_derive::{
    Aggregate, Command, Event, Id, Projection, Query, Rejection, Schema, Value, apply,
    command_handler, command_handlers, event_handler, guard, handlers, query_handler,
};

/// Rejects unless a condition holds: `ensure!(self.open, AccountError::NotOpen)`
/// returns the error, converted, from the function around it.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $error:expr $(,)?) => {
        if !$condition {
            return ::core::result::Result::Err(::core::convert::Into::into($error));
        }
    };
}
