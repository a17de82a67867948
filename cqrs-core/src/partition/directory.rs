//! Which partition has which tenant, kept as events: what is said once stays.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

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

/// Which directory it is: its stream in the directory.
const DIRECTORY: Category = Category::named("partition.directory");
const BEGUN: EventTypeName = EventTypeName::named("partition.directory_begun");

/// The content of all these events.
#[derive(Serialize, Deserialize)]
struct Said {
    partition: Arc<str>,
    /// The directory's id, where a log is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<Arc<str>>,
}

/// How long a tenant that was not found is taken for one that there is not, and
/// how many of them are remembered, or asked for at once.
const ABSENT: Duration = Duration::from_secs(1);
const MOST_ABSENT: usize = 1_024;

/// Where a tenant lives, as far as this process knows.
#[derive(Debug)]
pub(super) enum Home {
    Is(PartitionName),
    /// It was asked for a moment ago.
    Nowhere,
    /// Nobody has asked.
    Unknown,
}

/// What this process has learnt.
#[derive(Default)]
struct Known {
    /// It never changes.
    homes: HashMap<TenantId, PartitionName>,
    /// Tenants that were not found, and when that was.
    absent: HashMap<TenantId, Duration>,
    /// Those who are being asked for.
    asked: HashSet<TenantId>,
}

#[derive(Clone)]
pub(super) struct Directory(Arc<Inner>);

struct Inner {
    store: Store,
    services: Services,
    known: RwLock<Known>,
}

impl Directory {
    pub(super) fn new(store: Store, services: Services) -> Self {
        Self(Arc::new(Inner { store, services, known: RwLock::default() }))
    }

    /// Where a tenant lives, if that was asked before.
    pub(super) fn known(&self, tenant: &TenantId) -> Home {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(home) = known.homes.get(tenant) {
            return Home::Is(home.clone());
        }
        match known.absent.get(tenant) {
            Some(since) if self.now().saturating_sub(*since) < ABSENT => Home::Nowhere,
            _ => Home::Unknown,
        }
    }

    fn now(&self) -> Duration {
        self.0.services.clock.monotonic()
    }

    fn learn<T>(&self, learn: impl FnOnce(&mut Known) -> T) -> T {
        learn(&mut self.0.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, tenant: &TenantId, home: &PartitionName) {
        self.learn(|known| {
            known.absent.remove(tenant);
            known.homes.insert(tenant.clone(), home.clone());
        });
    }

    /// Asks for a tenant in the background, so that the next one knows.
    pub(super) fn ask_behind(&self, tenant: &TenantId) {
        let begins = self
            .learn(|known| known.asked.len() < MOST_ABSENT && known.asked.insert(tenant.clone()));
        if !begins {
            return;
        }
        let asked = Asked { directory: self.clone(), tenant: tenant.clone() };
        let ask = Box::pin(async move {
            if let Err(error) = asked.directory.find(&asked.tenant).await {
                tracing::warn!(tenant = asked.tenant.as_str(), %error, "where it lives is not known");
            }
        });
        self.0.services.spawner.spawn("partition", ask);
    }

    /// Where a tenant lives.
    pub(super) async fn find(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<PartitionName>, PartitionError> {
        if let Home::Is(home) = self.known(tenant) {
            return Ok(Some(home));
        }
        let home = said(&self.0.store, &place(tenant)?).await?.map(|said| said.0);
        match &home {
            Some(home) => self.keep(tenant, home),
            None => {
                let now = self.now();
                self.learn(|known| {
                    if known.absent.len() >= MOST_ABSENT {
                        known.absent.clear();
                    }
                    known.absent.insert(tenant.clone(), now);
                });
            }
        }
        Ok(home)
    }

    /// Gives a tenant its partition, unless it has one; tells which it has.
    pub(super) async fn place(
        &self,
        tenant: &TenantId,
        home: &PartitionName,
    ) -> Result<PartitionName, PartitionError> {
        let said = Said { partition: home.as_str().into(), directory: None };
        let (home, _) = self.say(&self.0.store, place(tenant)?, PLACED, said).await?;
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
                let (home, _) = content(&event)?;
                self.keep(event.stream().tenant(), &home);
                tenants.push((event.stream().tenant().clone(), home));
            }
        }
        Ok(tenants)
    }

