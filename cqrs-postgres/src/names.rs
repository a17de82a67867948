//! What the numbers and ids in an event's row stand for, kept per store.
//!
//! Numbers are given once, in transactions of their own, and never change
//! their meaning, so that what has been read once stays true.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use cqrs_core::TenantId;
use cqrs_core::message::{Encoding, SchemaVersion};
use cqrs_core::store::{Category, EventTypeName, NewEvent, StreamId, TableName};
use quick_cache::sync::Cache;
use tokio_postgres::Row;
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

/// What the numbers and ids of one read stand for.
#[derive(Default)]
pub(crate) struct Known {
    kinds: HashMap<i32, Kind>,
    streams: HashMap<Uuid, StreamId>,
}

impl Known {
    pub(crate) fn kind(&self, number: i32) -> Outcome<&Kind> {
        self.kinds.get(&number).ok_or_else(|| Fault::damaged("a kind of events has no name"))
    }

    pub(crate) fn stream(&self, id: Uuid) -> Outcome<&StreamId> {
        self.streams.get(&id).ok_or_else(|| Fault::damaged("a stream has no name"))
    }
}

impl Names {
    pub(crate) fn new() -> Self {
        Self::remembering(STREAMS, OTHERS)
    }

    fn remembering(streams: usize, others: usize) -> Self {
        Self {
            kinds: Cache::new(others),
            kinds_by_number: Cache::new(others),
            categories: Cache::new(others),
            tables: Cache::new(others),
            streams: Cache::new(streams),
        }
    }

    pub(crate) fn learn_stream(&self, id: Uuid, stream: &StreamId) {
        if self.streams.get(&id).is_none() {
            self.streams.insert(id, stream.clone());
        }
    }

    /// What those kinds and streams are: remembered, or looked up. What is found
    /// is handed over as well as remembered, since what is remembered may be
    /// forgotten at once for the sake of others.
    pub(crate) async fn learn(
        &self,
        session: &impl Ask,
        kinds: impl Iterator<Item = i32>,
        streams: impl Iterator<Item = Uuid>,
    ) -> Outcome<Known> {
        let mut known = Known::default();
        let missing = remembered(kinds, &self.kinds_by_number, &mut known.kinds);
        if !missing.is_empty() {
            for row in session.query(&session.sql().kinds, &[&missing]).await? {
                let (number, kind) = kind_in(&row)?;
                self.kinds_by_number.insert(number, kind.clone());
                known.kinds.insert(number, kind);
            }
        }
        let missing = remembered(streams, &self.streams, &mut known.streams);
        if !missing.is_empty() {
            for row in session.query(&session.sql().streams, &[&missing]).await? {
                let (id, stream) = stream_in(&row)?;
                self.streams.insert(id, stream.clone());
                known.streams.insert(id, stream);
            }
        }
        Ok(known)
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

/// Puts what is remembered into `known`, and gives the others, each once.
fn remembered<K: Hash + Eq + Copy, V: Clone>(
    wanted: impl Iterator<Item = K>,
    cache: &Cache<K, V>,
    known: &mut HashMap<K, V>,
) -> Vec<K> {
    let mut missing = HashSet::new();
    for key in wanted {
        if known.contains_key(&key) || missing.contains(&key) {
            continue;
        }
        match cache.get(&key) {
            Some(value) => drop(known.insert(key, value)),
            None => drop(missing.insert(key)),
        }
    }
    missing.into_iter().collect()
}

fn kind_in(row: &Row) -> Outcome<(i32, Kind)> {
    let version = u32::try_from(row.try_get::<_, i64>(2)?).unwrap_or(0);
    if version == 0 {
        return Err(Fault::damaged("the version of a kind is none"));
    }
    let kind = Kind {
        event_type: row.try_get::<_, String>(1)?.into(),
        version: SchemaVersion::new(version),
        encoding: row.try_get::<_, String>(3)?.into(),
    };
    Ok((row.try_get(0)?, kind))
}

fn stream_in(row: &Row) -> Outcome<(Uuid, StreamId)> {
    let tenant = TenantId::new(row.try_get::<_, &str>(1)?);
    let category = Category::from(row.try_get::<_, String>(2)?);
    let stream = StreamId::of_tenant(tenant, category, row.try_get::<_, &str>(3)?);
    let stream = stream.map_err(|error| Fault::damaged(error.to_string()))?;
    Ok((row.try_get(0)?, stream))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "a connection beside the store's")]

    use cqrs_core::OperationId;
    use cqrs_core::message::{EventId, Timestamp};
    use cqrs_core::store::{
        EventStore, ExpectedVersion, LogId, Operation, PagePool, ReadRequest, UnitOfWork,
    };
    use cqrs_testkit::postgres;
    use std::sync::Arc;

    use super::*;
    use crate::address::Address;
    use crate::sql::Sql;
    use crate::{PostgresStore, reader};

    const STREAMS: u128 = 50;

    fn event(number: u128) -> NewEvent {
        let id = EventId::from_uuid(Uuid::from_u128(number));
        let (version, json) = (SchemaVersion::FIRST, Encoding::JSON);
        NewEvent::new(id, format!("type-{number}"), version, json, &b"{}"[..], Timestamp::EPOCH)
    }

    #[tokio::test]
    async fn what_is_forgotten_at_once_was_still_learned() {
        let schema = postgres::schema();
        let store = PostgresStore::options(postgres::url()).schema(&schema).open().await;
        let store = store.expect("it opens");
        let id = OperationId::from_uuid(Uuid::from_u128(1));
        let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
        let work = (1..=STREAMS).fold(work, |work, number| {
            let stream = StreamId::new("account", number.to_string()).expect("it is a name");
            work.append(stream, ExpectedVersion::Any, vec![event(number)])
        });
        store.commit(work).await.expect("it commits");
        let server = Address::parse(&postgres::url()).and_then(Address::server).expect("it is one");
        let connection = server.connect().await.expect("it connects");
        let session = Session::own(connection, Arc::new(Sql::new(&schema)));

        // Room for one name, which newcomers do not get once it is taken.
        let names = Names::remembering(1, 1);
        for _ in 0..3 {
            let request = ReadRequest::all();
            let page = reader::read(&session, &names, &PagePool::default(), &request).await;
            let page = page.expect("every name is there");
            let keys: HashSet<_> =
                page.events().map(|event| event.stream().key().to_owned()).collect();
            assert_eq!(keys.len() as u128, STREAMS);
            let log = LogId::from_uuid(Uuid::nil());
            let unit = reader::operation(&session, &names, log, id).await;
            let unit = unit.expect("every name is there").expect("it is recorded");
            assert_eq!(unit.streams().len() as u128, STREAMS);
        }
    }
}
