//! What all errors share: a stable code, and whose affair it is.
//!
//! Every code has a page in `docs/errors` that says what happened and what to
//! do. The codes of the macros' messages, such as `CQ401`, have pages there
//! too.

use std::fmt;

/// A stable, documented name of a kind of error, such as `conflict`. Codes
/// are part of the API: they go into responses and logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    name: &'static str,
    category: Category,
}

/// Whose affair an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// The domain says no. The same again gives the same, until the state has
    /// changed.
    Domain,
    /// The caller sent something that makes no sense. The same again fails
    /// again.
    Caller,
    /// Somebody else was faster. Again on fresh state.
    Conflict,
    /// It does not work now. Again later.
    Transient,
    /// Nobody knows whether it was done. Again with the same operation id.
    Unknown,
    /// This build does not know what a newer one has written. Deploy that one.
    Deployment,
    /// The application or its store is broken. Somebody must look.
    Bug,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $constant:ident = $name:literal, $category:ident;)*) => {
        impl Code {
            $($(#[doc = $doc])*
            pub const $constant: Self = Self { name: $name, category: Category::$category };)*

            /// Every code of the framework.
            pub const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

codes! {
    /// The domain rejects the command.
    REJECTED = "rejected", Domain;
    /// Fields of a message break their rules.
    VALIDATION = "validation", Caller;
    /// JSON that is not the message it claims to be.
    PAYLOAD = "payload", Caller;
    /// A configuration that is not valid.
    CONFIGURATION = "configuration", Caller;
    /// No handler for a message.
    HANDLER_NOT_FOUND = "handler_not_found", Caller;
    /// A text that is no id.
    INVALID_ID = "invalid_id", Caller;
    /// A unit of work that no store accepts.
    INVALID_INPUT = "invalid_input", Caller;
    /// An event that could not be read back.
    EVENT_NOT_STORABLE = "event_not_storable", Caller;
    /// An event that its own check refuses.
    EVENT_REFUSED = "event_refused", Domain;
    /// An event that is not encoded as its shape says.
    EVENT_SHAPE = "event_shape", Bug;
    /// Other writers were faster.
    CONFLICT = "conflict", Conflict;
    /// The aggregate is deleted.
    AGGREGATE_DELETED = "aggregate_deleted", Domain;
    /// There is nothing to delete.
    AGGREGATE_MISSING = "aggregate_missing", Domain;
    /// There is nothing to restore.
    AGGREGATE_NOT_DELETED = "aggregate_not_deleted", Domain;
    /// An operation id that was used for something else.
    OPERATION_REUSED = "operation_reused", Caller;
    /// It may or may not have committed.
    OUTCOME_UNKNOWN = "outcome_unknown", Unknown;
    /// The time ran out.
    TIMEOUT = "timeout", Transient;
    /// Cancelled by the caller.
    CANCELLED = "cancelled", Transient;
    /// The application is shutting down.
    SHUTTING_DOWN = "shutting_down", Transient;
    /// The store or a handler has too much to do.
    OVERLOADED = "overloaded", Transient;
    /// The store cannot be used now.
    STORE_UNAVAILABLE = "store_unavailable", Transient;
    /// The store is damaged.
    STORE_DAMAGED = "store_damaged", Bug;
    /// A place in another log.
    OTHER_LOG = "other_log", Caller;
    /// A tenant that was never added to a partition.
    UNKNOWN_TENANT = "unknown_tenant", Caller;
    /// A tenant that lives in another partition.
    OTHER_PARTITION = "other_partition", Caller;
    /// Another worker has taken over.
    FENCED = "fenced", Conflict;
    /// A handler, `decide` or `apply` panicked.
    PANICKED = "panicked", Bug;
    /// An event type that this build does not know.
    UNKNOWN_EVENT_TYPE = "unknown_event_type", Deployment;
    /// An event version that this build does not know.
    UNKNOWN_EVENT_VERSION = "unknown_event_version", Deployment;
    /// An event whose content cannot be read.
    EVENT_CONTENT = "event_content", Bug;
    /// A step between two versions failed.
    UPCAST = "upcast", Bug;
    /// No way back to an older version.
    NO_DOWNCASTER = "no_downcaster", Caller;
    /// A row of a read model that cannot be coded.
    ROW_CONTENT = "row_content", Bug;
    /// A projection's handler failed.
    PROJECTION_FAILED = "projection_failed", Bug;
    /// A query's handler failed.
    QUERY_FAILED = "query_failed", Domain;
    /// An event handler failed.
    EVENT_HANDLER_FAILED = "event_handler_failed", Bug;
    /// An event handler would have waited for itself.
    NESTED_WAIT = "nested_wait", Bug;
    /// An answer of another type than the caller expects.
    ANSWER_TYPE = "answer_type", Bug;
    /// Refused by a middleware.
    REFUSED = "refused", Caller;
    /// Nobody is known who calls.
    UNAUTHENTICATED = "unauthenticated", Caller;
    /// The caller may not do this.
    FORBIDDEN = "forbidden", Caller;
    /// Too many calls in a short time.
    RATE_LIMITED = "rate_limited", Transient;
    /// Something that a handler needs does not work now.
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable", Transient;
    /// A dependency is left alone for a while.
    CIRCUIT_OPEN = "circuit_open", Transient;
    /// Messages lead to messages without end.
    TOO_DEEP = "too_deep", Bug;
    /// Stored, but not to be seen in the read models yet.
    BEHIND = "behind", Unknown;
    /// The audit cannot be written.
    AUDIT_UNAVAILABLE = "audit_unavailable", Transient;
}

impl Code {
    /// A code of your own; lower case, words joined by `_`.
    #[must_use]
    pub const fn new(name: &'static str, category: Category) -> Self {
        Self { name, category }
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// Whose affair it is.
    #[must_use]
    pub const fn category(self) -> Category {
        self.category
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An error with a stable code.
pub trait ErrorCode {
    /// The code.
    fn code(&self) -> Code;
}

/// An error with its causes, in one line: an error here says what happened to
/// what, and leaves the reason to its source.
///
/// ```
/// use cqrs_core::event::DecodeError;
/// use cqrs_core::message::{CodecError, SchemaVersion};
///
/// let (version, source) = (SchemaVersion::new(1), CodecError::new("missing field `owner`"));
/// let error = DecodeError::Content { event_type: "account.opened".into(), version, source };
/// assert_eq!(
///     cqrs_core::report(&error),
///     "event type `account.opened` version 1 does not have the expected content: missing field \
///      `owner`"
/// );
/// ```
#[must_use]
pub fn report(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
