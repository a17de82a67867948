//! Questions: they change nothing.

mod stream;

pub use stream::{Emit, RowStream, Streams};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bus::QueryError;
use crate::command::Validate;
use crate::message::SchemaVersion;
use crate::policy::Keeping;

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

    /// How its answers are kept, if they can be.
    #[doc(hidden)]
    const KEEPING: Option<&'static Keeping<Self::Output>> = None;

    // Generated code names the output through the query here and nowhere else:
    // where a type is no query, that is then the only error.
    #[doc(hidden)]
    fn answered<T: Answer<Self::Output>, E: IntoQueryError>(
        result: Result<T, E>,
    ) -> Result<Self::Output, QueryError> {
        result.map(T::into_output).map_err(E::into_query_error)
    }
}

/// That a handler's answer is the output `T` that its query declares.
#[diagnostic::on_unimplemented(
    message = "this handler answers with `{Self}`, but the output of its query is `{T}`",
    label = "not `{T}`",
    note = "return what `#[query(output = ..)]` says at the query, or change it there"
)]
pub trait Answer<T> {
    #[doc(hidden)]
    fn into_output(self) -> T;
}

#[diagnostic::do_not_recommend]
impl<T> Answer<T> for T {
    fn into_output(self) -> T {
        self
    }
}

/// Why a query failed, from what its handler returns.
#[diagnostic::on_unimplemented(
    message = "the handler of a query cannot fail with `{Self}`",
    label = "not `QueryError`, and it does not convert into it",
    note = "return `Result<_, QueryError>`; wrap an error of your own by `QueryError::failed(error)`"
)]
pub trait IntoQueryError {
    #[doc(hidden)]
    fn into_query_error(self) -> QueryError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<QueryError>> IntoQueryError for E {
    fn into_query_error(self) -> QueryError {
        self.into()
    }
}

/// That `Q` has its one handler; written by `#[query_handler]`.
#[diagnostic::on_unimplemented(
    message = "query `{Q}` has no handler",
    label = "no handler takes `&{Q}`",
    note = "write a function with `query: &{Q}` marked `#[query_handler]`"
)]
pub trait OneQueryHandlerFor<Q> {}
