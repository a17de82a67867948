//! What a handler may ask for.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{Bus, Wiring};
use crate::aggregate::{Apply, Repository};
use crate::bus::Context;
use crate::message::Metadata;
use crate::projection::{Projection, View};

/// A handler's parameter, resolved once when the application is built and
/// bound to each call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's parameter",
    label = "not something that an application can provide",
    note = "use `Dep<T>` for what you provide yourself, `Option<Dep<T>>` where it may be missing, \
            `Repository<A>`, `View<P>`, `Bus`, `Context`, or `&Metadata`"
)]
pub trait Parameter: Sized + Send + Sync + 'static {
    /// Resolves the parameter, `None` when it is missing; the wiring notes
    /// what.
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self>;

    /// The parameter for one call.
    fn bind(&self, ctx: &Context) -> Self;
}

/// Something that was provided to the application by
/// [`provide`](super::AppBuilder::provide): a value or a trait object.
pub struct Dep<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Dep<T> {
    pub(super) fn new(value: Arc<T>) -> Self {
        Self(value)
    }

    /// The value behind its pointer.
    #[must_use]
    pub fn into_arc(self) -> Arc<T> {
        self.0
    }
}

impl<T: ?Sized> Clone for Dep<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for Dep<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> fmt::Debug for Dep<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dep<{}>", std::any::type_name::<T>())
    }
}

impl<T: ?Sized + Send + Sync + 'static> Parameter for Dep<T> {
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self> {
        wiring.dependency()
    }

    fn bind(&self, _ctx: &Context) -> Self {
        self.clone()
    }
}

impl<T: ?Sized + Send + Sync + 'static> Parameter for Option<Dep<T>> {
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self> {
        Some(wiring.optional_dependency())
    }

    fn bind(&self, _ctx: &Context) -> Self {
        self.clone()
    }
}

impl<A: Apply> Parameter for Repository<A> {
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self> {
        Some(wiring.repository())
    }

    fn bind(&self, ctx: &Context) -> Self {
        self.within(ctx)
    }
}

impl<P: Projection> Parameter for View<P> {
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self> {
        Some(wiring.view())
    }

    fn bind(&self, _ctx: &Context) -> Self {
        self.clone()
    }
}

impl Parameter for Bus {
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self> {
        Some(wiring.bus())
    }

    fn bind(&self, ctx: &Context) -> Self {
        self.within(ctx)
    }
}

/// Stands in for what exists only within a call.
impl Parameter for Context {
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self> {
        Some(wiring.context())
    }

    fn bind(&self, ctx: &Context) -> Self {
        ctx.clone()
    }
}

impl Parameter for Metadata {
    fn resolve(wiring: &mut Wiring<'_>) -> Option<Self> {
        Some(wiring.context().metadata().clone())
    }

    fn bind(&self, ctx: &Context) -> Self {
        ctx.metadata().clone()
    }
}
