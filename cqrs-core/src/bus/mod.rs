//! Between a caller and a handler: the context of a call, its errors, and the
//! tables that lead from a message to its one handler.
//!
//! A table is filled when the application is built and only read afterwards,
//! without a lock. A typed call finds its handler by the message's type; a
//! call from the edge by its wire name.

mod cancel;
mod catch;
mod context;
mod dispatch;
mod error;
mod extensions;
mod origin;

pub use cancel::CancelToken;
pub use catch::Started;
pub(crate) use catch::{CatchPanic, caught};
pub use context::Context;
pub(crate) use dispatch::{Begun, Handlers, Named};
pub use dispatch::{CommandHandler, QueryHandler};
pub use error::{BusError, CommandError, DispatchError, QueryError};
pub use extensions::Extensions;
pub use origin::Origin;
pub(crate) use origin::Parts;
