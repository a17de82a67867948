//! How the program ends.

use std::process::ExitCode;

/// What the caller of the program learns from its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// What was asked for was done: 0.
    Done,
    /// The store or a file cannot be reached, read or written: 1.
    Failed,
    /// The command line is not understood: 2.
    Usage,
    /// What is there does not allow it: 3.
    Refused,
    /// An archive or a store does not hold what was written: 4.
    Damaged,
    /// Nothing was changed yet, it would be with `--yes`: 5.
    Pending,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Damaged => 4,
            Self::Pending => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
