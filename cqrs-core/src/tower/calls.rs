//! An application as a tower service.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context as Waker, Poll};

use tower_service::Service;

use crate::app::{App, Executed};
use crate::bus::{CommandError, Origin, QueryError};
use crate::command::{Command, OneHandlerFor};
use crate::query::{OneQueryHandlerFor, Query};
use crate::runtime::BoxFuture;

macro_rules! services {
    ($($(#[$doc:meta])* $name:ident<$message:ident: $trait:ident + $one:ident>
        by $method:ident gives $response:ty, $error:ty;)*) => {$(
        $(#[$doc])*
        pub struct $name<$message> {
            app: App,
            message: PhantomData<fn($message)>,
        }

        impl<$message> $name<$message> {
            /// The service of an application, for one type of message.
            #[must_use]
            pub fn of(app: &App) -> Self {
                Self { app: app.clone(), message: PhantomData }
            }
        }

        impl<$message: $trait + $one<$message>> Service<$message> for $name<$message> {
            type Response = $response;
            type Error = $error;
            type Future = BoxFuture<'static, Result<$response, $error>>;

            fn poll_ready(&mut self, _: &mut Waker<'_>) -> Poll<Result<(), Self::Error>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, message: $message) -> Self::Future {
                self.call((message, Origin::new()))
            }
        }

        impl<$message: $trait + $one<$message>> Service<($message, Origin)> for $name<$message> {
            type Response = $response;
            type Error = $error;
            type Future = BoxFuture<'static, Result<$response, $error>>;

            fn poll_ready(&mut self, _: &mut Waker<'_>) -> Poll<Result<(), Self::Error>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, (message, origin): ($message, Origin)) -> Self::Future {
                let app = self.app.clone();
                Box::pin(async move { app.$method(message).from(origin).await })
            }
        }

        impl<$message> Clone for $name<$message> {
            fn clone(&self) -> Self {
                Self::of(&self.app)
            }
        }

        impl<$message> fmt::Debug for $name<$message> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

services! {
    /// The commands of one type, as a tower service: of the command alone, or
    /// of `(command, Origin)`. Always ready; what is too much is shed by the
    /// policies of the handler.
    Commands<C: Command + OneHandlerFor> by execute gives Executed<C::Output>, CommandError<C::Error>;
    /// The queries of one type, as a tower service: of the query alone, or of
    /// `(query, Origin)`. Always ready.
    Queries<Q: Query + OneQueryHandlerFor> by query gives Q::Output, QueryError;
}
