//! Bridges to and from [tower](https://docs.rs/tower).
//!
//! [`Around`] makes a tower layer a [`Middleware`](crate::bus::Middleware), so
//! that what is written for tower stands around handlers. [`Commands`] and
//! [`Queries`] make an application a tower service for one type of message,
//! so that an edge that speaks tower can call it.
//!
//! What is different over there, and bites:
//!
//! * **A layer is applied once and its service cloned for every call.** Only
//!   what the clones share is shared: the permits of `ConcurrencyLimit` are,
//!   a count in a plain field is not. `RateLimit` cannot be cloned and does
//!   not fit; `#[command(rate_limit = "..")]` counts each caller anyway.
//! * **`Buffer` does not fit**: it hands requests to a task, and a call is
//!   borrowed from its caller.
//! * **`poll_ready` is awaited before each call.** `LoadShed` turns a service
//!   that is not ready into an error at once: put it outside of the limit,
//!   `ServiceBuilder::new().load_shed().concurrency_limit(8)`.
//! * **`Retry` needs requests that can be cloned**, which a call is not; say
//!   `#[command(retry = "3")]`, which knows what may be run again. As a
//!   service, only commands that are `Clone` can be retried, and each try is
//!   another operation unless the caller names one by
//!   [`Origin::operation`](crate::bus::Origin::operation).
//! * **`Timeout` drops the handler**, and what it then says has no type that
//!   this crate knows. See [`Around`] for what it becomes.
//!
//! Only `tower-service` and `tower-layer` are needed for this.

mod around;
mod calls;

pub use around::{Around, Inner, Passage};
pub use calls::{Commands, Queries};

use std::error::Error;

/// The error of a tower service of which nothing more is known.
pub type BoxError = Box<dyn Error + Send + Sync>;
