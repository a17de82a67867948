//! Leases: who may do what only one may do at a time, and for how long.
//!
//! A lease is held until a time of the store's clock, by one holder at a time.
//! Whoever gets it gets a *token* that is greater than every one before. A
//! holder may sleep through its lease without noticing, so that holding it
//! proves nothing by itself: a unit of work that is
//! [fenced](super::UnitOfWork::fenced_by) by the lease commits only if the
//! store, at that moment, still knows the holder by its token.
//!
//! Rejected: a lock that ends with its connection. A connection that breaks
//! would end it while its holder works on, and one that stands still would
//! keep it for ever.

use std::fmt;
use std::sync::Arc;

use super::{Holder, InvalidInput, LeaseName};
use crate::error::{Code, ErrorCode};
use crate::message::Timestamp;

/// A lease, as it was when the store was asked.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use cqrs_core::store::{EventStore, Holder, LeaseName, memory::MemoryStore};
/// let (store, billing) = (MemoryStore::new(), LeaseName::named("billing"));
/// let (ours, theirs) = (Holder::named("host-1"), Holder::named("host-2"));
/// let minute = Duration::from_secs(60);
/// let lease = store.acquire_lease(&billing, &ours, minute).await?.expect("it is free");
/// assert_eq!(store.acquire_lease(&billing, &theirs, minute).await?, None);
/// store.release_lease(&lease).await?;
/// let next = store.acquire_lease(&billing, &theirs, minute).await?.expect("it is free again");
/// assert!(next.token() > lease.token());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    name: LeaseName,
    holder: Holder,
    token: LeaseToken,
    until: Timestamp,
}

impl Lease {
    /// For stores: a lease.
    #[must_use]
    pub fn new(name: LeaseName, holder: Holder, token: LeaseToken, until: Timestamp) -> Self {
        Self { name, holder, token, until }
    }

    /// What may be done.
    #[must_use]
    pub fn name(&self) -> &LeaseName {
        &self.name
    }

    /// Who may do it.
    #[must_use]
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The number that fences: greater than that of everyone before.
    #[must_use]
    pub fn token(&self) -> LeaseToken {
        self.token
    }

    /// When it ends, by the store's clock, which may differ from one's own.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// The number of times that a lease has been given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseToken(u64);

impl LeaseToken {
    /// Wraps a number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, 0 for a lease that nobody ever had.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A lease could not be given, renewed or released.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// It has ended, or somebody else has it.
    #[error("lease {lease} is lost: held token {held}, now {actual}")]
    Lost {
        /// The lease.
        lease: LeaseName,
        /// The token of the one who asks.
        held: LeaseToken,
        /// The newest token; the same if the lease has ended and nobody has
        /// taken it since.
        actual: LeaseToken,
    },
    /// A name is no name.
    #[error(transparent)]
    Invalid(InvalidInput),
    /// The store cannot be asked now. What became of the lease is not known;
    /// asking again settles it.
    #[error("the store cannot keep leases: {reason}")]
    Unavailable {
        /// What the store says, and what to do.
        reason: Arc<str>,
        /// Whether the same may succeed later without anybody's help.
        transient: bool,
    },
}

impl LeaseError {
    /// Whether the same request may succeed when it is made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { transient: true, .. })
    }
}

impl ErrorCode for LeaseError {
    fn code(&self) -> Code {
        match self {
            Self::Lost { .. } => Code::FENCED,
            Self::Invalid(_) => Code::INVALID_INPUT,
            Self::Unavailable { .. } => Code::STORE_UNAVAILABLE,
        }
    }
}

/// A unit commits only while a lease is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseFence {
    name: LeaseName,
    token: LeaseToken,
}

impl LeaseFence {
    /// By a lease.
    #[must_use]
    pub fn of(lease: &Lease) -> Self {
        Self { name: lease.name.clone(), token: lease.token }
    }

    /// The lease.
    #[must_use]
    pub fn name(&self) -> &LeaseName {
        &self.name
    }

    /// The token that it must be held with.
    #[must_use]
    pub fn token(&self) -> LeaseToken {
        self.token
    }
}
