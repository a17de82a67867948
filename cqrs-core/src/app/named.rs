//! Calls by wire name, for edges and tools: with a value whose type only the
//! name tells, or with JSON, which becomes such a value first.
//!
//! What is specific to a message are four small functions; everything between
//! them is the same for all messages, and the same as in a typed call.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::task::Poll;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::{Calling, Left, Steps};
use super::steps::{answer, begin, look, rest_of, unhandled};
use super::{App, Executed};
use crate::bus::{
    BusError, ByName, CommandEntry, Context, DispatchError, Entry, Named, Origin, Progress,
    QueryEntry,
};
use crate::command::{Command, OneHandlerFor};
use crate::message::CodecError;
use crate::query::Query;
use crate::runtime::BoxFuture;

/// How a command is called by its name.
pub(crate) type AnyCommand = Call<Executed<AnyAnswer>>;

/// How a query is called by its name.
pub(crate) type AnyQuery = Call<AnyAnswer>;

/// A message whose type only its name tells.
pub(super) type AnyMessage = dyn Any + Send + Sync;

/// An answer whose type only the name of the message tells.
pub(super) type AnyAnswer = Box<dyn Any + Send>;

/// How a message is called by its name, with what comes of it.
pub(crate) struct Call<T> {
    begin: Begin<Ended<T>>,
    rest: Rest<Ended<T>>,
    decode: fn(&[u8]) -> Result<Box<AnyMessage>, BusError>,
    encode: fn(&AnyAnswer) -> Result<Vec<u8>, BusError>,
}

/// Begins a call; it may end with that.
type Begin<T> = fn(&App, &Entry, &AnyMessage, Origin, &mut Option<Left>) -> Poll<T>;

/// The rest of a call that waits.
type Rest<T> =
    for<'a> fn(Cow<'a, App>, &'a Entry, &'a AnyMessage, Context, Progress) -> BoxFuture<'a, T>;

type Ended<T> = Result<T, DispatchError>;

/// A message, and what its name tells.
struct Told<'a, T> {
    named: Option<&'a Named<Call<T>>>,
    name: &'a str,
    message: &'a AnyMessage,
}

