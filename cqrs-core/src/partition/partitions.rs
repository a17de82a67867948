//! The partitions of one process.

use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::directory::Directory;
use super::{PartitionError, PartitionName, PartitionStore, Tenant};
use crate::app::{App, Shutdown};
use crate::message::TenantId;
use crate::registry::BuildError;
use crate::runtime::{Services, join_all};
use crate::store::{EventStore, Store};

/// Chooses the partition of a tenant that is added, by its name.
type Rule = dyn Fn(&TenantId) -> String + Send + Sync;

/// An application for each partition, and the directory that tells which has
/// which tenant; see [the module](super). Cheap to clone.
#[derive(Clone)]
pub struct Partitions(Arc<Inner>);

struct Inner {
    directory: Directory,
    apps: Vec<(PartitionName, App)>,
    rule: Option<Box<Rule>>,
}

/// Collects the partitions of a process.
#[must_use = "there are no partitions until they are built"]
pub struct PartitionsBuilder {
    directory: Store,
    stores: Vec<(String, Store)>,
    services: Services,
    rule: Option<Box<Rule>>,
}

impl PartitionsBuilder {
    /// Adds a partition: its name, which it keeps for good, and its store.
    pub fn partition(mut self, name: impl Into<String>, store: impl EventStore) -> Self {
        self.stores.push((name.into(), Store::new(store)));
        self
    }

    /// Chooses partitions for tenants that are added: by region, by size, or
    /// those that have room. Without a rule they are spread evenly. Tenants that
    /// were added before stay where they are.
    pub fn place_by(mut self, rule: impl Fn(&TenantId) -> String + Send + Sync + 'static) -> Self {
        self.rule = Some(Box::new(rule));
        self
    }

    /// Sets clock, identifiers and tasks of the directory.
    pub fn services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// Builds an application for each partition, over the store that it is
    /// given. Every log is looked at first: one that is another partition, belongs
    /// to another directory, or is a new one in the place of a partition that was
    /// there before, is refused. One that has events and was no partition yet is
    /// read through once, and brings its tenants along.
    ///
    /// # Errors
    ///
    /// [`PartitionError`] tells what is wrong with which partition. Partitions
    /// that were opened up to then stay known, which does no harm.
    ///
    /// # Cancel safety
    ///
    /// As an error in the middle.
    pub async fn build(
        self,
        mut app: impl FnMut(PartitionStore) -> Result<App, BuildError>,
    ) -> Result<Partitions, PartitionError> {
        let directory = Directory::new(self.directory, self.services);
        let mut stores: Vec<PartitionStore> = Vec::new();
        for (name, store) in self.stores {
            let name = PartitionName::new(name)?;
            if stores.iter().any(|other| *other.partition() == name) {
                return Err(PartitionError::Twice(name));
            }
            directory.open(&name, &store).await?;
            stores.push(PartitionStore::new(name, store, directory.clone()));
        }
        // What is known from the beginning need not be asked for.
        directory.tenants().await?;
        let mut apps = Vec::new();
        for store in stores {
            let partition = store.partition().clone();
            match app(store) {
                Ok(app) => apps.push((partition, app)),
                Err(error) => return Err(PartitionError::Build { partition, error }),
            }
        }
        Ok(Partitions(Arc::new(Inner { directory, apps, rule: self.rule })))
    }
}

impl Partitions {
    /// Begins with the store that keeps the directory: one of its own, or that
    /// of a partition.
    pub fn builder(directory: impl EventStore) -> PartitionsBuilder {
        PartitionsBuilder {
            directory: Store::new(directory),
            stores: Vec::new(),
            services: Services::default(),
            rule: None,
        }
    }

