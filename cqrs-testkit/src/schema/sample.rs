//! A stored sample of every version of every event, kept for ever: what it
//! was, and what it becomes today.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use cqrs_core::message::{Encoding, SchemaVersion};
use cqrs_core::registry::Content;
use cqrs_core::schema::{Entry, EntryKind, LockFile, Shape, fingerprint};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::stored::Stored;
use crate::record::recorded;
use crate::values::values;
use cqrs_core::report;

/// The folder of the samples, beside the package's manifest.
const FOLDER: &str = "schema.samples";
/// Values that are tried before a shape is given up.
const TRIES: u32 = 200;

/// All samples of a package, by file name.
pub(super) struct Samples {
    files: BTreeMap<String, Sample>,
    /// Files of what is recorded no more.
    gone: Vec<String>,
}

/// One stored event, and what it is read as.
#[derive(Clone, Serialize, Deserialize)]
struct Sample {
    event: String,
    version: u32,
    encoding: String,
    payload: Payload,
    becomes: Vec<Becomes>,
}

/// One event that a sample is read as.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Becomes {
    event: String,
    version: u32,
    payload: Payload,
}

/// Content as JSON, or as hexadecimal digits of another format.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Payload {
    Json(Value),
    Hex(String),
}

/// Something is wrong with a sample.
pub(super) struct Problem {
    sample: String,
    problem: String,
    /// Whether `accept` can do away with it.
    pub(super) is_acceptable: bool,
}

impl Samples {
    /// Reads the folder of a package.
    pub(super) fn read(package: &Path) -> Result<Self, Problem> {
        let mut files = BTreeMap::new();
        let entries = match std::fs::read_dir(package.join(FOLDER)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { files, gone: Vec::new() });
            }
            Err(error) => return Err(Problem::new(FOLDER, error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| Problem::new(FOLDER, error))?.path();
            if path.extension().is_none_or(|end| end != "json") {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read(&path).map_err(|error| Problem::new(&name, error))?;
            let sample = serde_json::from_slice(&text).map_err(|error| {
                let problem =
                    format!("it is no sample: {error}; take it from version control again");
                Problem::new(&name, problem)
            })?;
            files.insert(name, sample);
        }
        Ok(Self { files, gone: Vec::new() })
    }

    /// What is wrong with the samples, and which are missing.
    pub(super) fn check(&self, stored: &Stored, lock: &LockFile) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, sample) in &self.files {
            match sample.read(stored) {
                Err(problem) => problems.push(Problem::new(name, problem)),
                Ok(becomes) if becomes != sample.becomes => {
                    let problem = format!(
                        "it is read as something else than before\n  - {}\n  + {}",
                        lines(&sample.becomes),
                        lines(&becomes)
                    );
                    problems.push(Problem::new(name, problem).acceptable());
                }
                Ok(_) => {}
            }
        }
        for entry in lock.entries().filter(|entry| entry.kind == EntryKind::Event) {
            if !self.files.contains_key(&file_name(entry)) {
                problems.push(Problem::new(&file_name(entry), "it is missing").acceptable());
            }
        }
        problems
    }

    /// Makes what is missing, and records what samples are read as today.
    pub(super) fn accept(
        &mut self,
        stored: &Stored,
        lock: &LockFile,
        replace: bool,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        if replace {
            let kept: Vec<String> = lock.entries().map(file_name).collect();
            let (kept, gone) = std::mem::take(&mut self.files)
                .into_iter()
                .partition(|(name, _)| kept.contains(name));
            self.files = kept;
            self.gone = BTreeMap::into_keys(gone).collect();
        }
        for entry in lock.entries().filter(|entry| entry.kind == EntryKind::Event) {
            let name = file_name(entry);
            if self.files.contains_key(&name) {
                continue;
            }
            match Sample::made_of(entry, stored) {
                Ok(sample) => {
                    self.files.insert(name, sample);
                }
                Err(problem) => problems.push(Problem::new(&name, problem)),
            }
        }
        for (name, sample) in &mut self.files {
            match sample.read(stored) {
                Ok(becomes) => sample.becomes = becomes,
                Err(problem) => problems.push(Problem::new(name, problem)),
            }
        }
        problems
    }

    /// Writes what [`accept`](Self::accept) has come to.
    pub(super) fn write(&self, package: &Path) -> Result<(), Problem> {
        let folder = package.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|error| Problem::new(FOLDER, error))?;
        for name in &self.gone {
            std::fs::remove_file(folder.join(name)).map_err(|error| Problem::new(name, error))?;
        }
        for (name, sample) in &self.files {
            let path: PathBuf = folder.join(name);
            let text = serde_json::to_string_pretty(sample).expect("a sample is plain JSON");
            let text = format!("{text}\n");
            let is_there = std::fs::read_to_string(&path).is_ok_and(|old| old == text);
            if !is_there {
                std::fs::write(&path, text).map_err(|error| Problem::new(name, error))?;
            }
        }
        Ok(())
    }
}

