//! Recording what has changed.

use std::fmt::Write;
use std::path::Path;

use cqrs_core::schema::{FILE_NAME, LockFile};

use super::stored::Stored;
use super::{Finding, Mode, Samples, say};

/// Records everything, or nothing where something may not be recorded.
pub(super) fn accept(
    stored: &Stored,
    lock: &mut LockFile,
    samples: &mut Samples,
    found: &[Finding],
    folder: &Path,
    mode: Mode,
) {
    let (mut done, mut left) = (String::new(), String::new());
    let replace = mode == Mode::Replace;
    for finding in found {
        let entry = if replace { finding.replaceable() } else { finding.acceptable() };
        let into = match (entry, finding) {
            (Some(entry), _) => {
                lock.insert(entry.clone());
                &mut done
            }
            (None, Finding::Gone { entry }) if replace => {
                let versions: Vec<u32> = lock
                    .entries()
                    .filter(|one| one.kind == entry.kind && one.name == entry.name)
                    .map(|one| one.version)
                    .collect();
                for version in versions {
                    lock.remove(entry.kind, &entry.name, version);
                }
                &mut done
            }
            (None, Finding::Backwards { name, recorded, .. }) if replace => {
                lock.remove(cqrs_core::schema::EntryKind::Event, name, *recorded);
                &mut done
            }
            (None, finding) if finding.is_note() => &mut done,
            (None, _) => &mut left,
        };
        writeln!(into, "\n{finding}").expect("a string takes everything");
    }
    for problem in samples.accept(stored, lock, replace) {
        writeln!(left, "\n{problem}").expect("a string takes everything");
    }
    assert!(left.is_empty(), "this is not accepted, and nothing is written\n{left}");
    lock.write(folder).unwrap_or_else(|error| panic!("{FILE_NAME} cannot be written: {error}"));
    samples.write(folder).unwrap_or_else(|problem| panic!("{problem}"));
    say(&format!("{FILE_NAME} and its samples are what the code says now\n{done}"));
}
