//! Statements, with the schema of the log in them.

/// The statements of one log.
#[derive(Debug)]
pub(crate) struct Sql {
    schema: String,
    pub(crate) commit: String,
    pub(crate) commit_fenced: String,
    pub(crate) append_one: String,
    pub(crate) append_many: String,
    pub(crate) append_tagged: String,
    pub(crate) claim: String,
    pub(crate) acquire: String,
    pub(crate) renew: String,
    pub(crate) release: String,
    pub(crate) token: String,
    pub(crate) leases: String,
    pub(crate) operation: String,
    pub(crate) operations: String,
    pub(crate) unit_streams: String,
    pub(crate) head: String,
    pub(crate) is_same: String,
    pub(crate) stream_head: String,
    pub(crate) snapshot: String,
    pub(crate) checkpoint: String,
    pub(crate) row: String,
    pub(crate) table: String,
    pub(crate) new_table: String,
    pub(crate) kind: String,
    pub(crate) new_kind: String,
    pub(crate) category: String,
    pub(crate) new_category: String,
    pub(crate) kinds: String,
    pub(crate) streams: String,
    pub(crate) range: String,
    pub(crate) range_backward: String,
    pub(crate) stream: String,
    pub(crate) stream_backward: String,
}

/// The columns of an event, in the order in which they are read.
pub(crate) const COLUMNS: &str = "e.position, e.version, e.occurred_at, e.recorded_at, e.kind, \
     e.stream, e.id, e.correlation, e.causation, e.tags, e.details, e.payload";

/// Arguments of `commit_group` with their types.
pub(crate) const ARGUMENTS: [&str; 47] = [
    "uuid",
    "bigint",
    "bigint",
    "uuid[]",
    "bigint[]",
    "uuid[]",
    "text[]",
    "bigint[]",
    "text::jsonb",
    "integer[]",
    "bigint[]",
    "bigint[]",
    "bigint[]",
    "integer[]",
    "integer[]",
    "uuid[]",
    "uuid[]",
    "uuid[]",
    "uuid[]",
    "bytea[]",
    "text[]",
    "bytea[]",
    "bytea[]",
    "uuid[]",
    "integer[]",
    "text[]",
    "uuid[]",
    "bigint[]",
    "uuid[]",
    "bigint[]",
    "bytea[]",
    "uuid[]",
    "bigint[]",
    "bigint[]",
    "bigint[]",
    "text[]",
    "bigint[]",
    "bytea[]",
    "integer[]",
    "integer[]",
    "bytea[]",
    "integer[]",
    "bytea[]",
    "bytea[]",
    "text[]",
    "uuid[]",
    "bigint[]",
];

/// The columns of an event, in the order in which they are written, and their
/// types.
const WRITTEN: &str = "position, version, occurred_at, recorded_at, kind, category, stream, id, \
                       correlation, causation, operation, unit, tags, details, payload";
const WRITTEN_TYPES: [&str; 15] = [
    "bigint", "bigint", "bigint", "bigint", "integer", "integer", "uuid", "uuid", "uuid", "uuid",
    "uuid", "bytea", "text", "bytea", "bytea",
];

/// Placeholders with their types.
fn numbered(types: &[&str], suffix: &str) -> String {
    let each = types.iter().enumerate();
    let each: Vec<_> = each.map(|(index, one)| format!("${}::{one}{suffix}", index + 1)).collect();
    each.join(", ")
}

