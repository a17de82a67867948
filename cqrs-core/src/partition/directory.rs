//! Which partition has which tenant, kept as events: what is said once stays.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::{PartitionError, PartitionName};
use crate::message::{Encoding, SchemaVersion, TenantId};
use crate::runtime::Services;
use crate::store::{
    Category, CommitError, EventStore, EventTypeName, ExpectedVersion, NewEvent, Pages, ReadError,
    ReadRequest, RecordedEvent, Store, StreamId, UnitOfWork,
};

/// Where a tenant lives: the tenant's stream in the directory.
const TENANTS: Category = Category::named("partition.tenant");
/// Which partitions there are: a stream of the directory for each.
const OPENED: Category = Category::named("partition.opened");
/// Which partition a log is: its stream in that log.
const OWN: Category = Category::named("partition.own");

const PLACED: EventTypeName = EventTypeName::named("partition.tenant_placed");
const NAMED: EventTypeName = EventTypeName::named("partition.named");

/// The content of all these events.
#[derive(Serialize, Deserialize)]
struct Said {
    partition: Arc<str>,
}

#[derive(Clone)]
pub(super) struct Directory(Arc<Inner>);

struct Inner {
    store: Store,
    services: Services,
    /// What is known already; it never changes.
    known: RwLock<HashMap<TenantId, PartitionName>>,
}

impl Directory {
    pub(super) fn new(store: Store, services: Services) -> Self {
        Self(Arc::new(Inner { store, services, known: RwLock::default() }))
    }

    pub(super) fn services(&self) -> &Services {
        &self.0.services
    }

    /// Where a tenant lives, if that was asked before.
    pub(super) fn known(&self, tenant: &TenantId) -> Option<PartitionName> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(tenant).cloned()
    }

    fn keep(&self, tenant: &TenantId, home: &PartitionName) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(tenant.clone(), home.clone());
    }

    /// Where a tenant lives.
    pub(super) async fn find(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<PartitionName>, PartitionError> {
        if let Some(home) = self.known(tenant) {
            return Ok(Some(home));
        }
        let home = said(&self.0.store, &place(tenant)?).await?;
        if let Some(home) = &home {
            self.keep(tenant, home);
        }
        Ok(home)
    }

    /// Gives a tenant its partition, unless it has one; tells which it has.
    pub(super) async fn place(
        &self,
        tenant: &TenantId,
        home: &PartitionName,
    ) -> Result<PartitionName, PartitionError> {
        let home = self.say(&self.0.store, place(tenant)?, PLACED, home).await?;
        self.keep(tenant, &home);
        Ok(home)
    }

    /// Every tenant with its partition, in the order in which they were added.
    pub(super) async fn tenants(&self) -> Result<Vec<(TenantId, PartitionName)>, PartitionError> {
        const LARGEST: usize = 4_096;
        let mut tenants = Vec::new();
        let mut pages = Pages::new(&self.0.store, ReadRequest::category(TENANTS), LARGEST);
        while let Some(page) = pages.next().await {
            for event in page?.events() {
                let home = content(&event)?;
                self.keep(event.stream().tenant(), &home);
                tenants.push((event.stream().tenant().clone(), home));
            }
        }
        Ok(tenants)
    }

    /// Makes sure that a log is the partition that it is taken for. A log's own
    /// name is written before the directory has heard of it: whoever is stopped
    /// between the two finds a log that has its name already.
    pub(super) async fn open(
        &self,
        partition: &PartitionName,
        log: &Store,
    ) -> Result<(), PartitionError> {
        let other = |problem: String| {
            Err(PartitionError::OtherLog { partition: partition.clone(), problem })
        };
        let own = StreamId::new(OWN, "name")?;
        let opened = StreamId::new(OPENED, partition.as_str())?;
        let is_opened = said(&self.0.store, &opened).await?.is_some();
        let name = said(log, &own).await?;
        if is_opened && name.is_none() {
            return other("it was opened before with another log".to_owned());
        }
        let name = match name {
            Some(name) => name,
            None => self.say(log, own, NAMED, partition).await?,
        };
        if name != *partition {
            return other(format!("the log is partition {name}"));
        }
        if !is_opened {
            self.say(&self.0.store, opened, NAMED, partition).await?;
        }
        Ok(())
    }

    /// Says something once: gives what was said first.
    async fn say(
        &self,
        store: &Store,
        stream: StreamId,
        event_type: EventTypeName,
        partition: &PartitionName,
    ) -> Result<PartitionName, PartitionError> {
        let said_first = Said { partition: partition.as_str().into() };
        let payload = serde_json::to_vec(&said_first).expect("a text becomes JSON");
        let services = &self.0.services;
        let now = services.now();
        let (id, version) = (services.id(now).into(), SchemaVersion::FIRST);
        let event = NewEvent::new(id, event_type, version, Encoding::JSON, payload, now);
        let work = UnitOfWork::fresh(services).append(
            stream.clone(),
            ExpectedVersion::NoStream,
            vec![event],
        );
        let (refused, fallback) = match store.commit(work).await {
            Ok(_) => return Ok(partition.clone()),
            // Somebody was faster, or it was we and nobody could tell.
            Err(error @ (CommitError::Conflict { .. } | CommitError::Unknown { .. })) => {
                (error, said(store, &stream).await?)
            }
            Err(error) => (error, None),
        };
        fallback.ok_or(PartitionError::Commit(refused))
    }
}

fn place(tenant: &TenantId) -> Result<StreamId, PartitionError> {
    Ok(StreamId::of_tenant(tenant.clone(), TENANTS, "place")?)
}

/// What the first event of a stream says.
async fn said(store: &Store, stream: &StreamId) -> Result<Option<PartitionName>, PartitionError> {
    let page = store.read(ReadRequest::stream(stream.clone()).limit(1)).await?;
    page.events().next().map(|event| content(&event)).transpose()
}

fn content(event: &RecordedEvent) -> Result<PartitionName, PartitionError> {
    let said: Result<Said, _> = serde_json::from_slice(event.payload());
    match said.map_err(|error| error.to_string()) {
        Ok(said) => Ok(PartitionName::new(said.partition)?),
        Err(reason) => {
            let reason = format!("event {} of {}: {reason}", event.version(), event.stream());
            Err(ReadError::Damaged { reason: reason.into() }.into())
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}
