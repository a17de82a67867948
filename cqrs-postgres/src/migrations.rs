//! The tables of a log: made, raised, lowered, printed and looked at.

use tokio_postgres::Client;
use uuid::Uuid;

use crate::OpenError;
use crate::fault::{Fault, Outcome};
use crate::options::check_schema;
use crate::server::Server;
use crate::sql::Sql;

/// One step of the schema of a log, with the statements to go there and back.
/// `@schema@` in them stands for the name of the schema.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Migration {
    /// Its number, counted from 1.
    pub number: u32,
    /// What it is about.
    pub name: &'static str,
    /// The statements that make it.
    pub up: &'static str,
    /// The statements that take it back.
    pub down: &'static str,
}

/// Every migration that this release knows, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "log",
        up: include_str!("migrations/0001_log.up.sql"),
        down: include_str!("migrations/0001_log.down.sql"),
    },
    Migration {
        number: 2,
        name: "leases",
        up: include_str!("migrations/0002_leases.up.sql"),
        down: include_str!("migrations/0002_leases.down.sql"),
    },
];

/// How a log is written: units in groups, each under the log's lock.
pub(crate) const MODE: &str = "locked";

/// Where a log lives: the cluster, its timeline, which a recovery or a promotion
/// raises, the database, of which another may be a copy, and last the table,
/// which a restore makes anew. A promoted standby writes its timeline into the
/// checkpoint only with the next one; until then it stands where the recovery
/// has ended, which is 0 from then on.
pub(crate) const ORIGIN: &str = "(SELECT c.system_identifier::text || '/' \
     || greatest(p.timeline_id, r.min_recovery_end_timeline) || '/' \
     || d.oid || '/' || '@schema@.events'::regclass::oid \
     FROM pg_control_system() c, pg_control_checkpoint() p, pg_control_recovery() r, \
     pg_database d WHERE d.datname = current_database())";

/// Held while a schema is migrated: the first eight bytes of the SHA-256 of
/// `cqrs migrations`.
const LOCK: i64 = 0x2f6b_8a4d_11c7_e359;

/// What the server remembers of the migrations that were run.
const REGISTER: &str = "
CREATE SCHEMA IF NOT EXISTS @schema@;
CREATE TABLE IF NOT EXISTS @schema@.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    shape text NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now()
);";

/// A fingerprint of what the migrations have made: columns, constraints, and
/// the text of functions. Further indexes, tables and generated columns do not
/// count. That a column may not be NULL stands with the column; newer servers
/// list it among the constraints as well.
const SHAPE: &str = "
SELECT md5(string_agg(part, E'\\n' ORDER BY part COLLATE \"C\")) FROM (
    SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || ' ' || a.attnotnull AS part
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = to_regnamespace('@schema@') AND c.relkind IN ('r', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND c.relname = ANY ($1)
    UNION ALL
    SELECT r.relname || ' ' || pg_get_constraintdef(o.oid)
    FROM pg_constraint o JOIN pg_class r ON r.oid = o.conrelid
    WHERE o.connamespace = to_regnamespace('@schema@') AND r.relname = ANY ($1)
        AND o.contype <> 'n'
    UNION ALL
    SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_class r ON r.oid = x.indrelid
    WHERE i.relnamespace = to_regnamespace('@schema@') AND x.indisvalid
        AND r.relname = 'events' AND i.relname = ANY ($2)
    UNION ALL
    SELECT p.proname || ' ' || p.prosrc FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace('@schema@')
        AND p.proname IN ('hits', 'commit_group', 'commit_fenced', 'first_at', 'as_json', 'instant')
) parts";

/// The tables that count.
const TABLES: [&str; 12] = [
    "log",
    "categories",
    "kinds",
    "streams",
    "events",
    "tags",
    "operations",
    "snapshots",
    "checkpoints",
    "tables",
    "rows",
    "leases",
];

/// The indexes of the log that count.
const INDEXES: [&str; 6] = [
    "events_pkey",
    "events_stream",
    "events_kind",
    "events_category",
    "events_correlation",
    "events_operation",
];

/// The statements that make the schema of a log from nothing, for tools that
/// run migrations themselves.
///
/// # Errors
///
/// [`OpenError::SchemaName`] when the name is not one.
pub fn script(schema: &str) -> Result<String, OpenError> {
    check_schema(schema)?;
    let mut out = REGISTER.replace("@schema@", schema);
    for migration in MIGRATIONS {
        out.push_str(&format!("\n\n-- migration {}: {}\n", migration.number, migration.name));
        out.push_str(&migration.up.replace("@schema@", schema));
        out.push_str(&recorded(migration, schema));
    }
    out.push_str(&new_log().replace("@schema@", schema));
    Ok(out)
}

/// The statement that begins a log.
fn new_log() -> String {
    format!(
        "\nINSERT INTO @schema@.log (id, mode, origin) \
         VALUES (gen_random_uuid(), '{MODE}', {ORIGIN});\n"
    )
}

/// The statement that writes down that a migration was run.
fn recorded(migration: &Migration, schema: &str) -> String {
    let array = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
        format!("ARRAY[{}]::name[]", names.join(", "))
    };
    let shape = SHAPE.replace("$1", &array(&TABLES)).replace("$2", &array(&INDEXES));
    format!(
        "\nINSERT INTO @schema@.migrations (number, name, shape) VALUES ({}, '{}', ({shape}));\n",
        migration.number, migration.name
    )
    .replace("@schema@", schema)
}

/// What the schema is like.
pub(crate) struct Found {
    /// The newest migration, 0 for none.
    pub(crate) number: u32,
}

pub(crate) struct Migrations<'m> {
    pub(crate) server: &'m Server,
    pub(crate) client: &'m Client,
    pub(crate) sql: &'m Sql,
}

