//! The file that keeps every shape that was ever stored: one entry for each
//! type and version, sorted, so that two branches that add entries merge.
//!
//! ```text
//! schema lock, format 1
//!
//! event account.deposited 1
//!   cents: i64
//!
//! end
//! ```

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::fmt;
use std::io;
use std::path::Path;

use crate::parse::parse;
use crate::shape::Shape;
use crate::text::{INDENT, render};

/// The name of the file, beside the package's manifest.
pub const FILE_NAME: &str = "schema.lock";

/// The environment variable that says what to do about a shape that differs
/// from the file.
pub const MODE_VARIABLE: &str = "CQRS_SCHEMA";

const FORMAT: u32 = 1;
const TITLE: &str = "schema lock, format ";
const END: &str = "end";
const ABOUT: &str = "\
# What this package stores: the shape of every version of every type. Commit this file.
# A test compares it with the code and says how to accept a change.
";

/// What a shape belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// An event type.
    Event,
    /// The stored state of an aggregate.
    Snapshot,
}

/// One recorded shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it belongs to.
    pub kind: EntryKind,
    /// The stored name.
    pub name: String,
    /// The version.
    pub version: u32,
    /// What the version looks like.
    pub shape: &'static Shape,
}

/// The recorded shapes of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    entries: BTreeMap<(EntryKind, String, u32), Entry>,
}

/// A lock file that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError {
    /// The file is there and cannot be read or written.
    Io(io::Error),
    /// It was written by a newer version.
    NewerFormat {
        /// The format of the file.
        format: u32,
    },
    /// Both sides of a merge are still in it.
    Conflict {
        /// The line of the mark.
        line: usize,
    },
    /// Its end is missing.
    Truncated,
    /// One version stands twice.
    Repeated {
        /// The line of the second one.
        line: usize,
        /// The type and version.
        entry: String,
    },
    /// A line says nothing.
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl EntryKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Snapshot => "snapshot",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Event, Self::Snapshot].into_iter().find(|kind| kind.word() == word)
    }
}

impl Entry {
    /// The line above the shape.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {} {}", self.kind.word(), self.name, self.version)
    }
}

impl LockFile {
    /// Reads the file of a package, `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`LockError`] when the file is there and cannot be used.
    pub fn read(package: &Path) -> Result<Option<Self>, LockError> {
        match std::fs::read(package.join(FILE_NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LockError::Io(error)),
            Ok(bytes) => {
                let text = String::from_utf8(bytes).map_err(|error| {
                    let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                    LockError::Line { line, problem: "it is not UTF-8".to_owned() }
                })?;
                Self::parse(&text).map(Some)
            }
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// [`LockError`] at the first line that is not well-formed.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let marks = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
        let conflict = text.lines().position(|line| marks.iter().any(|m| line.starts_with(m)));
        if let Some(index) = conflict {
            return Err(LockError::Conflict { line: index + 1 });
        }
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let format = lines.next().and_then(|(_, line)| line.strip_prefix(TITLE)?.parse().ok());
        match format {
            Some(FORMAT) => {}
            Some(format) if format > FORMAT => return Err(LockError::NewerFormat { format }),
            _ => {
                let problem = format!("it should be `{TITLE}{FORMAT}`");
                return Err(LockError::Line { line: 1, problem });
            }
        }
        let mut file = Self::default();
        let mut open: Option<Open> = None;
        let mut ended = false;
        for (line, text) in lines.filter(|(_, line)| !is_empty(line)) {
            if ended {
                let problem = format!("this stands behind `{END}`");
                return Err(LockError::Line { line, problem });
            }
            if let Some(content) = text.strip_prefix("  ") {
                let Some(open) = &mut open else {
                    let problem = "this belongs to no entry".to_owned();
                    return Err(LockError::Line { line, problem });
                };
                open.take(line, content);
                continue;
            }
            if let Some(open) = open.take() {
                file.close(open)?;
            }
            ended = text == END;
            if !ended {
                open = Some(Open::of(line, text)?);
            }
        }
        if ended { Ok(file) } else { Err(LockError::Truncated) }
    }

    fn close(&mut self, open: Open) -> Result<(), LockError> {
        let line = open.line;
        let entry = open.entry()?;
        match self.entries.entry((entry.kind, entry.name.clone(), entry.version)) {
            Place::Occupied(_) => Err(LockError::Repeated { line, entry: entry.title() }),
            Place::Vacant(place) => {
                place.insert(entry);
                Ok(())
            }
        }
    }

    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{TITLE}{FORMAT}\n\n{ABOUT}\n");
        for entry in self.entries.values() {
            text.push_str(&entry.title());
            text.push('\n');
            text.push_str(&render(entry.shape, INDENT));
            text.push('\n');
        }
        text.push_str(END);
        text.push('\n');
        text
    }

    /// Writes the file of a package, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`io::Error`] of the file system; the file is as it was then.
    pub fn write(&self, package: &Path) -> io::Result<()> {
        let beside = package.join(format!("{FILE_NAME}.{}", std::process::id()));
        std::fs::write(&beside, self.render())?;
        std::fs::rename(&beside, package.join(FILE_NAME)).inspect_err(|_| {
            let _ = std::fs::remove_file(&beside);
        })
    }

