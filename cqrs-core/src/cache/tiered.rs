//! A cache of the process with one outside of it behind.
//!
//! An answer that is in neither is made by its query, kept here, and put there.
//! Whatever the outside one does, the query is answered: a call of it has a
//! small limit of time, and one that fails is followed by a pause.
//!
//! An invalidation that could not be delivered is remembered, and what it
//! concerns is neither read from outside nor put there until it is. One that is
//! lost with its process leaves answers outside until their time has passed.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::local::Fresh;
use super::outage::{Outage, within};
use super::record::{self, Bad};
use super::statistics::Counter;
use super::{
    CacheBackend, CacheError, CacheKey, CacheStatistics, Invalidations, QueryCache, Tag, Terms,
    TieredOptions,
};
use crate::message::Timestamp;
use crate::runtime::{Clock, Random, Services};
use crate::store::RecordedEvent;

/// A [`QueryCache`] with a [`CacheBackend`] behind it, which several processes
/// share. Clones share it.
///
/// An invalidation reaches what other processes take from outside, and not what
/// they have kept inside already: each process follows the events itself, and
/// calls [`TieredCache::invalidate_by`] for them. The clocks of the processes
/// decide about times to live, so those should agree to within a fraction of
/// them.
#[derive(Clone)]
pub struct TieredCache(Arc<Inner>);

struct Inner {
    local: QueryCache,
    backend: Box<dyn CacheBackend>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    timeout: Duration,
    outage: Outage,
    undelivered: Undelivered,
    hits: Counter,
    errors: Counter,
    broken: Counter,
}

/// Invalidations that the backend has not confirmed, each with a number.
#[derive(Default)]
struct Undelivered {
    tags: Mutex<Numbered>,
    /// Some of them are nobody's affair any more: their call has failed or was
    /// dropped.
    left: AtomicBool,
}

#[derive(Default)]
struct Numbered {
    last: u64,
    tags: HashMap<Tag, u64>,
}

/// Says on drop that an invalidation was left behind.
struct Delivery<'a>(&'a Undelivered);

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        if !self.0.tags().tags.is_empty() {
            self.0.left.store(true, Ordering::Release);
        }
    }
}

/// When calls of the backend must have ended, by the monotonic clock: a query
/// waits for the limit once, however many calls it makes.
#[derive(Clone, Copy)]
struct End(Duration);

/// What an answer is put outside with.
struct Ticket {
    marks: Vec<u64>,
    begun: Timestamp,
}

/// What the look outside has given.
enum Look<T> {
    Found(record::Read<T>),
    /// The answer may be put there.
    Missing(Ticket),
    /// The outside one takes no part in this call.
    Nothing,
}

/// So many undelivered invalidations become one of everything.
const MOST_UNDELIVERED: usize = 1024;

/// How long a mark lies outside. Longer than most answers do: with its mark an
/// answer ends too.
const MARK_TTL: Duration = Duration::from_secs(24 * 60 * 60);

impl TieredCache {
    /// Puts a backend behind a cache. Nothing is connected yet.
    #[must_use]
    pub fn new(
        local: QueryCache,
        backend: impl CacheBackend,
        services: &Services,
        options: TieredOptions,
    ) -> Self {
        Self(Arc::new(Inner {
            local,
            backend: Box::new(backend),
            clock: Arc::clone(&services.clock),
            random: Arc::clone(&services.random),
            timeout: options.timeout,
            outage: Outage::new(options.pause),
            undelivered: Undelivered::default(),
            hits: Counter::default(),
            errors: Counter::default(),
            broken: Counter::default(),
        }))
    }

    /// The cache of this process.
    #[must_use]
    pub fn local(&self) -> &QueryCache {
        &self.0.local
    }

    /// The answer that is kept here or outside, or that of the query; otherwise
    /// as [`QueryCache::get_or_run`]. The answer is given to those who wait
    /// before it is put outside. One that JSON cannot hold is kept here alone;
    /// what its serialisation leaves out is lost outside.
    ///
    /// # Errors
    ///
    /// That of the query. The backend never fails a call.
    ///
    /// # Cancel safety
    ///
    /// As [`QueryCache::get_or_run`]; the answer may not get outside.
    pub async fn get_or_run<T, E>(
        &self,
        key: &CacheKey,
        terms: Terms<'_>,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let (inner, mut ticket) = (&*self.0, None);
        let tags = Tag::of_answer(key, terms.parts);
        let run = async {
            match inner.look::<T>(key, &tags, terms).await {
                Look::Found(read) => {
                    inner.hits.add(1);
                    let left = read.expires.since(inner.clock.now());
                    let ends = Some(inner.clock.monotonic().saturating_add(left));
                    return Ok(Fresh { value: read.value, ends, stamp: Some(read.stamp) });
                }
                Look::Missing(one) => ticket = Some(one),
                Look::Nothing => {}
            }
            Ok(Fresh { value: run.await?, ends: None, stamp: None })
        };
        let value = inner.local.fly(key, terms, &*inner.clock, run).await?;
        if let Some(ticket) = ticket {
            inner.put(key, terms, &value, &ticket).await;
        }
        Ok(value)
    }