impl Migrations<'_> {
    fn failed(&self, fault: &Fault) -> OpenError {
        OpenError::of(fault, self.server.label())
    }

    fn names(&self) -> (String, String) {
        (self.server.label().to_owned(), self.sql.schema().to_owned())
    }

    /// The newest migration that was run, checked against what is there. What
    /// would be refused is looked at again under the lock: it may have been
    /// seen in the middle of somebody else's migration.
    pub(crate) async fn look(&self) -> Result<Found, OpenError> {
        match self.look_once().await {
            Err(OpenError::Foreign { .. } | OpenError::Altered { .. }) => {
                self.locked(self.look_once()).await
            }
            found => found,
        }
    }

    async fn look_once(&self) -> Result<Found, OpenError> {
        let known = MIGRATIONS.len() as u32;
        let found = self.newest().await.map_err(|fault| self.failed(&fault))?;
        let (server, schema) = self.names();
        if let Some(table) = found.foreign {
            return Err(OpenError::Foreign { server, schema, table });
        }
        if found.number > known {
            return Err(OpenError::NewerSchema { server, schema, found: found.number, known });
        }
        if let Some((then, now)) = found.shape
            && then != now
        {
            let what = "a table, a constraint, an index or a function".to_owned();
            return Err(OpenError::Altered { server, schema, what });
        }
        Ok(Found { number: found.number })
    }

    async fn newest(&self) -> Outcome<Newest> {
        let schema = self.sql.schema();
        let is_there: bool = self
            .client
            .query_one("SELECT to_regclass($1) IS NOT NULL", &[&format!("{schema}.migrations")])
            .await?
            .try_get(0)?;
        if !is_there {
            let foreign = self
                .client
                .query_opt(
                    "SELECT relname::text FROM pg_class
                     WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p', 'v') LIMIT 1",
                    &[&schema],
                )
                .await?;
            let foreign = foreign.map(|row| row.try_get(0)).transpose()?;
            return Ok(Newest { number: 0, shape: None, foreign });
        }
        let newest = self
            .client
            .query_opt(
                &self.sql.of(
                    "SELECT number, shape FROM @schema@.migrations ORDER BY number DESC LIMIT 1",
                ),
                &[],
            )
            .await?;
        let Some(newest) = newest else {
            return Ok(Newest { number: 0, shape: None, foreign: None });
        };
        let number: i32 = newest.try_get(0)?;
        let now =
            self.client.query_one(&self.sql.of(SHAPE), &[&&TABLES[..], &&INDEXES[..]]).await?;
        let shape = Some((newest.try_get(1)?, now.try_get(0)?));
        Ok(Newest { number: number.cast_unsigned(), shape, foreign: None })
    }

    /// Runs what is missing up to a number, one process at a time.
    pub(crate) async fn up(&self, to: u32) -> Result<(), OpenError> {
        known(to)?;
        if self.look().await?.number >= to {
            return Ok(());
        }
        self.locked(async {
            let Found { number } = self.look_once().await?;
            let missing = MIGRATIONS.iter().filter(|one| one.number > number && one.number <= to);
            for migration in missing {
                self.run_up(migration).await.map_err(|fault| self.failed(&fault))?;
            }
            Ok(())
        })
        .await
    }

    async fn run_up(&self, migration: &Migration) -> Outcome<()> {
        let text = format!(
            "BEGIN;\n{}\n{}\n{}\n{}\nCOMMIT;",
            self.sql.of(REGISTER),
            self.sql.of(migration.up),
            recorded(migration, self.sql.schema()),
            if migration.number == 1 { self.sql.of(&new_log()) } else { String::new() }
        );
        self.transaction(&text).await
    }

    /// Takes back every migration above a number.
    pub(crate) async fn down(&self, to: u32, delete_events: bool) -> Result<(), OpenError> {
        known(to)?;
        self.locked(async {
            let Found { number } = self.look_once().await?;
            let deletes = number >= 1 && to == 0;
            let done = self.take_back(to, number, deletes && !delete_events).await;
            if !matches!(done, Ok(None)) {
                let _ = self.client.batch_execute("ROLLBACK").await;
            }
            match done.map_err(|fault| self.failed(&fault))? {
                None => Ok(()),
                Some(events) => {
                    let (server, schema) = self.names();
                    Err(OpenError::WouldDelete { server, schema, events })
                }
            }
        })
        .await
    }

    /// Takes migrations back in one transaction. If the log must be empty for
    /// that and is not, gives the number of its events and leaves the
    /// transaction open: under the table's lock nobody adds one in between.
    async fn take_back(&self, to: u32, from: u32, only_empty: bool) -> Outcome<Option<u64>> {
        let lock = "LOCK TABLE @schema@.events IN ACCESS EXCLUSIVE MODE";
        let lock = if only_empty { self.sql.of(lock) } else { String::new() };
        self.client.batch_execute(&format!("BEGIN; {lock}")).await?;
        if only_empty {
            let head: i64 = self.client.query_one(&self.sql.head, &[]).await?.try_get(0)?;
            if head > 0 {
                return Ok(Some(head.cast_unsigned()));
            }
        }
        let above = MIGRATIONS.iter().filter(|one| one.number > to && one.number <= from);
        for Migration { number, down, .. } in above.rev() {
            let gone = format!("DELETE FROM @schema@.migrations WHERE number = {number};");
            self.client.batch_execute(&self.sql.of(&format!("{down}\n{gone}"))).await?;
        }
        self.client.batch_execute("COMMIT").await?;
        Ok(None)
    }

    /// How many events the log holds.
    pub(crate) async fn held(&self) -> Result<u64, OpenError> {
        let failed = |error: tokio_postgres::Error| self.failed(&error.into());
        let row = self.client.query_one(&self.sql.head, &[]).await.map_err(failed)?;
        Ok(row.try_get::<_, i64>(0).map_err(failed)?.cast_unsigned())
    }

    async fn transaction(&self, text: &str) -> Outcome<()> {
        let done = self.client.batch_execute(text).await;
        if done.is_err() {
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        Ok(done?)
    }

    async fn locked<T>(
        &self,
        work: impl Future<Output = Result<T, OpenError>>,
    ) -> Result<T, OpenError> {
        let failed = |error: tokio_postgres::Error| self.failed(&error.into());
        self.client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
        let done = work.await;
        self.client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(failed)?;
        done
    }

    /// The log's id, refused when it is written in another way. A log that was
    /// restored gets another id.
    pub(crate) async fn log(&self) -> Result<Uuid, OpenError> {
        let log = self.found_log().await.map_err(|fault| self.failed(&fault))?;
        log.map_err(|found| {
            let (server, schema) = self.names();
            OpenError::Mode { server, schema, found, wanted: MODE }
        })
    }

    async fn found_log(&self) -> Outcome<Result<Uuid, String>> {
        let look = self.sql.of(&format!("SELECT id, mode, origin = {ORIGIN} FROM @schema@.log"));
        let row = self.client.query_one(&look, &[]).await?;
        let (id, mode, at_home): (Uuid, String, bool) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if mode != MODE {
            return Ok(Err(mode));
        }
        if at_home {
            return Ok(Ok(id));
        }
        tracing::warn!(
            server = self.server.label(),
            log = %id,
            "the log was restored, it is another one now: cursors into the old one are refused"
        );
        let mint = self.sql.of(&format!(
            "UPDATE @schema@.log SET id = gen_random_uuid(), origin = {ORIGIN} WHERE id = $1"
        ));
        self.client.execute(&mint, &[&id]).await?;
        Ok(Ok(self.client.query_one(&look, &[]).await?.try_get(0)?))
    }
}

struct Newest {
    number: u32,
    /// The shape as it was made, and as it is.
    shape: Option<(String, String)>,
    foreign: Option<String>,
}

/// Refuses the number of a migration that there is not.
fn known(number: u32) -> Result<(), OpenError> {
    let known = MIGRATIONS.len() as u32;
    if number > known { Err(OpenError::NoSuchMigration { number, known }) } else { Ok(()) }
}
