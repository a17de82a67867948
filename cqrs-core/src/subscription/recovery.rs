//! What becomes of an event whose handler has failed.

use crate::error::Category;

/// What becomes of an event whose handler has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recovery {
    /// The handler is tried again, as often as its policy says; then the
    /// event is parked.
    Retry,
    /// The event is kept as a dead letter, and later ones of its stream are
    /// parked behind it.
    Park,
    /// The event is counted and left out.
    Skip,
    /// The handler stands still at the event, and tries it again from time to
    /// time, until it succeeds.
    Stop,
}

/// What becomes of an event, by whose affair the error is.
///
/// ```
/// use cqrs_core::ErrorCategory;
/// use cqrs_core::subscription::{Recovery, RecoveryTable};
///
/// let table = RecoveryTable::default().set(ErrorCategory::Domain, Recovery::Skip);
/// assert_eq!(table.of(ErrorCategory::Domain), Recovery::Skip);
/// assert_eq!(table.of(ErrorCategory::Transient), Recovery::Retry);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryTable {
    domain: Recovery,
    caller: Recovery,
    conflict: Recovery,
    transient: Recovery,
    unknown: Recovery,
    deployment: Recovery,
    bug: Recovery,
}

impl Default for RecoveryTable {
    /// What may pass is tried again; what the domain or a caller is to blame for
    /// is parked at once, since the same again gives the same; for what a
    /// newer build has written the handler waits.
    fn default() -> Self {
        Self {
            domain: Recovery::Park,
            caller: Recovery::Park,
            conflict: Recovery::Retry,
            transient: Recovery::Retry,
            unknown: Recovery::Retry,
            deployment: Recovery::Stop,
            bug: Recovery::Retry,
        }
    }
}

impl RecoveryTable {
    /// The same for every error.
    #[must_use]
    pub fn always(recovery: Recovery) -> Self {
        Self {
            domain: recovery,
            caller: recovery,
            conflict: recovery,
            transient: recovery,
            unknown: recovery,
            deployment: recovery,
            bug: recovery,
        }
    }

    /// Says what becomes of an event after errors of one category.
    #[must_use]
    pub fn set(mut self, category: Category, recovery: Recovery) -> Self {
        *self.place(category) = recovery;
        self
    }

    /// What becomes of an event after an error of a category.
    #[must_use]
    pub fn of(&self, category: Category) -> Recovery {
        *self.clone().place(category)
    }

    fn place(&mut self, category: Category) -> &mut Recovery {
        match category {
            Category::Domain => &mut self.domain,
            Category::Caller => &mut self.caller,
            Category::Conflict => &mut self.conflict,
            Category::Transient => &mut self.transient,
            Category::Unknown => &mut self.unknown,
            Category::Deployment => &mut self.deployment,
            Category::Bug => &mut self.bug,
        }
    }
}
