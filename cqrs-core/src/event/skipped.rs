//! How many events were skipped because this build does not know them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::message::SchemaVersion;
use crate::store::RecordedEvent;

/// Events of one type and version that were read and skipped, since the enum
/// says `#[event(unknown = "skip")]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedEvents {
    /// The stored name of the type.
    pub event_type: String,
    /// The version.
    pub version: SchemaVersion,
    /// How often one was skipped. An event that is read twice counts twice.
    pub count: u64,
}

/// The counts of one application.
#[derive(Debug, Default)]
pub(crate) struct Skips(Mutex<BTreeMap<(String, SchemaVersion), u64>>);

impl Skips {
    pub(crate) fn count(&self, record: &RecordedEvent) {
        let kind = (record.event_type().as_str().to_owned(), record.schema_version());
        let mut counts = self.0.lock().expect("nothing panics under the lock");
        let count = counts.entry(kind).or_default();
        *count += 1;
        if *count == 1 {
            let (event_type, version) = (record.event_type(), record.schema_version());
            tracing::warn!(%event_type, %version, "events that this build does not know are skipped");
        }
    }

    pub(crate) fn all(&self) -> Vec<SkippedEvents> {
        let counts = self.0.lock().expect("nothing panics under the lock");
        let all = counts.iter().map(|((event_type, version), count)| SkippedEvents {
            event_type: event_type.clone(),
            version: *version,
            count: *count,
        });
        all.collect()
    }
}