    /// All entries, sorted.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The recorded shape of one version.
    #[must_use]
    pub fn shape(&self, kind: EntryKind, name: &str, version: u32) -> Option<&'static Shape> {
        Some(self.entries.get(&(kind, name.to_owned(), version))?.shape)
    }

    /// Records a shape, in the place of the one that the version had.
    pub fn insert(&mut self, entry: Entry) {
        self.entries.insert((entry.kind, entry.name.clone(), entry.version), entry);
    }

    /// Drops a recorded shape.
    pub fn remove(&mut self, kind: EntryKind, name: &str, version: u32) {
        self.entries.remove(&(kind, name.to_owned(), version));
    }
}

fn is_empty(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with('#')
}

/// An entry whose lines are still coming.
struct Open {
    kind: EntryKind,
    name: String,
    version: u32,
    line: usize,
    content: String,
    /// The line in the file of each line of `content`.
    lines: Vec<usize>,
}

impl Open {
    fn of(line: usize, text: &str) -> Result<Self, LockError> {
        let words: Vec<&str> = text.split(' ').collect();
        let title = match words.as_slice() {
            [kind, name, version] => EntryKind::of_word(kind).zip(
                version.parse().ok().filter(|version| *version > 0).map(|version| (*name, version)),
            ),
            _ => None,
        };
        let Some((kind, (name, version))) = title else {
            let problem = format!("`{text}` names no type and version");
            return Err(LockError::Line { line, problem });
        };
        let (name, content) = (name.to_owned(), String::new());
        Ok(Self { kind, name, version, line, content, lines: Vec::new() })
    }

    fn take(&mut self, line: usize, content: &str) {
        self.content.push_str(content);
        self.content.push('\n');
        self.lines.push(line);
    }

    fn entry(self) -> Result<Entry, LockError> {
        let shape = parse(&self.content).map_err(|error| LockError::Line {
            line: self.lines.get(error.line - 1).copied().unwrap_or(self.line),
            problem: error.problem,
        })?;
        Ok(Entry { kind: self.kind, name: self.name, version: self.version, shape })
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => write!(f, "{FILE_NAME} cannot be read"),
            Self::NewerFormat { format } => write!(
                f,
                "{FILE_NAME} has format {format}, this version knows {FORMAT}: use the version \
                 that wrote it, or a newer one"
            ),
            Self::Conflict { line } => write!(
                f,
                "{FILE_NAME}, line {line}: a merge is not finished: keep the entries of both \
                 sides, each once"
            ),
            Self::Truncated => write!(
                f,
                "{FILE_NAME} ends before its last line `{END}`: take it from version control again"
            ),
            Self::Repeated { line, entry } => {
                write!(f, "{FILE_NAME}, line {line}: `{entry}` stands there twice: keep one")
            }
            Self::Line { line, problem } => {
                write!(f, "{FILE_NAME}, line {line}: {problem}: take it from version control again")
            }
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Scalar};

    const CENTS: Shape = Shape::fields(&[Field::new("cents", &Shape::Scalar(Scalar::I64))]);
    const NUMBER: Shape = Shape::Scalar(Scalar::U8);
    const NOTHING: Shape = Shape::fields(&[]);

    fn file() -> LockFile {
        let mut file = LockFile::default();
        for (kind, name, version, shape) in [
            (EntryKind::Snapshot, "account", 3, &NUMBER),
            (EntryKind::Event, "account.deposited", 10, &CENTS),
            (EntryKind::Event, "account.deposited", 2, &CENTS),
            (EntryKind::Event, "account.closed", 1, &NOTHING),
        ] {
            file.insert(Entry { kind, name: name.to_owned(), version, shape });
        }
        file
    }

    #[test]
    fn entries_are_sorted_and_read_back() {
        let text = file().render();
        assert_eq!(LockFile::parse(&text).expect("it is well-formed"), file());
        let titles: Vec<&str> = text.lines().filter(|line| line.starts_with(['e', 's'])).collect();
        assert_eq!(
            titles,
            [
                "schema lock, format 1",
                "event account.closed 1",
                "event account.deposited 2",
                "event account.deposited 10",
                "snapshot account 3",
                "end"
            ]
        );
    }

    #[test]
    fn other_line_ends_change_nothing() {
        let text = file().render().replace('\n', "\r\n");
        assert_eq!(LockFile::parse(&text).expect("it is well-formed"), file());
    }

    #[test]
    fn each_damage_is_named_with_its_line() {
        let text = file().render();
        let message = |text: &str| LockFile::parse(text).expect_err("it is damaged").to_string();
        let cases = [
            (String::new(), "schema.lock, line 1: it should be `schema lock, format 1`"),
            (text.replacen("format 1", "format 2", 1), "schema.lock has format 2"),
            (text.replace("\nend\n", "\n"), "ends before its last line `end`"),
            (text[..text.len() / 2].to_owned(), "ends before its last line `end`"),
            (text.replace("cents: i64", "cents: i65"), "line 9: `i65` is no shape"),
            (text.replace("cents: i64", "cents"), "line 9: a colon and a shape are missing"),
            (
                text.replace("deposited 10", "deposited 2"),
                "`event account.deposited 2` stands there",
            ),
            (text.replace("deposited 2", "deposited 0"), "names no type and version"),
            (
                text.replace("event account.closed", "evnt account.closed"),
                "`evnt account.closed 1`",
            ),
            (text.replace("end\n", "end\n  cents: i64\n"), "this stands behind `end`"),
            (
                text.replace("snapshot", "<<<<<<< ours\nsnapshot"),
                "line 14: a merge is not finished",
            ),
        ];
        for (text, expected) in cases {
            let message = message(&text);
            assert!(message.contains(expected), "{message}\nshould say\n{expected}");
        }
    }
}