    /// Voids answers here, at once, and outside, for all processes. If the
    /// backend cannot be reached, that is made up for later; meanwhile this
    /// process takes nothing from it that is concerned.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the invalidation has its effect here; what is left of it
    /// outside is made up for by a later call.
    pub async fn invalidate(&self, tag: &Tag) {
        let inner = &*self.0;
        // Noted first: whoever begins behind the local one sees the note, and
        // takes no old answer from outside.
        let tag = inner.undelivered.note(tag);
        inner.local.invalidate(&tag);
        let _left = Delivery(&inner.undelivered);
        inner.deliver(&tag, inner.end()).await;
    }

    /// Voids what an event is declared to void, as [`TieredCache::invalidate`].
    ///
    /// # Cancel safety
    ///
    /// As [`TieredCache::invalidate`], for all tags at once.
    pub async fn invalidate_by(&self, table: &Invalidations, event: &RecordedEvent) {
        let (inner, mut tags) = (&*self.0, Vec::new());
        table.tags(event, |tag| {
            let tag = inner.undelivered.note(&tag);
            inner.local.invalidate(&tag);
            tags.push(tag);
        });
        let _left = Delivery(&inner.undelivered);
        let end = inner.end();
        for tag in &tags {
            inner.deliver(tag, end).await;
        }
    }

    /// What both have done so far.
    #[must_use]
    pub fn statistics(&self) -> CacheStatistics {
        CacheStatistics {
            backend_hits: self.0.hits.get(),
            backend_errors: self.0.errors.get(),
            backend_broken: self.0.broken.get(),
            ..self.0.local.statistics()
        }
    }
}

impl Inner {
    /// Looks for an answer outside. Its marks are read with it, before the
    /// query begins, so that an invalidation from then on voids what is put.
    async fn look<T: DeserializeOwned>(
        &self,
        key: &CacheKey,
        tags: &[Tag],
        terms: Terms<'_>,
    ) -> Look<T> {
        let end = self.end();
        self.make_up(end).await;
        let begun = self.clock.now();
        if self.undelivered.concern(tags) {
            return Look::Nothing;
        }
        let names = names_of(key, tags);
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let Some(mut found) = self.call(end, || self.backend.get(&names)).await else {
            return Look::Nothing;
        };
        let bytes = found.first_mut().and_then(Option::take);
        let Some(marks) = self.marks(&names[1..], found.get(1..).unwrap_or_default(), end).await
        else {
            return Look::Nothing;
        };
        match bytes.map(|bytes| record::read(&bytes, terms.asked(), begun, &marks)) {
            Some(Ok(read)) => return Look::Found(read),
            Some(Err(bad @ (Bad::Broken | Bad::Foreign))) => {
                self.broken.add(1);
                if bad == Bad::Broken {
                    let _ = self.call(end, || self.backend.remove(names[0])).await;
                }
            }
            Some(Err(Bad::Stale)) | None => {}
        }
        Look::Missing(Ticket { marks, begun })
    }

    /// The marks of tags; those that are missing are made.
    async fn marks(&self, names: &[&[u8]], found: &[Option<Bytes>], end: End) -> Option<Vec<u64>> {
        if let Some(marks) = found.iter().map(mark_of).collect::<Option<Vec<_>>>()
            && marks.len() == names.len()
        {
            return Some(marks);
        }
        for (name, found) in names.iter().zip(found) {
            match (found, mark_of(found)) {
                (_, Some(_)) => {}
                (None, _) => {
                    let mark = self.new_mark();
                    self.call(end, || self.backend.put_if_absent(name, mark, MARK_TTL)).await?;
                }
                (Some(_), None) => {
                    self.broken.add(1);
                    self.call(end, || self.backend.put(name, self.new_mark(), MARK_TTL)).await?;
                }
            }
        }
        // Another process may have made them meanwhile.
        let found = self.call(end, || self.backend.get(names)).await?;
        let marks = found.iter().map(mark_of).collect::<Option<Vec<_>>>()?;
        (marks.len() == names.len()).then_some(marks)
    }

