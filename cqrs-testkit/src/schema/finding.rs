//! How what a package stores differs from what its lock file records.

use std::collections::BTreeSet;
use std::fmt;

use cqrs_core::message::SourceLocation;
use cqrs_core::schema::{
    Comparison, Compatibility, Effect, Entry, EntryKind, LockFile, MODE_VARIABLE, Shape, compare,
    upcaster,
};

use super::stored::{Stored, Version};

/// One difference.
pub(super) enum Finding {
    /// A version that is not recorded.
    New { entry: Entry, location: SourceLocation },
    /// The shape of the current version is another.
    Changed { entry: Entry, location: SourceLocation, comparison: Comparison },
    /// The type for an old version is another than what was stored.
    PastChanged { entry: Entry, location: SourceLocation, comparison: Comparison },
    /// An old version that nothing records, and that is read untyped.
    Unrecorded { name: String, version: u32, location: SourceLocation },
    /// A recorded version is newer than the code.
    Backwards { name: String, recorded: u32, version: u32, location: SourceLocation },
    /// A recorded type that nothing reads.
    Gone { entry: Entry },
}

/// Compares; in the order of names.
pub(super) fn findings(stored: &Stored, lock: &LockFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let versions = stored.versions();
    for version in &versions {
        findings.extend(of_version(version, lock));
    }
    let mut seen = BTreeSet::new();
    for entry in lock.entries() {
        let current = versions
            .iter()
            .filter(|one| one.kind == entry.kind && one.name == entry.name)
            .max_by_key(|one| one.version);
        match current {
            Some(current) if entry.version > current.version => {
                findings.push(Finding::Backwards {
                    name: entry.name.clone(),
                    recorded: entry.version,
                    version: current.version,
                    location: current.location,
                });
            }
            Some(_) => {}
            None if entry.kind == EntryKind::Event && stored.reader(&entry.name).is_some() => {}
            None => {
                if seen.insert((entry.kind, entry.name.clone())) {
                    findings.push(Finding::Gone { entry: entry.clone() });
                }
            }
        }
    }
    findings
}

fn of_version(version: &Version, lock: &LockFile) -> Option<Finding> {
    let Version { kind, name, version: number, shape, is_current, location } = *version;
    let recorded = lock.shape(kind, name, number);
    let entry =
        |shape: &'static Shape| Entry { kind, name: name.to_owned(), version: number, shape };
    match (recorded, shape) {
        (None, Some(shape)) => Some(Finding::New { entry: entry(shape), location }),
        (None, None) => {
            let name = name.to_owned();
            Some(Finding::Unrecorded { name, version: number, location })
        }
        (Some(_), None) => None,
        (Some(recorded), Some(shape)) => {
            let comparison = compare(recorded, shape);
            if comparison.changes.is_empty() {
                return None;
            }
            let entry = entry(shape);
            Some(if is_current {
                Finding::Changed { entry, location, comparison }
            } else {
                Finding::PastChanged { entry, location, comparison }
            })
        }
    }
}

impl Finding {
    /// What `accept` records for it, if it may.
    pub(super) fn acceptable(&self) -> Option<&Entry> {
        match self {
            Self::New { entry, .. } => Some(entry),
            Self::Changed { entry, comparison, .. } if is_harmless(entry, comparison) => {
                Some(entry)
            }
            _ => None,
        }
    }

    /// What `replace` records for it.
    pub(super) fn replaceable(&self) -> Option<&Entry> {
        match self {
            Self::Changed { entry, .. } | Self::PastChanged { entry, .. } => Some(entry),
            other => other.acceptable(),
        }
    }

    /// Whether it is only worth a word.
    pub(super) fn is_note(&self) -> bool {
        matches!(self, Self::Unrecorded { .. })
    }
}

/// Whether old data can be read by the new shape; a snapshot is made anew.
fn is_harmless(entry: &Entry, comparison: &Comparison) -> bool {
    let reads = comparison.changes.iter().all(|change| change.backward == Effect::Reads);
    reads || entry.kind == EntryKind::Snapshot
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New { entry, location } => {
                let (kind, name, version) = (entry.kind.word(), &entry.name, entry.version);
                write!(f, "{kind} `{name}` version {version} ({location}) is new")
            }
            Self::Changed { entry, location, comparison } => {
                changed(f, entry, *location, comparison)
            }
            Self::PastChanged { entry, location, comparison } => {
                let (name, version) = (&entry.name, entry.version);
                writeln!(
                    f,
                    "event `{name}` ({location}): the type for version {version} is not what was \
                     stored then"
                )?;
                changes(f, comparison)?;
                f.write_str(
                    "  The type for an old version stays as it was; what has changed since belongs \
                     into the step to the next version.",
                )
            }
            Self::Unrecorded { name, version, location } => write!(
                f,
                "note: event `{name}` ({location}) reads version {version} untyped, and nothing \
                 records what that looked like"
            ),
            Self::Backwards { name, recorded, version, location } => write!(
                f,
                "event `{name}` ({location}) is at version {version}, and version {recorded} is \
                 recorded: events of that version may be stored, so that versions only go up"
            ),
            Self::Gone { entry } => {
                let (kind, name) = (entry.kind.word(), &entry.name);
                write!(f, "{kind} `{name}` is recorded, and nothing reads it any more\n  ")?;
                match entry.kind {
                    EntryKind::Event => write!(
                        f,
                        "Say `#[event(retired(\"{name}\"))]` on the enum that it was in, or \
                         `#[event(formerly(\"{name}\"))]` on the type that it is now."
                    ),
                    _ => f.write_str("Its snapshots are of no use any more."),
                }
            }
        }
    }
}

fn changes(f: &mut fmt::Formatter<'_>, comparison: &Comparison) -> fmt::Result {
    comparison.changes.iter().try_for_each(|change| writeln!(f, "  - {change}"))
}

fn changed(
    f: &mut fmt::Formatter<'_>,
    entry: &Entry,
    location: SourceLocation,
    comparison: &Comparison,
) -> fmt::Result {
    let Entry { kind, name, version, .. } = entry;
    writeln!(
        f,
        "{} `{name}` version {version} ({location}) has another shape than recorded",
        kind.word()
    )?;
    changes(f, comparison)?;
    if *kind == EntryKind::Snapshot {
        return f.write_str("  Stored snapshots are ignored and made anew.");
    }
    writeln!(f, "  The change is {}.", comparison.compatibility())?;
    let readable =
        matches!(comparison.compatibility(), Compatibility::Full | Compatibility::Backward);
    if readable {
        return f.write_str("  Old events are read as they are: the change needs no new version.");
    }
    let next = version.saturating_add(1);
    let function = upcaster(name, *version, comparison);
    let called = function.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
    writeln!(f, "  Give it the next version and a step to it:\n")?;
    writeln!(
        f,
        "    #[event(version = {next}, upcast({version} => {}))]\n",
        called.unwrap_or_default()
    )?;
    for line in function.lines() {
        writeln!(f, "    {line}")?;
    }
    write!(
        f,
        "\n  If no event of version {version} was ever stored: `{MODE_VARIABLE}=replace cargo test \
         schema_lock`."
    )
}
