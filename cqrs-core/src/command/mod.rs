//! Requests to change something.

mod validate;

pub use validate::{Validate, Violation, Violations, rules};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::message::SchemaVersion;

/// A request to change something, derived on a struct.
///
/// Serialisation comes with the derive. A command for an aggregate names it
/// by one field: the one marked `#[id]`, otherwise the first.
///
/// ```
/// use cqrs_core::prelude::*;
///
/// #[derive(Command)]
/// struct Rename { user: UserId, #[check(required, length(max = 40))] name: String }
///
/// #[derive(Id)]
/// struct UserId(String);
///
/// assert_eq!(Rename::NAME, "Rename");
/// let bad = Rename { user: "u1".into(), name: String::new() };
/// assert_eq!(bad.validate().unwrap_err().iter().next().unwrap().code, "required");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "a command is needed here",
    note = "add `#[derive(Command)]` to `{Self}`"
)]
pub trait Command: Validate + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The wire name.
    const NAME: &'static str;
    /// The version of its shape.
    const VERSION: SchemaVersion;
}

/// A command that names the aggregate it is for.
#[diagnostic::on_unimplemented(
    message = "command `{Self}` does not say which aggregate it is for",
    label = "this command has no id field",
    note = "mark the field that holds the aggregate's id with `#[id]`; without a mark it is the \
            first field, unless another field has the same type"
)]
pub trait Targets: Command {
    /// The id's type.
    type Id;

    /// The id.
    fn target(&self) -> &Self::Id;
}

/// That `C` has its one handler; written by the handler attributes.
#[diagnostic::on_unimplemented(
    message = "command `{C}` has no handler",
    label = "no handler takes `&{C}`",
    note = "write a method with `cmd: &{C}` in an impl marked `#[command_handlers]`, or a \
            function marked `#[command_handler]`",
    note = "if the handler lives in another crate, say so at the command: \
            `#[command(output = .., error = ..)]`"
)]
pub trait OneHandlerFor<C> {
    /// What the handler returns.
    type Output: Serialize + Send + 'static;
    /// Why the handler rejects.
    type Error: std::error::Error + Send + Sync + 'static;
}
