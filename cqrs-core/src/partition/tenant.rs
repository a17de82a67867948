//! One tenant's view of the application that has it.

use std::borrow::Cow;

use super::PartitionName;
use crate::aggregate::{Apply, Repository};
use crate::app::{App, Ask, Execute};
use crate::bus::Origin;
use crate::command::{Command, OneHandlerFor};
use crate::message::TenantId;
use crate::query::{OneQueryHandlerFor, Query};

/// One tenant, in the application of its partition. Whatever is asked of it is
/// asked for this tenant. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(super) id: TenantId,
    pub(super) partition: PartitionName,
    pub(super) app: App,
}

impl Tenant {
    /// Which tenant it is.
    #[must_use]
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// Where it lives.
    #[must_use]
    pub fn partition(&self) -> &PartitionName {
        &self.partition
    }

    /// The application of its partition, which other tenants live in, too: give
    /// its calls [`Tenant::origin`].
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// A call for this tenant, to say more about.
    pub fn origin(&self) -> Origin {
        Origin::new().tenant(self.id.clone())
    }

    /// As [`App::execute`], for this tenant.
    pub fn execute<C: Command + OneHandlerFor<C>>(
        &self,
        command: C,
    ) -> Execute<'_, C, C::Output, C::Error> {
        Execute::new(Cow::Borrowed(&self.app), command, self.origin())
    }

    /// As [`App::query`], for this tenant.
    pub fn query<Q: Query + OneQueryHandlerFor<Q>>(&self, query: Q) -> Ask<'_, Q, Q::Output> {
        Ask::new(Cow::Borrowed(&self.app), query, self.origin())
    }

    /// This tenant's aggregates of one type, outside a handler.
    #[must_use]
    pub fn repository<A: Apply>(&self) -> Repository<A> {
        self.app.repository_for(self.origin())
    }
}
