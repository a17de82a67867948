//! Every read that is shipped walks an index, in the order of the log.

#![allow(clippy::disallowed_methods, reason = "a connection beside the store's")]

use std::collections::BTreeSet;

use cqrs_core::TenantId;
use cqrs_core::message::CorrelationId;
use cqrs_core::store::{EventQuery, EventStore, QueryItem, ReadRequest, Source, StreamId, Tag};
use cqrs_testkit::postgres;
use tokio_postgres::NoTls;
use tokio_postgres::types::{ToSql, Type};

use super::query::{Bounds, Query};
use crate::PostgresStore;
use crate::sql::Sql;

/// A log of 30,000 events: 300 streams of 30 categories, 20 types, a tag on
/// every hundredth event, and another on each.
const FILL: &str = "
INSERT INTO @schema@.categories (tenant, category)
    SELECT '', 'c' || n FROM generate_series(1, 30) n;
INSERT INTO @schema@.kinds (type, version, encoding)
    SELECT 't' || n, 1, 'json' FROM generate_series(1, 20) n;
INSERT INTO @schema@.events
    SELECT n, n / 300 + 1, 0, n, n % 20 + 1, n % 30 + 1, md5((n % 300)::text)::uuid,
        md5('e' || n)::uuid, md5('c' || n / 3)::uuid, NULL, md5('o' || n)::uuid,
        '\\x00'::bytea, CASE WHEN n % 100 = 0 THEN 'a:1' END, NULL, '{}'::bytea
    FROM generate_series(1, 30000) n;
INSERT INTO @schema@.tags SELECT $$@tag@$$::uuid, n FROM generate_series(100, 30000, 100) n;
INSERT INTO @schema@.tags SELECT md5('t' || n % 50)::uuid, n FROM generate_series(1, 30000) n;
VACUUM ANALYZE @schema@.events;
VACUUM ANALYZE @schema@.tags;";

struct Log {
    client: tokio_postgres::Client,
    sql: Sql,
    _store: PostgresStore,
}

impl Log {
    async fn new() -> Self {
        let schema = postgres::schema();
        let store = PostgresStore::options(postgres::url()).schema(&schema).open().await;
        let store = store.expect("it opens");
        assert_eq!(store.info().await.expect("it answers").head.get(), 0);
        let (client, connection) =
            tokio_postgres::connect(&postgres::url(), NoTls).await.expect("it connects");
        tokio::spawn(connection);
        let sql = Sql::new(&schema);
        let tag = crate::identity::of_tag("a:1").to_string();
        for statement in sql.of(FILL).replace("@tag@", &tag).split(";\n") {
            client.batch_execute(statement).await.expect("it may");
        }
        Self { client, sql, _store: store }
    }

    /// What the plan of a statement does with the log's tables.
    async fn plan(
        &self,
        text: &str,
        arguments: &[(&(dyn ToSql + Sync), Type)],
    ) -> (String, BTreeSet<String>) {
        let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {text}");
        let rows = self.client.query_typed(&self.sql.of(&explain), arguments).await;
        let rows = rows.unwrap_or_else(|error| panic!("{}: {text}", cqrs_core::report(&error)));
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let scans = plan.iter().filter(|line| {
            line.contains("Seq Scan on") && (line.contains("events") || line.contains(" tags"))
        });
        (plan.join("\n"), scans.cloned().collect())
    }
}

fn requests() -> Vec<(&'static str, ReadRequest)> {
    let tag = || Tag::parse("a:1").expect("it is a tag");
    let of_tenant = Source::All { tenant: Some(TenantId::default()) };
    let correlation = CorrelationId::from_uuid(uuid::Uuid::from_u128(7));
    let stream = StreamId::new("c1", "1").expect("it is a name");
    vec![
        ("events_category", ReadRequest::category("c7")),
        ("events_category", ReadRequest::new(of_tenant)),
        ("events_kind", ReadRequest::all().matching(EventQuery::types(["t3", "t4"]))),
        ("events_kind", ReadRequest::category("c7").matching(EventQuery::types(["t3"]))),
        ("tags_pkey", ReadRequest::all().matching(EventQuery::tag(tag()))),
        (
            "tags_pkey",
            ReadRequest::all().matching(EventQuery::all().or(QueryItem::types(["t1"]).tag(tag()))),
        ),
        (
            "events_kind",
            ReadRequest::all()
                .matching(EventQuery::types(["t3"]).or(QueryItem::default().tag(tag()))),
        ),
        ("events_correlation", ReadRequest::all().correlated(correlation)),
        ("events_stream", ReadRequest::stream(stream).matching(EventQuery::types(["t3"]))),
    ]
}

#[tokio::test]
async fn filtered_reads_walk_the_index_that_they_were_written_for() {
    let log = Log::new().await;
    for (index, request) in requests() {
        for request in [request.clone(), request.backward()] {
            for after in [0, 29_000] {
                let bounds = Bounds { after, before: i64::MAX };
                let Query { text, arguments } = Query::of(&request, bounds, 100);
                let arguments: Vec<_> = arguments
                    .iter()
                    .map(|(value, ty)| (&**value as &(dyn ToSql + Sync), ty.clone()))
                    .collect();
                let (plan, scans) = log.plan(&text, &arguments).await;
                assert!(scans.is_empty(), "{request:?}\n{plan}");
                assert!(plan.contains(index), "{request:?} does not use {index}\n{plan}");
            }
        }
    }
}

#[tokio::test]
async fn plain_reads_and_lookups_walk_their_index() {
    let log = Log::new().await;
    let (after, before, limit) = (100_i64, i64::MAX, 100_i64);
    let (id, position) = (uuid::Uuid::from_u128(1), 100_i64);
    let long = |value| (value as &(dyn ToSql + Sync), Type::INT8);
    let range = vec![long(&after), long(&before), long(&limit)];
    let one = vec![(&id as &(dyn ToSql + Sync), Type::UUID)];
    let stream = [range.clone(), one.clone()].concat();
    let statements = [
        (&log.sql.range, range.clone(), "events_pkey"),
        (&log.sql.range_backward, range, "events_pkey"),
        (&log.sql.stream, stream.clone(), "events_stream"),
        (&log.sql.stream_backward, stream, "events_stream"),
        (&log.sql.head, Vec::new(), "events_pkey"),
        (&log.sql.stream_head, one.clone(), "events_stream"),
        (&log.sql.operation, one, "events_operation"),
        (&log.sql.operations, vec![long(&position), long(&limit)], "events_pkey"),
        (&log.sql.unit_streams, vec![long(&position), long(&position)], "events_pkey"),
    ];
    for (text, arguments, index) in statements {
        let (plan, scans) = log.plan(text, &arguments).await;
        assert!(scans.is_empty(), "{text}\n{plan}");
        assert!(plan.contains(index), "{text} does not use {index}\n{plan}");
    }
}