/// A version whose shape was changed in place has a sample of each shape.
fn file_name(entry: &Entry) -> String {
    let Entry { name, version, shape, .. } = entry;
    format!("{name}.{version}.{:08x}.json", fingerprint(shape) >> 32)
}

impl Sample {
    /// Makes up an event of a recorded version.
    fn made_of(entry: &Entry, stored: &Stored) -> Result<Self, String> {
        let read = stored.reader(&entry.name).ok_or("nothing reads this event")?;
        let event = stored.events.values().find(|event| event.kind.is_stored_as(&entry.name));
        let is_current = event.is_some_and(|event| event.kind.version.get() == entry.version);
        // What was declared knows the samples of its opaque parts.
        let declared = event.and_then(|event| {
            let past = event.kind.history.iter().find(|past| past.version.get() == entry.version);
            if is_current { Some(event.kind.shape) } else { past?.shape }
        });
        let mut last = String::new();
        for value in made_up(declared.unwrap_or(entry.shape))? {
            let sample = Self {
                event: entry.name.clone(),
                version: entry.version,
                encoding: "json".to_owned(),
                payload: Payload::Json(value),
                becomes: Vec::new(),
            };
            match read(&sample.record()?) {
                Err(error) => last = report(&error),
                // An event of today is stored as it would be today.
                Ok(contents) => {
                    return Ok(match contents.as_slice() {
                        [one] if is_current => Self {
                            encoding: one.encoding.as_str().to_owned(),
                            payload: Payload::of(one),
                            ..sample
                        },
                        _ => sample,
                    });
                }
            }
        }
        Err(format!(
            "no value that was made up for it can be read: {last}\n  Give the part that refuses \
             them `#[schema(opaque = \"..\", sample = \"..\")]`."
        ))
    }

    fn record(&self) -> Result<cqrs_core::store::RecordedEvent, String> {
        if self.version == 0 {
            return Err("versions count from 1".to_owned());
        }
        let payload = self.payload.bytes()?;
        let encoding = Encoding::from(self.encoding.clone());
        Ok(recorded(&self.event, SchemaVersion::new(self.version), encoding, payload))
    }

    /// What it is read as today.
    fn read(&self, stored: &Stored) -> Result<Vec<Becomes>, String> {
        let read = stored.reader(&self.event).ok_or_else(|| {
            format!("nothing reads `{}` any more, and it may be stored", self.event)
        })?;
        let contents = read(&self.record()?).map_err(|error| report(&error))?;
        let becomes = |one: &Content| Becomes {
            event: one.event_type.name.to_owned(),
            version: one.event_type.version.get(),
            payload: Payload::of(one),
        };
        Ok(contents.iter().map(becomes).collect())
    }
}

/// Values of a shape, always the same.
fn made_up(shape: &'static Shape) -> Result<impl Iterator<Item = Value>, String> {
    let strategy = values(shape).map_err(|none| {
        format!(
            "no value can be made up for \"{}\": add `sample = \"..\"` beside `opaque`, with a value \
             in JSON: `sample = \"1\"` for a number, `sample = \"\\\"a text\\\"\"` for a text",
            none.description
        )
    })?;
    let mut runner = TestRunner::deterministic();
    Ok((0..TRIES).filter_map(move |_| Some(strategy.new_tree(&mut runner).ok()?.current())))
}

impl Payload {
    fn of(content: &Content) -> Self {
        let json = (content.encoding == Encoding::JSON)
            .then(|| serde_json::from_slice(&content.payload).ok())
            .flatten();
        json.map_or_else(
            || Self::Hex(content.payload.iter().map(|byte| format!("{byte:02x}")).collect()),
            Self::Json,
        )
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Json(value) => Ok(value.to_string().into_bytes()),
            Self::Hex(digits) => {
                let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
                let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(pair).collect();
                bytes.ok_or_else(|| "its payload is not hexadecimal".to_owned())
            }
        }
    }
}

fn lines(becomes: &[Becomes]) -> String {
    if becomes.is_empty() {
        return "nothing".to_owned();
    }
    let line = |one: &Becomes| {
        let content = match &one.payload {
            Payload::Json(value) => value.to_string(),
            Payload::Hex(digits) => digits.clone(),
        };
        format!("{} {} {content}", one.event, one.version)
    };
    becomes.iter().map(line).collect::<Vec<_>>().join("; ")
}

impl Problem {
    fn new(sample: &str, problem: impl fmt::Display) -> Self {
        Self { sample: sample.to_owned(), problem: problem.to_string(), is_acceptable: false }
    }

    fn acceptable(self) -> Self {
        Self { is_acceptable: true, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sample {FOLDER}/{}: {}", self.sample, self.problem)
    }
}
