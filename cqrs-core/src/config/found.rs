//! Where a value comes from.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use super::setting::Input;

/// Where a value of the configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A document that was handed over, and its line, from 1, if known.
    Document {
        /// What it was called.
        name: String,
        /// The line.
        line: Option<usize>,
    },
    /// A file, and its line, from 1, if known.
    File {
        /// The path as it was given.
        path: PathBuf,
        /// The line.
        line: Option<usize>,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        variable: String,
    },
    /// [`ConfigLoader::set`](super::ConfigLoader::set).
    Set,
    /// Code that changed the configuration.
    Code,
    /// The documented default.
    Default,
}

/// A value as it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Origin {
    /// The same source at a line.
    pub(super) fn at(&self, at: usize) -> Self {
        let mut origin = self.clone();
        if let Self::Document { line, .. } | Self::File { line, .. } = &mut origin {
            *line = Some(at);
        }
        origin
    }
}

impl Found {
    pub(super) fn input(&self) -> Input<'_> {
        let textual = matches!(self.origin, Origin::Environment { .. } | Origin::Set);
        Input { value: &self.value, textual }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match self {
            Self::Document { name, line } => {
                f.write_str(name)?;
                line
            }
            Self::File { path, line } => {
                write!(f, "{}", path.display())?;
                line
            }
            Self::Environment { variable } => return write!(f, "environment variable {variable}"),
            Self::Set => return f.write_str("a value set in code"),
            Self::Code => return f.write_str("code"),
            Self::Default => return f.write_str("the default"),
        };
        line.map_or(Ok(()), |line| write!(f, ", line {line}"))
    }
}

/// A value in a message: short, and on one line.
pub(super) fn shown(value: &Value) -> String {
    const LONGEST: usize = 64;
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::String(text) if text.chars().count() > LONGEST => {
            let start: String = text.chars().take(LONGEST).collect();
            format!("{start:?}..")
        }
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}
