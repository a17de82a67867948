//! The shapes of what an application stores, apart from any Rust type: their
//! description, the lock file that keeps them, and what a change breaks.
//!
//! Depend on `cqrs-core`, which re-exports this crate as `cqrs_core::schema`.
//! It stands alone because the derives read the lock file while they expand,
//! and what they write must be what the application's tests read.
//!
//! A [`Shape`] is static data. Those of Rust types are constants; those read
//! from a file live as long as the process. Rust names are no part of it, so
//! that renaming a type or moving it changes nothing.

#![deny(missing_docs)]
#![warn(unreachable_pub)]

mod fingerprint;
mod plain;
mod shape;

mod parse;
mod text;

mod lock;

mod compare;
mod scaffold;

mod nearest;

pub use compare::{Change, Comparison, Compatibility, Effect, compare};
pub use fingerprint::{field_fingerprint, fingerprint};
pub use lock::{Entry, EntryKind, FILE_NAME, LockError, LockFile, MODE_VARIABLE};
pub use nearest::{distance, nearest};
pub use parse::{ShapeError, parse};
pub use scaffold::upcaster;
pub use shape::{Field, Presence, Scalar, Shape, Tagging, Variant};
pub use text::{Text, render};
