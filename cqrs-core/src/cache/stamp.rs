//! Which state of a read model an answer reflects.

use crate::store::Position;

/// What a caller asks of an answer's age, in positions of the log.
///
/// An answer is kept with the stamp of the caller whose query made it. That
/// caller looked at the read model's position *before* its query, so the answer
/// reflects at least that position. Another caller's stamp decides whether the
/// kept answer is good enough.
///
/// Positions of two logs have nothing to do with each other: whoever puts
/// another log, or a restored one, behind a cache clears it.
///
/// ```
/// use cqrs_core::{cache::Stamp, store::Position};
///
/// let kept = Stamp::at_least(Position::new(5));
/// assert!(kept.serves(Stamp::ANY));
/// assert!(kept.serves(Stamp::at_least(Position::new(5))));
/// assert!(!kept.serves(Stamp::at_least(Position::new(6))));
/// assert!(!kept.serves(Stamp::exactly(Position::new(4))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    position: u64,
    exact: Exact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exact {
    No,
    Yes,
}

impl Stamp {
    /// Any answer does. One that was made with it serves nobody who asks for a
    /// position.
    pub const ANY: Self = Self { position: 0, exact: Exact::No };

    /// The answer must reflect everything up to a position: the position that
    /// the projection has reached, or that of one's own write.
    #[must_use]
    pub fn at_least(position: Position) -> Self {
        Self { position: position.get(), exact: Exact::No }
    }

    /// The answer must have been made at that position: every event that the
    /// projection takes in voids it.
    #[must_use]
    pub fn exactly(position: Position) -> Self {
        Self { position: position.get(), exact: Exact::Yes }
    }

    /// Whether an answer with this stamp serves a caller with that one.
    #[must_use]
    pub fn serves(self, asked: Self) -> bool {
        match asked.exact {
            Exact::No => self.position >= asked.position,
            Exact::Yes => self.position == asked.position,
        }
    }

    pub(super) fn position(self) -> u64 {
        self.position
    }

    pub(super) fn kept_at(position: u64) -> Self {
        Self { position, exact: Exact::No }
    }
}
