//! What can go wrong with an archive.

use std::io;

use cqrs_core::store::{CommitError, Position, ReadError};

/// An archive could not be written, read or imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file could not be read or written.
    #[error("the archive cannot be read or written")]
    Io(#[from] io::Error),
    /// A line is not what the format says.
    #[error("line {line} of the archive: {reason}")]
    Malformed {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A later release has written it.
    #[error(
        "the archive has format {found}, this release reads up to {known}; use a later release"
    )]
    NewerFormat {
        /// The format of the archive.
        found: u32,
        /// The newest one that this release knows.
        known: u32,
    },
    /// The end is missing.
    #[error("the archive ends after line {line} without its last line: it was cut off")]
    CutOff {
        /// The last line that is there.
        line: u64,
    },
    /// The content is not what was written.
    #[error("the archive is damaged: its {what} is {found}, its last line says {said}")]
    Damaged {
        /// What differs.
        what: &'static str,
        /// What was found.
        found: String,
        /// What should be there.
        said: String,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log cannot be archived: what was read of it could not be brought
    /// back.
    #[error("the log cannot be archived: {reason}")]
    NotArchivable {
        /// What is wrong with it.
        reason: String,
    },
    /// A unit of the archive stands elsewhere than it should: something else
    /// writes the store, or has written it between two imports.
    #[error(
        "the event at position {position} of the archive stands at {found} in the store; import \
         into a store that nobody else writes"
    )]
    Displaced {
        /// Where the unit's last event stood in the archived log.
        position: Position,
        /// Where it stands now.
        found: Position,
    },
    /// A unit of the archive did not commit. Those before it have, and none
    /// behind it has.
    #[error("the unit whose first event stood at position {position} did not commit")]
    Commit {
        /// Where it stood in the archived log.
        position: Position,
        /// Why.
        source: CommitError,
    },
}
