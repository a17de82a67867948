//! One tenant's view of the application that has it.

use std::borrow::Cow;

use super::PartitionName;
use crate::aggregate::{Apply, Repository};
use crate::app::{App, Ask, Execute};
use crate::bus::{DispatchError, Origin};
use crate::command::{Command, OneHandlerFor};
use crate::message::TenantId;
use crate::query::{OneQueryHandlerFor, Query, RowStream, Streams};

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

    /// As [`App::stream`], for this tenant.
    pub fn stream<Q: Streams + OneQueryHandlerFor<Q>>(&self, query: Q) -> RowStream<'_, Q::Row> {
        self.app.stream_for(query, self.origin())
    }

    /// As [`App::execute_json`], for this tenant; more about the call is said by
    /// [`Tenant::origin`] and the application's own.
    ///
    /// # Errors
    ///
    /// As [`App::execute_json`].
    ///
    /// # Cancel safety
    ///
    /// As [`App::execute_json`].
    pub async fn execute_json(&self, name: &str, json: &[u8]) -> Result<Vec<u8>, DispatchError> {
        self.app.execute_json(name, json, self.origin()).await
    }

    /// As [`App::query_json`], for this tenant.
    ///
    /// # Errors
    ///
    /// As [`App::query_json`].
    ///
    /// # Cancel safety
    ///
    /// As [`App::query_json`].
    pub async fn query_json(&self, name: &str, json: &[u8]) -> Result<Vec<u8>, DispatchError> {
        self.app.query_json(name, json, self.origin()).await
    }

    /// This tenant's aggregates of one type, outside a handler.
    #[must_use]
    pub fn repository<A: Apply>(&self) -> Repository<A> {
        self.app.repository_for(self.origin())
    }
}
