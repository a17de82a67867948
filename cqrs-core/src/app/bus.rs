//! The buses as a handler's parameter.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use super::{App, Ask, Execute, Inner};
use crate::bus::{Context, Origin};
use crate::command::{Command, OneHandlerFor};
use crate::event_bus::EventBus;
use crate::query::{OneQueryHandlerFor, Query};

/// Sends commands and queries on from a handler. They belong to the same
/// correlation, are caused by the message at hand, and share its actor,
/// tenant, trace, headers, deadline and extensions.
#[derive(Clone)]
pub struct Bus {
    pub(super) app: Arc<OnceLock<Weak<Inner>>>,
    pub(super) ctx: Option<Context>,
}

impl Bus {
    /// The buses of an application that is being wired.
    pub(crate) fn within(&self, ctx: &Context) -> Self {
        Self { app: Arc::clone(&self.app), ctx: Some(ctx.clone()) }
    }

    fn app(&self) -> App {
        let inner = self.app.get().and_then(Weak::upgrade);
        App(inner.expect("a handler runs only while its application lives"))
    }

    fn origin(&self) -> Origin {
        self.ctx.as_ref().map_or_else(Origin::new, Context::follow)
    }

    /// As [`App::execute`].
    pub fn execute<C: Command + OneHandlerFor<C>>(
        &self,
        command: C,
    ) -> Execute<'static, C, C::Output, C::Error> {
        Execute::new(Cow::Owned(self.app()), command, self.origin())
    }

    /// As [`App::events`].
    #[must_use]
    pub fn events(&self) -> Arc<dyn EventBus> {
        Arc::clone(self.app().events())
    }

    /// As [`App::query`].
    pub fn query<Q: Query + OneQueryHandlerFor<Q>>(&self, query: Q) -> Ask<'static, Q, Q::Output> {
        Ask::new(Cow::Owned(self.app()), query, self.origin())
    }
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bus")
    }
}
