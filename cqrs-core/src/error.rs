//! What all errors share: a stable code.

use std::fmt;

/// A stable, documented name of a kind of error, such as `conflict`. Codes
/// are part of the API: they go into responses and logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Code(&'static str);

impl Code {
    /// Names a code; lower case, words joined by `_`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An error with a stable code.
pub trait ErrorCode {
    /// The code.
    fn code(&self) -> Code;
}