    async fn put<T: Serialize>(
        &self,
        key: &CacheKey,
        terms: Terms<'_>,
        value: &T,
        ticket: &Ticket,
    ) {
        let ttl = terms.ttl.unwrap_or_else(|| self.local.ttl());
        let expires = ticket.begun.plus(ttl);
        let left = expires.since(self.clock.now());
        if left.is_zero() {
            return;
        }
        let Ok(bytes) = record::write(value, terms.asked(), expires, &ticket.marks) else {
            return;
        };
        let name = name_of(b'k', key.as_bytes());
        let _ = self.call(self.end(), || self.backend.put(&name, bytes, left)).await;
    }

    /// Makes up for what was left undelivered; one caller at a time.
    async fn make_up(&self, end: End) {
        if !self.undelivered.left.swap(false, Ordering::AcqRel) {
            return;
        }
        let _left = Delivery(&self.undelivered);
        while let Some(tag) = self.undelivered.any() {
            if !self.deliver(&tag, end).await {
                return;
            }
        }
    }

    /// Makes the mark of a tag anew.
    async fn deliver(&self, tag: &Tag, end: End) -> bool {
        let Some(number) = self.undelivered.number(tag) else {
            return true;
        };
        let name = name_of(b'm', tag.as_bytes());
        let put = self.call(end, || self.backend.put(&name, self.new_mark(), MARK_TTL)).await;
        if put.is_some() {
            self.undelivered.delivered(tag, number);
        }
        put.is_some()
    }

    /// When the calls that now begin must have ended, together.
    fn end(&self) -> End {
        End(self.clock.monotonic().saturating_add(self.timeout))
    }

    /// Calls the backend, unless it has failed lately or the time is up.
    async fn call<T, F>(&self, end: End, call: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, CacheError>>,
    {
        let now = self.clock.monotonic();
        let left = end.0.saturating_sub(now);
        if left.is_zero() || !self.outage.admits(now) {
            return None;
        }
        let ended = within(&*self.clock, left, call()).await;
        self.outage.learn(self.clock.monotonic(), ended.is_ok());
        ended
            .inspect_err(|error| {
                self.errors.add(1);
                tracing::debug!(%error, "queries go on without the cache outside of the process");
            })
            .ok()
    }

    fn new_mark(&self) -> Bytes {
        self.random.next_u64().to_string().into()
    }
}

impl Undelivered {
    /// Notes an invalidation; too many become one of everything.
    fn note(&self, tag: &Tag) -> Tag {
        let mut noted = self.tags();
        let full = noted.tags.len() >= MOST_UNDELIVERED && !noted.tags.contains_key(tag);
        if full {
            noted.tags.clear();
        }
        let tag = if full { Tag::all() } else { tag.clone() };
        noted.last += 1;
        let number = noted.last;
        noted.tags.insert(tag.clone(), number);
        tag
    }

    fn concern(&self, tags: &[Tag]) -> bool {
        let noted = self.tags();
        !noted.tags.is_empty() && tags.iter().any(|tag| noted.tags.contains_key(tag))
    }

    fn number(&self, tag: &Tag) -> Option<u64> {
        self.tags().tags.get(tag).copied()
    }

    /// Forgets an invalidation, unless the tag was invalidated again.
    fn delivered(&self, tag: &Tag, number: u64) {
        let mut noted = self.tags();
        if noted.tags.get(tag) == Some(&number) {
            noted.tags.remove(tag);
        }
    }

    fn any(&self) -> Option<Tag> {
        self.tags().tags.keys().next().cloned()
    }

    fn tags(&self) -> MutexGuard<'_, Numbered> {
        self.tags.lock().expect("nothing panics under the lock")
    }
}

impl fmt::Debug for TieredCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredCache").field("local", &self.0.local).finish_non_exhaustive()
    }
}

/// The name of an answer outside, then those of its marks.
fn names_of(key: &CacheKey, tags: &[Tag]) -> Vec<Vec<u8>> {
    let marks = tags.iter().map(|tag| name_of(b'm', tag.as_bytes()));
    std::iter::once(name_of(b'k', key.as_bytes())).chain(marks).collect()
}

fn name_of(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind, b':'], bytes].concat()
}

fn mark_of(found: &Option<Bytes>) -> Option<u64> {
    std::str::from_utf8(found.as_deref()?).ok()?.parse().ok()
}