impl Sql {
    pub(crate) fn new(schema: &str) -> Self {
        let in_schema = |text: &str| text.replace("@schema@", schema);
        let events =
            |rest: &str| in_schema(&format!("SELECT {COLUMNS} FROM @schema@.events e {rest}"));
        Self {
            schema: schema.to_owned(),
            commit: in_schema(&format!(
                "SELECT * FROM @schema@.commit_group({})",
                numbered(&ARGUMENTS, "")
            )),
            commit_fenced: in_schema(&format!(
                "SELECT * FROM @schema@.commit_fenced({}, $48::text[], $49::bigint[])",
                numbered(&ARGUMENTS, "")
            )),
            append_one: in_schema(&format!(
                "INSERT INTO @schema@.events ({WRITTEN}) SELECT {} \
                 WHERE pg_try_advisory_xact_lock($16) AND $17 = (SELECT id FROM @schema@.log)",
                numbered(&WRITTEN_TYPES, "")
            )),
            append_many: in_schema(&format!(
                "INSERT INTO @schema@.events ({WRITTEN}) SELECT * FROM unnest({}) \
                 WHERE (SELECT pg_try_advisory_xact_lock($16)) \
                 AND $17 = (SELECT id FROM @schema@.log)",
                numbered(&WRITTEN_TYPES, "[]")
            )),
            append_tagged: in_schema(&format!(
                "WITH free AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($16) \
                 AND $17 = (SELECT id FROM @schema@.log) AS is_free), \
                 written AS (INSERT INTO @schema@.events ({WRITTEN}) SELECT * FROM unnest({}) \
                 WHERE (SELECT is_free FROM free) RETURNING 1), \
                 tagged AS (INSERT INTO @schema@.tags (tag, position) \
                 SELECT * FROM unnest($18::uuid[], $19::bigint[]) \
                 WHERE (SELECT is_free FROM free) ON CONFLICT DO NOTHING) \
                 SELECT FROM written",
                numbered(&WRITTEN_TYPES, "[]")
            )),
            claim: in_schema(
                "INSERT INTO @schema@.checkpoints AS c (name, epoch) VALUES ($1, 1)
                 ON CONFLICT (name) DO UPDATE SET epoch = c.epoch + 1
                 RETURNING epoch, log, position",
            ),
            acquire: in_schema(
                "INSERT INTO @schema@.leases AS l (name, token, holder, until)
                 VALUES ($1, 1, $2, @schema@.instant() + $3)
                 ON CONFLICT (name) DO UPDATE SET token = l.token + 1, holder = $2,
                     until = @schema@.instant() + $3
                 WHERE l.until <= @schema@.instant() OR l.holder = $2
                 RETURNING token, holder, until",
            ),
            renew: in_schema(
                "UPDATE @schema@.leases SET until = @schema@.instant() + $3
                 WHERE name = $1 AND token = $2 AND until > @schema@.instant()
                 RETURNING token, holder, until",
            ),
            release: in_schema(
                "UPDATE @schema@.leases SET until = least(until, @schema@.instant())
                 WHERE name = $1 AND token = $2",
            ),
            token: in_schema("SELECT token FROM @schema@.leases WHERE name = $1"),
            leases: in_schema(
                "SELECT token, holder, until, name FROM @schema@.leases
                 WHERE starts_with(name, $1) AND until > @schema@.instant() ORDER BY name",
            ),
            operation: in_schema(
                "SELECT e.position, e.recorded_at, e.unit FROM @schema@.events e
                 WHERE e.operation = $1
                 UNION ALL
                 SELECT o.position, o.recorded_at, o.unit FROM @schema@.operations o
                 WHERE o.id = $1",
            ),
            operations: in_schema(
                "SELECT e.position, e.operation, e.unit FROM @schema@.events e
                 WHERE e.position > $1 AND e.operation IS NOT NULL ORDER BY e.position LIMIT $2",
            ),
            unit_streams: in_schema(
                "SELECT e.stream, max(e.version) FROM @schema@.events e
                 WHERE e.position BETWEEN $1 AND $2 GROUP BY e.stream ORDER BY min(e.position)",
            ),
            head: in_schema("SELECT coalesce(max(position), 0) FROM @schema@.events"),
            is_same: in_schema(
                "SELECT EXISTS (SELECT FROM @schema@.log WHERE id = $1
                 AND origin LIKE '%/' || to_regclass('@schema@.events')::oid)",
            ),
            stream_head: in_schema(
                "SELECT coalesce(max(version), 0) FROM @schema@.events WHERE stream = $1",
            ),
            snapshot: in_schema(
                "SELECT version, shape_version, shape_fingerprint, encoding, taken_at, data
                 FROM @schema@.snapshots WHERE stream = $1",
            ),
            checkpoint: in_schema(
                "SELECT epoch, log, position FROM @schema@.checkpoints WHERE name = $1",
            ),
            row: in_schema(
                "SELECT r.value FROM @schema@.rows r WHERE r.\"table\" = $1 AND r.key = $2",
            ),
            table: in_schema("SELECT number FROM @schema@.tables WHERE name = $1"),
            new_table: in_schema(
                "INSERT INTO @schema@.tables (name) VALUES ($1) ON CONFLICT DO NOTHING",
            ),
            kind: in_schema(
                "SELECT number FROM @schema@.kinds
                 WHERE type = $1 AND version = $2 AND encoding = $3",
            ),
            new_kind: in_schema(
                "INSERT INTO @schema@.kinds (type, version, encoding) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
            ),
            category: in_schema(
                "SELECT number FROM @schema@.categories WHERE tenant = $1 AND category = $2",
            ),
            new_category: in_schema(
                "INSERT INTO @schema@.categories (tenant, category) VALUES ($1, $2)
                 ON CONFLICT DO NOTHING",
            ),
            kinds: in_schema(
                "SELECT number, type, version, encoding FROM @schema@.kinds
                 WHERE number = ANY ($1)",
            ),
            streams: in_schema(
                "SELECT s.id, c.tenant, c.category, s.key FROM @schema@.streams s
                 JOIN @schema@.categories c ON c.number = s.category WHERE s.id = ANY ($1)",
            ),
            range: events("WHERE e.position > $1 AND e.position < $2 ORDER BY e.position LIMIT $3"),
            range_backward: events(
                "WHERE e.position > $1 AND e.position < $2 ORDER BY e.position DESC LIMIT $3",
            ),
            stream: events(
                "WHERE e.stream = $4 AND e.version > $1 AND e.version < $2
                 ORDER BY e.version LIMIT $3",
            ),
            stream_backward: events(
                "WHERE e.stream = $4 AND e.version > $1 AND e.version < $2
                 ORDER BY e.version DESC LIMIT $3",
            ),
        }
    }

    /// A statement with the schema's name put in.
    pub(crate) fn of(&self, text: &str) -> String {
        text.replace("@schema@", &self.schema)
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }
}
