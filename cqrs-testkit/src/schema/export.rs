//! JSON Schemas of everything, for programs in other languages.

use std::path::Path;

use cqrs_core::schema::json_schema;

use super::stored::Stored;

/// Writes a file for each version; gives how many.
pub(super) fn export(stored: &Stored, folder: &Path) -> usize {
    let target = folder.join("target").join("schema");
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(&target)
            .and_then(|()| std::fs::write(target.join(name), text))
            .unwrap_or_else(|error| panic!("{}: {error}", target.join(name).display()));
    };
    let mut count = 0;
    for version in stored.versions() {
        let Some(shape) = version.shape else { continue };
        let title = format!("{} {} {}", version.kind.word(), version.name, version.version);
        let schema = json_schema(&title, shape);
        let text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
        let kind = version.kind.word();
        write(&format!("{kind}.{}.{}.json", version.name, version.version), &format!("{text}\n"));
        count += 1;
    }
    count
}
