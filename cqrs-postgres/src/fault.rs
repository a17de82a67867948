//! What the server reports, and what that means for a caller.

use std::sync::Arc;

use cqrs_core::store::{CommitError, LeaseError, ReadError};
use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// What to do about a server that does not encrypt,
pub(crate) const NO_ENCRYPTION: &str =
    "turn `ssl` on at the server, or write `sslmode=disable` where nobody listens in";
/// and about one that cannot be trusted.
pub(crate) const UNTRUSTED: &str = "name the host that the certificate names, and by `sslrootcert` \
    the file of the certificate that signed it";

pub(crate) type Outcome<T> = Result<T, Fault>;

/// A statement failed, or what it found cannot have been written by us.
#[derive(Debug)]
pub(crate) enum Fault {
    Server(tokio_postgres::Error),
    /// No connection of the pool became free in time.
    Exhausted,
    /// The server did not let a connection in in time.
    Silent,
    /// What was sent on a connection that broke is still at work.
    Unsettled,
    /// The log was replaced under the store.
    OtherLog,
    Damaged(String),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                Self::Server(error)
            }
            PoolError::PostCreateHook(HookError::Message(_)) => Self::OtherLog,
            PoolError::Timeout(TimeoutType::Create) => Self::Silent,
            _ => Self::Exhausted,
        }
    }
}

impl Fault {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }

    pub(crate) fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Server(error) => error.code(),
            _ => None,
        }
    }

    /// The first two characters of its SQLSTATE.
    fn class(&self) -> Option<&str> {
        self.state().and_then(|state| state.code().get(..2))
    }

    /// Whether the server has said that it rolled the transaction back. Only
    /// what is listed here may be repeated blindly: everything that broke on
    /// the wire, and what a server says while it goes down, is unknown.
    pub(crate) fn proves_no_commit(&self) -> bool {
        match self {
            Self::Exhausted | Self::Silent | Self::OtherLog => true,
            Self::Unsettled | Self::Damaged(_) => false,
            Self::Server(_) => {
                matches!(
                    self.class(),
                    Some(
                        "0A" | "21" | "22" | "23" | "25" | "28" | "2F" | "3D" | "3F" | "40" | "42"
                    ) | Some("53" | "54" | "55" | "P0" | "CQ")
                ) || self.state() == Some(&SqlState::QUERY_CANCELED)
            }
        }
    }

    /// Whether the connection is of no more use.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Server(error) => {
                error.is_closed()
                    || self.state() == Some(&SqlState::ADMIN_SHUTDOWN)
                    || (error.as_db_error().is_none()
                        && std::error::Error::source(error)
                            .is_some_and(|source| source.is::<std::io::Error>()))
            }
            _ => false,
        }
    }

    /// Whether the server was to encrypt, and does not.
    pub(crate) fn is_unencrypted(&self) -> bool {
        // The driver has no other name for it.
        let said = "server does not support TLS";
        matches!(self, Self::Server(error)
            if std::error::Error::source(error).is_some_and(|source| source.to_string() == said))
    }

    /// Why the server is not trusted, when that is what went wrong.
    pub(crate) fn distrust(&self) -> Option<String> {
        match self {
            #[cfg(feature = "tls")]
            Self::Server(error) => crate::tls::distrust(error),
            _ => None,
        }
    }

    /// Whether a key is taken already.
    pub(crate) fn is_taken(&self) -> bool {
        self.state() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether the server gave up on this transaction for the sake of another
    /// one, so that the same may be tried at once.
    pub(crate) fn is_chance(&self) -> bool {
        self.class() == Some("40") || self.is_taken()
    }

    /// Whether the server refuses what was to be written, and not the writing.
    pub(crate) fn is_about_content(&self) -> bool {
        matches!(self.class(), Some("22" | "23" | "54"))
    }

    /// Whether the same may succeed later without anybody's help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Exhausted | Self::Silent | Self::Unsettled => true,
            Self::Damaged(_) | Self::OtherLog => false,
            Self::Server(error) => match self.class() {
                Some("08" | "40" | "53" | "55" | "57") => true,
                Some(_) => false,
                None => error.as_db_error().is_none(),
            },
        }
    }

    fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::OtherLog) || matches!(self.class(), Some("XX"))
    }

    fn advice(&self) -> &'static str {
        match (self, self.state()) {
            (Self::Exhausted, _) => "raise `connections`, or ask for less at once",
            (Self::Unsettled, _) => "try again; if it stays so, look for a stopped process of it",
            (Self::OtherLog, _) => "open the store again",
            (Self::Damaged(_), _) => {
                "nothing of ours writes this; compare with a backup before anything else writes"
            }
            (_, Some(state)) => match state.code() {
                "23505" => "an id that must be new was used before; see where ids come from",
                "CQ001" => "open the store again",
                "28P01" | "28000" => "check user and password, and the server's pg_hba.conf",
                "3D000" => "create the database, or name another one in the URL",
                "42501" => "grant the role SELECT, INSERT, UPDATE and DELETE on the log's tables",
                "42P01" | "42883" | "3F000" => "migrate the schema, it lacks what this needs",
                "25006" => "connect to the primary, this server only reads",
                "53300" => "raise `max_connections`, or lower `connections`",
                "53100" => "free space on the server's disk",
                "57014" => "raise the server's `statement_timeout`, or ask for less at once",
                code if code.starts_with("57") => "the server goes down or comes up; try again",
                _ => "this is not expected; please report it",
            },
            (_, None) if self.is_unencrypted() => NO_ENCRYPTION,
            (_, None) if self.distrust().is_some() => UNTRUSTED,
            (_, None) => "check that the server runs and can be reached",
        }
    }

    /// What happened and what to do, for an operator.
    pub(crate) fn reason(&self, server: &str) -> Arc<str> {
        format!("{server}: {self}; {}", self.advice()).into()
    }

    pub(crate) fn into_read_error(self, server: &str) -> ReadError {
        let reason = self.reason(server);
        if self.is_damage() {
            ReadError::Damaged { reason }
        } else {
            ReadError::Unavailable { reason }
        }
    }

    pub(crate) fn into_lease_error(self, server: &str) -> LeaseError {
        LeaseError::Unavailable { reason: self.reason(server), transient: self.is_transient() }
    }

    /// For a unit of which certainly nothing was written.
    pub(crate) fn to_commit_error(&self, server: &str) -> CommitError {
        CommitError::Unavailable { reason: self.reason(server), transient: self.is_transient() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server(error) => match error.as_db_error() {
                Some(said) => write!(f, "{} ({})", said.message(), said.code().code()),
                None => f.write_str(&cqrs_core::report(error)),
            },
            Self::Unsettled => {
                f.write_str("a statement of a broken connection is still at work on the server")
            }
            Self::Silent => f.write_str("the server let no connection in in time"),
            Self::OtherLog => f.write_str("another log is there than when the store was opened"),
            Self::Exhausted => f.write_str("no connection became free in time"),
            Self::Damaged(what) => f.write_str(what),
        }
    }
}
