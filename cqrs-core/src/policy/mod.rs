//! What every call goes through on its way to a handler.
//!
//! Each handler has one resolved policy, made when the application is built from
//! what its bus, its attributes, the configuration and code say
//! ([`PolicySettings`]). One function runs what applies, always in this order:
//!
//! | Stage | What it does | Ends a call with |
//! |---|---|---|
//! | authenticate | asks the [`Authenticate`] hook who calls | `unauthenticated` |
//! | tenant | holds a principal to its tenant | `forbidden` |
//! | *middleware* | the application's own, the first declared outermost | its own |
//! | rate limit | counts the calls of this caller | `rate_limited` |
//! | authorise | compares roles, asks the [`Authorize`] hook | `unauthenticated`, `forbidden` |
//! | validate | the checks of the fields, then the [`Guard`]s | `validation` |
//! | idempotency | the recorded outcome of a repeated operation, by the store | `operation_reused` |
//! | cache | answers a query that was answered before | |
//! | timeout | drops the handler when its time is up | `timeout`, `outcome_unknown` |
//! | concurrency | waits for its turn, or sheds | `overloaded` |
//! | breaker | keeps off a dependency that fails | `circuit_open` |
//! | retry | runs the handler again after what may pass | |
//! | handle | the handler; its panic is an error | |
//! | audit | takes down who did what | `audit_unavailable` |
//!
//! The order is safe: nobody who is unknown or too fast costs a validation,
//! nothing is answered from the cache to somebody who may not ask, a breaker
//! counts what its retries end with, and time runs across all tries. A
//! span, a line in the log and the figures stand around everything.
//!
//! Rejected: each policy as a boxed layer. Four of them cost fifty times what
//! one function does that knows them all, and an application could put them
//! in an order in which they do harm. A policy that does not apply costs a
//! branch.

mod access;
mod audit;
mod caching;
#[cfg(feature = "metrics")]
mod figures;
mod guard;
mod live;
mod meter;
mod observe;
mod resolve;
mod run;
mod settings;
mod stack;

pub use access::{Authenticate, Authorize, Denied, NotAuthenticated, Principal};
pub(crate) use access::{Authenticator, Authorizer};
pub(crate) use audit::Audit;
pub use audit::{AuditRecord, AuditSink, Verdict};
pub(crate) use caching::Answers;
pub use caching::{Keepable, Keeping};
#[cfg(feature = "metrics")]
pub use figures::Figures;
pub(crate) use guard::{ErasedGuard, GuardFn, Guarding, Guards};
pub use guard::{Guard, Refuses, guarded};
pub use meter::HandlerMetrics;
pub(crate) use meter::{Meter, Meters};
pub use observe::Collector;
pub(crate) use observe::{Logging, Observers};
pub use resolve::Missing;
pub(crate) use resolve::{Policies, Policy, Shared};
pub use settings::{Access, PolicySettings, RateKey, RateSettings, Setting};
pub(crate) use stack::Stack;