impl App {
    /// Sends a command whose type only its wire name tells, for edges and
    /// tools that have it decoded already; gives what the handler answers as a
    /// value of its own type.
    ///
    /// ```
    /// use cqrs_core::prelude::*;
    ///
    /// mod desk {
    ///     # use cqrs_core::prelude::*;
    ///     # cqrs_core::module!();
    ///     #[derive(Command)]
    ///     pub struct Double {
    ///         pub of: u32,
    ///     }
    ///     # #[derive(Rejection, Debug)]
    ///     # pub enum Never {}
    ///     #[command_handler]
    ///     fn double(command: &Double) -> Result<u32, Never> {
    ///         Ok(2 * command.of)
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let app = App::new(modules![desk], MemoryStore::new())?;
    /// let command = app.decode_command("Double", br#"{"of":21}"#)?;
    /// let executed = app.execute_any("Double", &*command, Origin::new()).await?;
    /// assert_eq!(executed.value.downcast_ref(), Some(&42_u32));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DispatchError`] with a code: `handler_not_found` for a name that
    /// nothing is known by, `payload` for a value of another type than that of
    /// the name, and all that a typed call can end with.
    ///
    /// # Cancel safety
    ///
    /// As [`App::execute`].
    pub fn execute_any<'a>(
        &'a self,
        name: &'a str,
        command: &'a (dyn Any + Send + Sync),
        origin: Origin,
    ) -> impl Future<Output = Result<Executed<Box<dyn Any + Send>>, DispatchError>> + Send + 'a
    {
        let named = self.inner().handlers.commands_by_name.get(name);
        call(self, Told { named, name, message: command }, origin)
    }

    /// As [`App::execute_any`], for a query.
    ///
    /// # Errors
    ///
    /// As [`App::execute_any`].
    ///
    /// # Cancel safety
    ///
    /// As [`App::query`].
    pub fn query_any<'a>(
        &'a self,
        name: &'a str,
        query: &'a (dyn Any + Send + Sync),
        origin: Origin,
    ) -> impl Future<Output = Result<Box<dyn Any + Send>, DispatchError>> + Send + 'a {
        let named = self.inner().handlers.queries_by_name.get(name);
        call(self, Told { named, name, message: query }, origin)
    }

    /// The command of a wire name from JSON, for [`App::execute_any`].
    ///
    /// # Errors
    ///
    /// [`DispatchError`] with the code `handler_not_found`, or `payload` with
    /// the place in it that does not fit.
    pub fn decode_command(
        &self,
        name: &str,
        payload: &[u8],
    ) -> Result<Box<dyn Any + Send + Sync>, DispatchError> {
        let named = find(&self.inner().handlers.commands_by_name, name)?;
        Ok((named.call.decode)(payload)?)
    }

    /// The query of a wire name from JSON, for [`App::query_any`].
    ///
    /// # Errors
    ///
    /// As [`App::decode_command`].
    pub fn decode_query(
        &self,
        name: &str,
        payload: &[u8],
    ) -> Result<Box<dyn Any + Send + Sync>, DispatchError> {
        let named = find(&self.inner().handlers.queries_by_name, name)?;
        Ok((named.call.decode)(payload)?)
    }

    /// Sends a command by its wire name with a JSON payload, for edges and
    /// tools; gives the answer as JSON.
    ///
    /// # Errors
    ///
    /// [`DispatchError`] with a code; a payload that does not fit names the
    /// place in it.
    ///
    /// # Cancel safety
    ///
    /// As [`App::execute`].
    pub async fn execute_json(
        &self,
        name: &str,
        payload: &[u8],
        origin: Origin,
    ) -> Result<Vec<u8>, DispatchError> {
        let named = find(&self.inner().handlers.commands_by_name, name)?;
        let command = (named.call.decode)(payload)?;
        let told = Told { named: Some(named), name, message: &*command };
        let executed = call(self, told, origin).await?;
        Ok((named.call.encode)(&executed.value)?)
    }

    /// Asks a query by its wire name with a JSON payload; gives the answer as
    /// JSON.
    ///
    /// # Errors
    ///
    /// As [`App::execute_json`].
    ///
    /// # Cancel safety
    ///
    /// As [`App::query`].
    pub async fn query_json(
        &self,
        name: &str,
        payload: &[u8],
        origin: Origin,
    ) -> Result<Vec<u8>, DispatchError> {
        let named = find(&self.inner().handlers.queries_by_name, name)?;
        let query = (named.call.decode)(payload)?;
        let told = Told { named: Some(named), name, message: &*query };
        let answer = call(self, told, origin).await?;
        Ok((named.call.encode)(&answer)?)
    }
}

fn find<'a, T>(all: &'a ByName<Call<T>>, name: &str) -> Result<&'a Named<Call<T>>, BusError> {
    all.get(name).ok_or_else(|| unhandled(name))
}

#[inline]
fn call<'a, T>(
    app: &'a App,
    told: Told<'a, T>,
    origin: Origin,
) -> Calling<'a, Told<'a, T>, Ended<T>> {
    let steps = Steps {
        now: |app, told: &Told<'a, T>, origin, left| match told.named {
            Some(Named { entry, call }) => (call.begin)(app, entry, told.message, origin, left),
            None => Poll::Ready(Err(unhandled(told.name).into())),
        },
        rest: |app, told, ctx, progress| match told.named {
            Some(Named { entry, call }) => (call.rest)(app, entry, told.message, ctx, progress),
            None => Box::pin(async move { Err(unhandled(told.name).into()) }),
        },
    };
    Calling::new(Cow::Borrowed(app), told, origin, steps)
}

