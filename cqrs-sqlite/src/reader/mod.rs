//! Reading: what a request needs, on one connection.
//!
//! The tables `by_*` are derived behind the log. A read takes what lies up to
//! `indexed.through` from them and looks at the short rest itself, all on one
//! snapshot, so that nobody can tell how far the tables reach.

mod events;
mod page;
mod pool;
mod runs;
mod state;
mod stream;

pub(crate) use events::read;
pub(crate) use pool::{Pool, Task, Urgency};
pub(crate) use state::{
    checkpoint, info, lease, leases, operation, operation_at, operations, row, rows, snapshot,
};
pub(crate) use stream::head;
