//! Questions: they change nothing.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::Validate;
use crate::message::SchemaVersion;

/// A question with the type of its answer, derived on a struct.
///
/// ```
/// use cqrs_core::prelude::*;
///
/// #[derive(Query)]
/// #[query(output = Option<i64>)]
/// struct GetBalance { account: String }
///
/// assert_eq!(GetBalance::NAME, "GetBalance");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    label = "a query is needed here",
    note = "add `#[derive(Query)]` and `#[query(output = ..)]` to `{Self}`"
)]
pub trait Query: Validate + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The wire name.
    const NAME: &'static str;
    /// The version of its shape.
    const VERSION: SchemaVersion;
    /// The answer.
    type Output: Serialize + Send + 'static;
}

/// That a handler's answer is the output that the query declares.
#[diagnostic::on_unimplemented(
    message = "the handler of query `{Q}` returns `{Self}`, which is not the query's output",
    label = "not the output of `{Q}`",
    note = "return what `#[query(output = ..)]` says at `{Q}`, or change it there"
)]
pub trait AnswerTo<Q: Query> {
    #[doc(hidden)]
    fn answer(self) -> Q::Output;
}

impl<Q: Query<Output = T>, T> AnswerTo<Q> for T {
    fn answer(self) -> T {
        self
    }
}

/// That `Q` has its one handler; written by `#[query_handler]`.
#[diagnostic::on_unimplemented(
    message = "query `{Q}` has no handler",
    label = "no handler takes `&{Q}`",
    note = "write a function with `query: &{Q}` marked `#[query_handler]`"
)]
pub trait OneQueryHandlerFor<Q> {}
