//! Which events void which answers.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Tag;
use crate::query::Query;
use crate::store::RecordedEvent;

/// From the type of an event to the answers that it voids.
///
/// It has its effect when the read model shows the event: call
/// [`QueryCache::invalidate_by`](super::QueryCache::invalidate_by) once the
/// projection has committed it, not before.
///
/// ```
/// use cqrs_core::cache::{Evict, Invalidations};
///
/// let table = Invalidations::new()
///     .on("user.renamed", Evict::query("GetUser").by_key())
///     .on("user.renamed", Evict::query("ListUsers"));
/// assert!(table.concerns("user.renamed"));
/// ```
#[derive(Clone, Default)]
pub struct Invalidations(HashMap<Box<str>, Vec<Evict>>);

/// Answers of one query that an event voids: by default all of them in the
/// event's tenant.
#[derive(Clone)]
#[must_use = "it is put into a table with `Invalidations::on`"]
pub struct Evict {
    query: Box<str>,
    reach: Reach,
}

#[derive(Clone)]
enum Reach {
    AllTenants,
    Tenant,
    Key,
    Part(Part),
}

type Part = Arc<dyn Fn(&RecordedEvent) -> Option<String> + Send + Sync>;

impl Invalidations {
    /// No event voids anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what an event of a type voids; a type may be named several times.
    #[must_use]
    pub fn on(mut self, event_type: impl Into<Box<str>>, evict: Evict) -> Self {
        self.0.entry(event_type.into()).or_default().push(evict);
        self
    }

    /// Whether no event voids anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The types of the events that void something, in no order.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }

    /// Whether an event of that type voids anything.
    #[must_use]
    pub fn concerns(&self, event_type: &str) -> bool {
        self.0.contains_key(event_type)
    }

    /// The tags that an event voids.
    pub fn tags(&self, event: &RecordedEvent, mut each: impl FnMut(Tag)) {
        let evicts = self.0.get(event.event_type().as_str());
        evicts.into_iter().flatten().for_each(|evict| each(evict.tag(event)));
    }
}

impl Evict {
    /// All answers of a query in the event's tenant.
    pub fn query(name: impl Into<Box<str>>) -> Self {
        Self { query: name.into(), reach: Reach::Tenant }
    }

    /// As [`Evict::query`], by the query's type.
    pub fn of<Q: Query>() -> Self {
        Self::query(Q::NAME)
    }

    /// In all tenants: for queries that look at more than their own.
    pub fn in_all_tenants(mut self) -> Self {
        self.reach = Reach::AllTenants;
        self
    }

    /// Only those kept with the key of the event's stream as a part: an event
    /// of user 7 voids `GetUser { id: 7 }`.
    pub fn by_key(mut self) -> Self {
        self.reach = Reach::Key;
        self
    }

    /// Only those kept with the part that a function finds in the event. Where
    /// it finds none, all answers of the query in the tenant are void.
    pub fn by_part(
        mut self,
        part: impl Fn(&RecordedEvent) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.reach = Reach::Part(Arc::new(part));
        self
    }

    fn tag(&self, event: &RecordedEvent) -> Tag {
        let (query, tenant) = (&*self.query, event.stream().tenant());
        match &self.reach {
            Reach::AllTenants => Tag::query(query),
            Reach::Tenant => Tag::in_tenant(query, tenant),
            Reach::Key => Tag::part(query, tenant, event.stream().key()),
            Reach::Part(part) => match part(event) {
                Some(part) => Tag::part(query, tenant, &part),
                None => Tag::in_tenant(query, tenant),
            },
        }
    }
}

impl fmt::Debug for Invalidations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Invalidations").field(&self.0).finish()
    }
}

impl fmt::Debug for Evict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = match self.reach {
            Reach::AllTenants => "in all tenants",
            Reach::Tenant => "in the tenant",
            Reach::Key => "by key",
            Reach::Part(_) => "by part",
        };
        write!(f, "Evict({} {reach})", self.query)
    }
}
