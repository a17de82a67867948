#![doc = include_str!("../../docs/evolution.md")]

mod check;
mod foreign;
mod json;
mod locked;
mod own;

pub use check::{Mismatch, check};
pub use cqrs_schema::{
    Change, Comparison, Compatibility, Effect, Entry, EntryKind, FILE_NAME, Field, LockError,
    LockFile, MODE_VARIABLE, Presence, Scalar, Shape, ShapeError, Tagging, Text, Variant, compare,
    fingerprint, parse, render, upcaster,
};
pub use json::json_schema;
pub use locked::{Locked, RecordedField};

/// That the stored shape of a type is known.
///
/// ```
/// use cqrs_core::schema::{Schema, render};
///
/// #[derive(cqrs_core::Value)]
/// struct Money {
///     cents: i64,
///     currency: String,
/// }
///
/// assert_eq!(render(<Option<Money>>::SHAPE, 0), "\
/// is: optional struct
///   cents: i64
///   currency: text
/// ");
/// ```
#[diagnostic::on_unimplemented(
    message = "the stored shape of `{Self}` is not known",
    label = "`{Self}` has no schema",
    note = "add `#[derive(Value)]` to `{Self}`, or `#[derive(Schema)]` beside serde's derives",
    note = "for a type of another crate, put `#[schema(opaque = \"what it looks like\")]` on the field"
)]
pub trait Schema {
    /// What a value looks like when it is stored.
    const SHAPE: &'static Shape;
}
