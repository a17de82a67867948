//! What an application imports: `use cqrs_core::prelude::*;`.

pub use crate::aggregate::{
    Aggregate, AggregateId, Apply, Decides, Repository, Root, SnapshotPolicy, returning,
};
pub use crate::app::{App, Bus, Dep, Executed};
pub use crate::bus::{BusError, CommandError, Context, Origin, QueryError};
pub use crate::command::{Command, Validate, Violations};
pub use crate::event::{Event, RawEvent, Recorded, Untyped};
pub use crate::message::{Metadata, TenantId, Timestamp};
pub use crate::projection::Delivery;
pub use crate::projection::{Project, Projection, ProjectionError, Rows, View};
pub use crate::query::{Emit, Query};
pub use crate::schema::Schema;
pub use crate::store::memory::MemoryStore;
pub use crate::subscription::HandlerError;
pub use crate::{ErrorCode, ensure, module, modules};
#[cfg(feature = "derive")]
pub use cqrs_derive::{
    Aggregate, Command, Event, Id, Projection, Query, Rejection, Schema, Value, apply,
    command_handler, command_handlers, event_handler, guard, handlers, query_handler,
};
