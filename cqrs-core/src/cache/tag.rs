//! What answers are invalidated by.
//!
//! A tag that a kept answer, or a run under way, depends on has a cell with a
//! count of its invalidations. Whoever begins a run notes the counts first;
//! the answer is good while they are the same. A tag that nobody depends on has
//! no cell, so the memory follows what is kept.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::CacheKey;
use super::key::write_text;
use crate::message::TenantId;
use crate::store::SeededHash;

/// A set of answers: all, those of a query, of a query in a tenant, or of a
/// part of its keys there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<[u8]>);

impl Tag {
    /// All answers.
    #[must_use]
    pub fn all() -> Self {
        Self(Box::default())
    }

    /// The answers of a query, in all tenants.
    #[must_use]
    pub fn query(name: &str) -> Self {
        Self::of(|out| write_text(out, name))
    }

    /// The answers of a query in one tenant.
    #[must_use]
    pub fn in_tenant(name: &str, tenant: &TenantId) -> Self {
        Self::of(|out| {
            write_text(out, name);
            write_text(out, tenant.as_str());
        })
    }

    /// The answers of a query in one tenant that were kept with a part, such as
    /// `7` for `GetUser { id: 7 }` (see [`Terms::parts`](super::Terms::parts)).
    #[must_use]
    pub fn part(name: &str, tenant: &TenantId, part: &str) -> Self {
        Self::of(|out| {
            write_text(out, name);
            write_text(out, tenant.as_str());
            write_text(out, part);
        })
    }

    /// The tags of an answer, from the widest to the narrowest.
    pub(super) fn of_answer(key: &CacheKey, parts: &[&str]) -> Vec<Self> {
        let mut tags = Vec::with_capacity(3 + parts.len());
        tags.push(Self::all());
        tags.push(Self(key.query().into()));
        tags.push(Self(key.query_in_tenant().into()));
        for part in parts {
            let mut bytes = key.query_in_tenant().to_vec();
            write_text(&mut bytes, part);
            tags.push(Self(bytes.into()));
        }
        tags
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn of(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut out = Vec::new();
        write(&mut out);
        Self(out.into())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tag").field(&String::from_utf8_lossy(&self.0)).finish()
    }
}

/// The cells of the tags that something depends on.
#[derive(Default)]
pub(super) struct Cells(Mutex<Map>);

struct Map {
    cells: HashMap<Tag, Arc<AtomicU64>, BuildHasherDefault<SeededHash>>,
    /// At this size, cells that nothing depends on any more are looked for.
    prune_at: usize,
}

/// The counts of an answer's tags as they were when its run began.
#[derive(Clone, Default)]
pub(super) struct Marks(Box<[Mark]>);

#[derive(Clone)]
struct Mark {
    cell: Arc<AtomicU64>,
    seen: u64,
}

/// So many cells are not worth a look.
const FEW: usize = 1024;

impl Default for Map {
    fn default() -> Self {
        Self { cells: HashMap::default(), prune_at: FEW }
    }
}

impl Cells {
    /// Notes the counts of tags. Whatever is invalidated from here on voids
    /// what these marks are kept with.
    pub(super) fn marks(&self, tags: &[Tag]) -> Marks {
        let mut map = self.map();
        map.prune();
        let mark = |tag: &Tag| {
            let cell = match map.cells.get(tag) {
                Some(cell) => Arc::clone(cell),
                None => Arc::clone(map.cells.entry(tag.clone()).or_default()),
            };
            Mark { seen: cell.load(Ordering::Acquire), cell }
        };
        Marks(tags.iter().map(mark).collect())
    }

    /// Voids everything that depends on a tag.
    pub(super) fn invalidate(&self, tag: &Tag) {
        if let Some(cell) = self.map().cells.get(tag) {
            cell.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.map().cells.len()
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.0.lock().expect("nothing panics under the lock")
    }
}

impl Map {
    /// A cell is cloned under the lock or from a mark; so one that is held
    /// here alone is held by nobody.
    fn prune(&mut self) {
        if self.cells.len() >= self.prune_at {
            self.cells.retain(|_, cell| Arc::strong_count(cell) > 1);
            self.prune_at = FEW.max(2 * self.cells.len());
        }
    }
}

impl Marks {
    /// Whether nothing was invalidated since.
    #[inline]
    pub(super) fn hold(&self) -> bool {
        self.0.iter().all(|mark| mark.cell.load(Ordering::Acquire) == mark.seen)
    }
}