    /// The directory's own id, made when it is opened for the first time.
    async fn id(&self) -> Result<Arc<str>, PartitionError> {
        let services = &self.0.services;
        let id: Arc<str> = services.id(services.now()).to_string().into();
        let begun = Said { partition: "directory".into(), directory: Some(id) };
        let stream = StreamId::new(DIRECTORY, "id")?;
        let said = match said(&self.0.store, &stream).await? {
            Some(said) => said,
            None => self.say(&self.0.store, stream.clone(), BEGUN, begun).await?,
        };
        said.1.ok_or_else(|| damaged(&stream, "it has no id"))
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
        let id = self.id().await?;
        let own = StreamId::new(OWN, "name")?;
        let opened = StreamId::new(OPENED, partition.as_str())?;
        let is_opened = said(&self.0.store, &opened).await?.is_some();
        let name = said(log, &own).await?;
        if is_opened && name.is_none() {
            return other("it was opened before with another log".to_owned());
        }
        let (name, directory) = match name {
            Some(name) => name,
            None => {
                self.bring_in(partition, log).await?;
                let (partition, directory) = (partition.as_str().into(), Some(Arc::clone(&id)));
                self.say(log, own, NAMED, Said { partition, directory }).await?
            }
        };
        if name != *partition {
            return other(format!("the log is partition {name}"));
        }
        if directory.as_ref() != Some(&id) {
            return other("the log belongs to another directory".to_owned());
        }
        if !is_opened {
            let said = Said { partition: partition.as_str().into(), directory: None };
            self.say(&self.0.store, opened, NAMED, said).await?;
        }
        Ok(())
    }

    /// Places the tenants of a log that has become a partition here: they have
    /// events there already.
    async fn bring_in(&self, partition: &PartitionName, log: &Store) -> Result<(), PartitionError> {
        const FIRST: usize = 1_000;
        const LARGEST: usize = 4_096;
        let mut pages = Pages::new(log, ReadRequest::all().limit(FIRST), LARGEST);
        let mut met = HashSet::new();
        while let Some(page) = pages.next().await {
            for event in page?.events() {
                let (category, tenant) = (event.stream().category(), event.stream().tenant());
                let is_ours = [TENANTS, OPENED, OWN, DIRECTORY].contains(category);
                if is_ours || !met.insert(tenant.clone()) {
                    continue;
                }
                let home = self.place(tenant, partition).await?;
                if home != *partition {
                    let (tenant, wanted) = (tenant.clone(), partition.to_string());
                    return Err(PartitionError::Elsewhere { tenant, home, wanted });
                }
            }
        }
        Ok(())
    }

    /// Says something once: gives what was said first.
    async fn say(
        &self,
        store: &Store,
        stream: StreamId,
        event_type: EventTypeName,
        content: Said,
    ) -> Result<Heard, PartitionError> {
        let payload = serde_json::to_vec(&content).expect("texts become JSON");
        let services = &self.0.services;
        let now = services.now();
        let (id, version) = (services.id(now).into(), SchemaVersion::FIRST);
        let event = NewEvent::new(id, event_type, version, Encoding::JSON, payload, now);
        let work = UnitOfWork::fresh(services).append(
            stream.clone(),
            ExpectedVersion::NoStream,
            vec![event],
        );
        let refused = match store.commit(work).await {
            Ok(_) => return Ok((PartitionName::new(content.partition)?, content.directory)),
            // Somebody was faster, or it was we and nobody could tell.
            Err(error @ (CommitError::Conflict { .. } | CommitError::Unknown { .. })) => error,
            Err(error) => return Err(error.into()),
        };
        said(store, &stream).await?.ok_or(PartitionError::Commit(refused))
    }
}

/// A tenant that is being asked for, until that has ended, however it ends.
struct Asked {
    directory: Directory,
    tenant: TenantId,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.directory.learn(|known| known.asked.remove(&self.tenant));
    }
}

/// The name of a partition, and the id of a directory beside it.
type Heard = (PartitionName, Option<Arc<str>>);

fn place(tenant: &TenantId) -> Result<StreamId, PartitionError> {
    Ok(StreamId::of_tenant(tenant.clone(), TENANTS, "place")?)
}

/// What the first event of a stream says.
async fn said(store: &Store, stream: &StreamId) -> Result<Option<Heard>, PartitionError> {
    let page = store.read(ReadRequest::stream(stream.clone()).limit(1)).await?;
    page.events().next().map(|event| content(&event)).transpose()
}

fn content(event: &RecordedEvent) -> Result<Heard, PartitionError> {
    let said: Result<Said, _> = serde_json::from_slice(event.payload());
    match said {
        Ok(Said { partition, directory }) => Ok((PartitionName::new(partition)?, directory)),
        Err(error) => Err(damaged(event.stream(), &error.to_string())),
    }
}

fn damaged(stream: &StreamId, problem: &str) -> PartitionError {
    let reason = format!("the first event of {stream}: {problem}");
    ReadError::Damaged { reason: reason.into() }.into()
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}
