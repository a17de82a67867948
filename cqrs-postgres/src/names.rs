//! What the numbers and ids in an event's row stand for, kept per store.
//!
//! Numbers are given once, in transactions of their own, and never change
//! their meaning, so that what has been read once stays true.

use std::collections::HashSet;
use std::hash::Hash;

use cqrs_core::TenantId;
use cqrs_core::message::{Encoding, SchemaVersion};
use cqrs_core::store::{Category, EventTypeName, NewEvent, StreamId, TableName};
use quick_cache::sync::Cache;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::fault::{Fault, Outcome};
use crate::session::{Ask, Session};

/// How many names of each sort are remembered.
const STREAMS: usize = 1 << 16;
const OTHERS: usize = 1 << 12;

/// The type, shape and format of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) event_type: EventTypeName,
    pub(crate) version: SchemaVersion,
    pub(crate) encoding: Encoding,
}

pub(crate) struct Names {
    kinds: Cache<Kind, i32>,
    kinds_by_number: Cache<i32, Kind>,
    categories: Cache<(TenantId, Category), i32>,
    tables: Cache<TableName, i32>,
    streams: Cache<Uuid, StreamId>,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self {
            kinds: Cache::new(OTHERS),
            kinds_by_number: Cache::new(OTHERS),
            categories: Cache::new(OTHERS),
            tables: Cache::new(OTHERS),
            streams: Cache::new(STREAMS),
        }
    }

    pub(crate) fn stream(&self, id: Uuid) -> Option<StreamId> {
        self.streams.get(&id)
    }

    pub(crate) fn learn_stream(&self, id: Uuid, stream: &StreamId) {
        if self.streams.get(&id).is_none() {
            self.streams.insert(id, stream.clone());
        }
    }

    pub(crate) fn kind(&self, number: i32) -> Option<Kind> {
        self.kinds_by_number.get(&number)
    }

    /// Looks up those kinds and streams that are not known yet.
    pub(crate) async fn learn(
        &self,
        session: &impl Ask,
        kinds: impl Iterator<Item = i32>,
        streams: impl Iterator<Item = Uuid>,
    ) -> Outcome<()> {
        let unknown = |number: &i32| self.kinds_by_number.get(number).is_none();
        let kinds: HashSet<i32> = kinds.filter(unknown).collect();
        if !kinds.is_empty() {
            let kinds: Vec<i32> = kinds.into_iter().collect();
            for row in session.query(&session.sql().kinds, &[&kinds]).await? {
                let version = u32::try_from(row.try_get::<_, i64>(2)?).unwrap_or(0);
                if version == 0 {
                    return Err(Fault::damaged("the version of a kind is none"));
                }
                let kind = Kind {
                    event_type: row.try_get::<_, String>(1)?.into(),
                    version: SchemaVersion::new(version),
                    encoding: row.try_get::<_, String>(3)?.into(),
                };
                self.kinds_by_number.insert(row.try_get(0)?, kind);
            }
        }
        let unknown = |id: &Uuid| self.streams.get(id).is_none();
        let streams: HashSet<Uuid> = streams.filter(unknown).collect();
        if !streams.is_empty() {
            let streams: Vec<Uuid> = streams.into_iter().collect();
            for row in session.query(&session.sql().streams, &[&streams]).await? {
                let tenant = TenantId::new(row.try_get::<_, &str>(1)?);
                let category = Category::from(row.try_get::<_, String>(2)?);
                let stream = StreamId::of_tenant(tenant, category, row.try_get::<_, &str>(3)?);
                let stream = stream.map_err(|error| Fault::damaged(error.to_string()))?;
                self.streams.insert(row.try_get(0)?, stream);
            }
        }
        Ok(())
    }

    /// The number of an event's kind, made if it is new.
    pub(crate) async fn number_of_kind(&self, session: &Session, event: &NewEvent) -> Outcome<i32> {
        let kind = Kind {
            event_type: event.event_type().clone(),
            version: event.schema_version(),
            encoding: event.encoding().clone(),
        };
        let (name, version) = (kind.event_type.as_str(), i64::from(kind.version.get()));
        let encoding = kind.encoding.as_str();
        let statements = (&session.sql.kind, &session.sql.new_kind);
        number(&self.kinds, &kind, session, statements, &[&name, &version, &encoding]).await
    }

    /// The number of a stream's category, made if it is new.
    pub(crate) async fn number_of_category(
        &self,
        session: &Session,
        stream: &StreamId,
    ) -> Outcome<i32> {
        let key = (stream.tenant().clone(), stream.category().clone());
        let (tenant, category) = (stream.tenant().as_str(), stream.category().as_str());
        let statements = (&session.sql.category, &session.sql.new_category);
        number(&self.categories, &key, session, statements, &[&tenant, &category]).await
    }

    /// The number of a table, made if it is new.
    pub(crate) async fn number_of_table(
        &self,
        session: &Session,
        table: &TableName,
    ) -> Outcome<i32> {
        let statements = (&session.sql.table, &session.sql.new_table);
        number(&self.tables, table, session, statements, &[&table.as_str()]).await
    }

    /// The number of a table, if it has one.
    pub(crate) async fn known_table(
        &self,
        session: &Session,
        table: &TableName,
    ) -> Outcome<Option<i32>> {
        if let Some(number) = self.tables.get(table) {
            return Ok(Some(number));
        }
        let found = session.query(&session.sql.table, &[&table.as_str()]).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let number = row.try_get(0)?;
        self.tables.insert(table.clone(), number);
        Ok(Some(number))
    }
}

async fn number<K: Hash + Eq + Clone>(
    cache: &Cache<K, i32>,
    key: &K,
    session: &Session,
    (find, make): (&String, &String),
    arguments: &[&(dyn ToSql + Sync)],
) -> Outcome<i32> {
    if let Some(number) = cache.get(key) {
        return Ok(number);
    }
    for _ in 0..2 {
        if let Some(row) = session.query(find, arguments).await?.first() {
            let number = row.try_get(0)?;
            cache.insert(key.clone(), number);
            return Ok(number);
        }
        session.query(make, arguments).await?;
    }
    Err(Fault::damaged("a name that was made is not there"))
}
