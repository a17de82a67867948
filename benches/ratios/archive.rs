//! An archive to bring in, and its rows as a careful engineer reads them.

use std::borrow::Cow;

use cqrs_core::store::EventStore;
use cqrs_core::store::memory::MemoryStore;
use serde::Deserialize;

use crate::account::{self, Numbers};

pub(crate) const EVENTS: u64 = 50_000;
const STREAMS: u64 = 1_000;

/// An archive of a log of units with one event each.
pub(crate) async fn archive() -> Vec<u8> {
    let (store, payload) = (MemoryStore::new(), account::payload());
    let mut numbers = Numbers(0);
    for n in 0..EVENTS {
        store.commit(numbers.unit(n % STREAMS, 1, &payload)).await.expect("it commits");
    }
    let mut archive = Vec::new();
    cqrs_archive::export(&store, &mut archive).await.expect("it can be written");
    archive
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    event: Option<Row<'a>>,
}

/// What a hand-written import takes from a line.
#[derive(Deserialize)]
pub(crate) struct Row<'a> {
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    pub(crate) version: i64,
    #[serde(borrow, rename = "type")]
    pub(crate) event_type: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) payload: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) details: Cow<'a, str>,
}

impl Row<'_> {
    pub(crate) fn stream(&self) -> String {
        format!("{}-{}", self.category, self.key)
    }
}

pub(crate) fn rows(archive: &[u8]) -> impl Iterator<Item = Row<'_>> {
    let lines = archive.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| serde_json::from_slice::<Line<'_>>(line).expect("it is JSON").event)
}
