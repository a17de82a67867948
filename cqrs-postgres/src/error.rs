//! Why a store could not be opened, or a schema not be migrated.

use std::sync::Arc;

use crate::fault::{Fault, NO_ENCRYPTION, UNTRUSTED};

/// A store could not be opened, or its schema not be migrated. Nothing was
/// changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The connection string cannot be read.
    #[error("the connection string cannot be read: {reason}; write postgres://user@host/database")]
    Url {
        /// What is wrong with it; never the string itself, which may hold a
        /// password.
        reason: String,
    },
    /// The name of a schema is not one.
    #[error(
        "{name:?} is no name for a schema: 1 to 48 of `a-z 0-9 _`, not a digit first, not `pg_`"
    )]
    SchemaName {
        /// The name.
        name: String,
    },
    /// The server could not be reached or refuses.
    #[error("{reason}")]
    Unavailable {
        /// What happened, and what to do.
        reason: Arc<str>,
    },
    /// The server was to encrypt, and does not.
    #[error("{server}: the server does not encrypt; {NO_ENCRYPTION}")]
    NoEncryption {
        /// The server.
        server: String,
    },
    /// The server's certificate proves nothing.
    #[error("{server}: the server's certificate is not trusted: {reason}; {UNTRUSTED}")]
    Untrusted {
        /// The server.
        server: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// There are no root certificates to verify a server with.
    #[error(
        "the root certificates of {place} cannot be used: {reason}; name a file of certificates in \
         PEM by `sslrootcert`"
    )]
    Roots {
        /// The file, or the system.
        place: String,
        /// Why not.
        reason: String,
    },
    /// The URL asks for encryption, which was left out when this program was
    /// built.
    #[error(
        "the connection string asks for encryption; switch the feature `tls` of cqrs-postgres on, \
         or open with a connector of your own"
    )]
    TlsFeature,
    /// The server is older than what is supported.
    #[error("{server}: PostgreSQL {found} is too old; upgrade it to {oldest} or later")]
    OldServer {
        /// The server.
        server: String,
        /// Its version.
        found: u32,
        /// The oldest one that is supported.
        oldest: u32,
    },
    /// A setting takes away what the store promises.
    #[error("{server}: `{setting}` is `{value}`; {advice}")]
    Setting {
        /// The server.
        server: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What to do.
        advice: &'static str,
    },
    /// What answers is a pooler that gives each transaction another connection.
    #[error(
        "{server}: this is a connection pooler in transaction mode, which loses prepared \
         statements, settings and messages between transactions; connect to the server itself, or \
         to a pool in session mode"
    )]
    Pooler {
        /// The server.
        server: String,
    },
    /// The schema does not hold a log, and was not to be created.
    #[error(
        "{server}: schema `{schema}` lacks migration {missing}; open with `migrate(true)` as a \
         role that may, or run the migrations first"
    )]
    NotMigrated {
        /// The server.
        server: String,
        /// The schema.
        schema: String,
        /// The first migration that was not run.
        missing: u32,
    },
    /// A later release of this crate has migrated the schema.
    #[error(
        "{server}: schema `{schema}` has migration {found}, this release knows up to {known}; use \
         a later release"
    )]
    NewerSchema {
        /// The server.
        server: String,
        /// The schema.
        schema: String,
        /// The newest migration that was run.
        found: u32,
        /// The newest one that this release knows.
        known: u32,
    },
    /// Somebody has changed what the migrations made.
    #[error(
        "{server}: {what} in schema `{schema}` is not as the migrations made it; undo the change"
    )]
    Altered {
        /// The server.
        server: String,
        /// The schema.
        schema: String,
        /// What was changed.
        what: String,
    },
    /// The schema holds something else.
    #[error(
        "{server}: schema `{schema}` holds other tables, such as `{table}`; name another schema"
    )]
    Foreign {
        /// The server.
        server: String,
        /// The schema.
        schema: String,
        /// One of the tables.
        table: String,
    },
    /// The log is written in another way than this release does.
    #[error(
        "{server}: the log in schema `{schema}` is written in mode `{found}`, this process would \
         write in mode `{wanted}`; both at once would break the order of the log"
    )]
    Mode {
        /// The server.
        server: String,
        /// The schema.
        schema: String,
        /// The log's mode.
        found: String,
        /// The mode of this process.
        wanted: &'static str,
    },
    /// There is no such migration to go to.
    #[error("there is no migration {number}; this release knows 0 to {known}")]
    NoSuchMigration {
        /// The number.
        number: u32,
        /// The newest one.
        known: u32,
    },
    /// Going down would delete events.
    #[error(
        "{server}: schema `{schema}` holds {events} events, which going down would delete; pass \
         `delete_events` to do it"
    )]
    WouldDelete {
        /// The server.
        server: String,
        /// The schema.
        schema: String,
        /// How many.
        events: u64,
    },
}

impl OpenError {
    pub(crate) fn of(fault: &Fault, server: &str) -> Self {
        if fault.is_unencrypted() {
            return Self::NoEncryption { server: server.to_owned() };
        }
        match fault.distrust() {
            Some(reason) => Self::Untrusted { server: server.to_owned(), reason },
            None => Self::Unavailable { reason: fault.reason(server) },
        }
    }
}