impl AnyCommand {
    /// Of a command.
    pub(super) fn of<C: Command + OneHandlerFor<C>>() -> Self {
        Self {
            begin: |app, entry, message, origin, left| {
                let (entry, command) = match typed::<CommandEntry<C>, C>(entry, message, C::NAME) {
                    Ok(typed) => typed,
                    Err(error) => return Poll::Ready(Err(error.into())),
                };
                begin(entry, app, command, origin, left).map(erased)
            },
            rest: |app, entry, message, ctx, progress| match typed::<CommandEntry<C>, C>(
                entry,
                message,
                C::NAME,
            ) {
                Ok((_, command)) => rest_of::<C, _>(app, command, ctx, progress, erased),
                Err(error) => Box::pin(async move { Err(error.into()) }),
            },
            decode: |payload| decode::<C>(C::NAME, payload),
            encode: |answer| encode::<C::Output>(C::NAME, answer),
        }
    }
}

impl AnyQuery {
    /// Of a query.
    pub(super) fn of<Q: Query>() -> Self {
        Self {
            begin: |app, entry, message, origin, left| {
                let (entry, query) = match typed::<QueryEntry<Q>, Q>(entry, message, Q::NAME) {
                    Ok(typed) => typed,
                    Err(error) => return Poll::Ready(Err(error.into())),
                };
                look(entry, app, query, origin, left).map(|ended| Ok(Box::new(ended?) as AnyAnswer))
            },
            rest: |app, entry, message, ctx, _| {
                Box::pin(async move {
                    let (entry, query) = typed::<QueryEntry<Q>, Q>(entry, message, Q::NAME)?;
                    Ok(Box::new(answer(entry, &app, query, ctx).await?) as AnyAnswer)
                })
            },
            decode: |payload| decode::<Q>(Q::NAME, payload),
            encode: |answer| encode::<Q::Output>(Q::NAME, answer),
        }
    }
}

#[inline]
fn typed<'a, E: 'static, M: 'static>(
    entry: &'a Entry,
    message: &'a AnyMessage,
    name: &str,
) -> Result<(&'a E, &'a M), BusError> {
    let typed = entry.downcast_ref().zip(message.downcast_ref());
    typed.ok_or_else(|| another_type::<M>(name))
}

#[inline]
fn erased<V: Send + 'static, E>(ended: Result<Executed<V>, E>) -> Ended<Executed<AnyAnswer>>
where
    DispatchError: From<E>,
{
    let Executed { value, receipt } = ended?;
    Ok(Executed { value: Box::new(value), receipt })
}

#[cold]
fn another_type<M>(name: &str) -> BusError {
    unfit::<M>(name, ".".to_owned(), "it is a value of another type".to_owned())
}

fn unfit<M>(name: &str, path: String, reason: String) -> BusError {
    BusError::Payload {
        expected: format!("{name} ({})", type_name::<M>()).into(),
        path: path.into(),
        reason: reason.into(),
    }
}

fn decode<M>(name: &str, payload: &[u8]) -> Result<Box<AnyMessage>, BusError>
where
    M: DeserializeOwned + Send + Sync + 'static,
{
    let mut json = serde_json::Deserializer::from_slice(payload);
    let decoded = serde_path_to_error::deserialize::<_, M>(&mut json);
    let value = decoded
        .map_err(|error| unfit::<M>(name, error.path().to_string(), error.inner().to_string()))?;
    json.end().map_err(|error| unfit::<M>(name, ".".to_owned(), error.to_string()))?;
    Ok(Box::new(value))
}

fn encode<T: Serialize + 'static>(name: &str, answer: &AnyAnswer) -> Result<Vec<u8>, BusError> {
    let answer: &T = answer.downcast_ref().expect("what a handler answers has its type");
    serde_json::to_vec(answer).map_err(|error| {
        let source = CodecError::new(error);
        BusError::Encode { event_type: format!("the answer to {name}"), source }
    })
}
