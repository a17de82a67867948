//! What is wrong with a configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::found::{Origin, shown};
use crate::error::{Code, ErrorCode};

/// Everything that is wrong with a configuration, a line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.mistakes))]
pub struct ConfigError {
    mistakes: Vec<Mistake>,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    kind: MistakeKind,
    path: String,
    origin: Option<Origin>,
    found: Option<String>,
    expected: String,
    hint: Option<String>,
}

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MistakeKind {
    /// A file that cannot be read.
    File,
    /// A document that is not of its format.
    Syntax,
    /// A key that does not exist.
    UnknownKey,
    /// A name that no command, query or subscription has.
    UnknownName,
    /// A key that one source gives twice.
    Twice,
    /// A value that the key cannot have.
    Value,
    /// A value that does not go with that of another key.
    Contradiction,
    /// A key that may not change while the application runs.
    Fixed,
}

impl ConfigError {
    /// No error if there is no mistake.
    pub(super) fn unless_empty(mistakes: Vec<Mistake>) -> Result<(), Self> {
        if mistakes.is_empty() { Ok(()) } else { Err(Self { mistakes }) }
    }

    /// The mistakes, at least one.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl ErrorCode for ConfigError {
    fn code(&self) -> Code {
        Code::CONFIGURATION
    }
}

impl Mistake {
    fn new(kind: MistakeKind, path: String, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        Self { kind, path, origin: None, found: None, expected, hint: None }
    }

    fn of(self, value: &Value, origin: Origin) -> Self {
        Self { found: Some(shown(value)), origin: Some(origin), ..self }
    }

    pub(super) fn hinted(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    pub(super) fn file(path: PathBuf, error: &io::Error) -> Self {
        let at = Some(Origin::File { path, line: None });
        let mistake = Self::new(MistakeKind::File, String::new(), "a file that can be read");
        Self { origin: at, found: Some(error.to_string()), ..mistake }
    }

    pub(super) fn format(path: PathBuf, expected: &str) -> Self {
        let found = path.extension().map(|ending| format!(".{}", ending.display()));
        let at = Some(Origin::File { path, line: None });
        Self { origin: at, found, ..Self::new(MistakeKind::File, String::new(), expected) }
    }

    pub(super) fn syntax(error: &dyn fmt::Display, origin: Origin) -> Self {
        let found = Some(error.to_string());
        let mistake = Self::new(MistakeKind::Syntax, String::new(), "a well-formed document");
        Self { origin: Some(origin), found, ..mistake }
    }

    /// Without its value: what is meant for somebody else may be a secret.
    pub(super) fn unknown(path: String, origin: Origin) -> Self {
        Self::new(MistakeKind::UnknownKey, path, "a known key").from(Some(origin))
    }

    pub(super) fn unknown_name(path: String, expected: &str) -> Self {
        Self::new(MistakeKind::UnknownName, path, expected)
    }

    pub(super) fn twice(path: String, origin: Origin) -> Self {
        Self::new(MistakeKind::Twice, path, "each key once").from(Some(origin))
    }

    pub(super) fn no_table(path: &str, value: &Value, origin: Origin) -> Self {
        Self::new(MistakeKind::Value, path.to_owned(), "a table of keys").of(value, origin)
    }

    pub(super) fn value(path: String, value: &Value, origin: Origin, expected: String) -> Self {
        Self::new(MistakeKind::Value, path, expected).of(value, origin)
    }

    pub(super) fn contradiction(path: String, value: &Value, expected: String) -> Self {
        let found = Some(shown(value));
        Self { found, ..Self::new(MistakeKind::Contradiction, path, expected) }
    }

    pub(super) fn fixed(path: String, value: &Value, before: &Value) -> Self {
        let expected = format!("{} until the application is started anew", shown(before));
        Self { found: Some(shown(value)), ..Self::new(MistakeKind::Fixed, path, expected) }
    }

    pub(super) fn from(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    /// What kind of thing is wrong.
    #[must_use]
    pub fn kind(&self) -> MistakeKind {
        self.kind
    }

    /// The key's full path; empty when a whole document is meant.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where it comes from, if that is known.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What was found, shortened; not given for a key that does not exist, since
    /// it may be a secret of somebody else.
    #[must_use]
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// What is expected.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What was probably meant.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{:.300}: ", self.path)?;
        }
        if let Some(found) = &self.found {
            write!(f, "found {found}, ")?;
        }
        write!(f, "expected {}", self.expected)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        self.origin.as_ref().map_or(Ok(()), |origin| write!(f, " ({origin})"))
    }
}

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