    /// A tenant in the application of its partition. Only the first call for a
    /// tenant asks the directory.
    ///
    /// # Errors
    ///
    /// [`PartitionError::UnknownTenant`] when it was never added;
    /// [`PartitionError::Elsewhere`] when this process has no store for its
    /// partition; [`PartitionError::Read`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn tenant(&self, id: impl Into<TenantId>) -> Result<Tenant, PartitionError> {
        let id = id.into();
        match self.0.directory.find(&id).await? {
            Some(home) => self.at_home(id, home),
            None => Err(PartitionError::UnknownTenant { tenant: id }),
        }
    }

    /// Gives a tenant a partition, as the rule says, for good. A tenant that
    /// has one already keeps it, even if the rule has changed.
    ///
    /// # Errors
    ///
    /// [`PartitionError::NoSuchPartition`] when the rule names none of this
    /// process; [`PartitionError::Elsewhere`] when the tenant was added
    /// before to one that this process does not have;
    /// [`PartitionError::Tenant`]; [`PartitionError::Commit`], after which it
    /// may be added again.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped the tenant may have been added.
    pub async fn add_tenant(&self, id: impl Into<TenantId>) -> Result<Tenant, PartitionError> {
        let id = id.into();
        if let Some(home) = self.0.directory.find(&id).await? {
            return self.at_home(id, home);
        }
        let home = match &self.0.rule {
            Some(rule) => self.known(&rule(&id))?,
            None => spread(&id, self.names()).ok_or_else(|| self.unknown("for any tenant"))?,
        };
        let home = self.0.directory.place(&id, &home).await?;
        self.at_home(id, home)
    }

    /// As [`Partitions::add_tenant`], to a partition of the caller's choice.
    ///
    /// # Errors
    ///
    /// As [`Partitions::add_tenant`]; [`PartitionError::Elsewhere`] also when
    /// the tenant has another partition already.
    ///
    /// # Cancel safety
    ///
    /// As [`Partitions::add_tenant`].
    pub async fn add_tenant_to(
        &self,
        id: impl Into<TenantId>,
        partition: &str,
    ) -> Result<Tenant, PartitionError> {
        let (tenant, wanted) = (id.into(), self.known(partition)?);
        let home = self.0.directory.place(&tenant, &wanted).await?;
        if home != wanted {
            let wanted = wanted.to_string();
            return Err(PartitionError::Elsewhere { tenant, home, wanted });
        }
        self.at_home(tenant, home)
    }

    /// Every tenant with its partition, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// [`PartitionError::Read`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn tenants(&self) -> Result<Vec<(TenantId, PartitionName)>, PartitionError> {
        self.0.directory.tenants().await
    }

    /// The applications, in the order in which the partitions were given.
    pub fn apps(&self) -> impl ExactSizeIterator<Item = (&PartitionName, &App)> {
        self.0.apps.iter().map(|(name, app)| (name, app))
    }

    /// The application of one partition.
    #[must_use]
    pub fn app(&self, partition: &str) -> Option<&App> {
        self.apps().find(|(name, _)| name.as_str() == partition).map(|(_, app)| app)
    }

    /// As [`App::shutdown`], of all applications side by side, in the order in
    /// which the partitions were given.
    ///
    /// # Cancel safety
    ///
    /// As [`App::shutdown`].
    pub async fn shutdown(&self) -> Vec<(PartitionName, Shutdown)> {
        let ends = self.apps().map(|(_, app)| Box::pin(app.shutdown())).collect();
        self.names().cloned().zip(join_all(ends).await).collect()
    }

    fn names(&self) -> impl Iterator<Item = &PartitionName> {
        self.apps().map(|(name, _)| name)
    }

    fn list(&self) -> String {
        let names: Vec<_> = self.names().map(PartitionName::as_str).collect();
        names.join(", ")
    }

    fn unknown(&self, name: &str) -> PartitionError {
        PartitionError::NoSuchPartition { name: name.to_owned(), known: self.list() }
    }

    fn known(&self, name: &str) -> Result<PartitionName, PartitionError> {
        let found = self.names().find(|known| known.as_str() == name);
        found.cloned().ok_or_else(|| self.unknown(name))
    }

    fn at_home(&self, id: TenantId, home: PartitionName) -> Result<Tenant, PartitionError> {
        match self.app(home.as_str()) {
            Some(app) => Ok(Tenant { id, partition: home, app: app.clone() }),
            None => Err(PartitionError::Elsewhere { tenant: id, home, wanted: self.list() }),
        }
    }
}

/// The partition whose name and the tenant's together have the largest hash
/// (rendezvous hashing, Thaler and Ravishankar 1998): each gets its share of new
/// tenants, also one that is added later.
fn spread<'a>(
    tenant: &TenantId,
    partitions: impl Iterator<Item = &'a PartitionName>,
) -> Option<PartitionName> {
    let weight = |name: &PartitionName| {
        let seed = xxh3_64_with_seed(name.as_str().as_bytes(), 0);
        xxh3_64_with_seed(tenant.as_str().as_bytes(), seed)
    };
    partitions.max_by_key(|name| weight(name)).cloned()
}

impl fmt::Debug for PartitionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.stores.iter().map(|(name, _)| name).collect();
        f.debug_struct("PartitionsBuilder").field("stores", &names).finish_non_exhaustive()
    }
}

impl fmt::Debug for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partitions").field("apps", &self.0.apps).finish_non_exhaustive()
    }
}
