//! Between a caller and a handler: the context of a call, its errors, and the
//! tables that lead from a message to its one handler.
//!
//! A table is filled when the application is built and only read afterwards,
//! without a lock. A typed call finds its handler by the message's type; a
//! call from the edge by its wire name.

mod asked;
mod attempt;
mod call;
mod cancel;
mod catch;
mod context;
mod deadline;
mod dispatch;
mod error;
mod extensions;
mod middleware;
mod origin;

use asked::Asked;
use attempt::Typed;
pub(crate) use call::AnyMessage;
pub use call::{Call, MessageKind, Target};
pub use cancel::CancelToken;
pub(crate) use catch::{CatchPanic, Caught};
pub use catch::{Now, Started};
pub use context::Context;
#[cfg(feature = "tower")]
pub(crate) use deadline::dropped;
pub(crate) use deadline::within;
pub use dispatch::{Answer, AsyncCommandHandler, CommandHandler, QueryHandler};
pub(crate) use dispatch::{
    ByName, CommandEntry, Entry, First, Handlers, Instant, Named, Progress, QueryEntry, Waiting,
    panicked,
};
pub use error::{BusError, CommandError, DispatchError, QueryError};
pub use extensions::Extensions;
pub(crate) use middleware::{Attempt, Bounded, Bounds, Layer, Middlewares, Run};
pub use middleware::{Done, Failure, FromFn, Middleware, Next, Outcome, Rejected, Scope, from_fn};
pub use origin::Origin;
pub(crate) use origin::Parts;
