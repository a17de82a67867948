//! How the program ends.

use std::process::ExitCode;

/// What the caller of the program learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done: 0.
    Done,
    /// Some rows were rejected, or what was asked for does not exist: 1.
    Incomplete,
    /// The command line, a file or the store does not allow it: 2.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Incomplete => 1,
            Exit::Failed => 2,
        })
    }
}
