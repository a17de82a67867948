//! The cache of one process.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Kept, Unfit};
use super::flight::{Boarded, Flights, Seat, Turn};
use super::options::Weigh;
use super::shelf::Shelf;
use super::statistics::Counters;
use super::tag::Cells;
use super::{CacheKey, CacheOptions, CacheStatistics, Invalidations, KeyRef, Stamp, Tag, Terms};
use crate::runtime::Clock;
use crate::store::RecordedEvent;

/// Answers of queries, kept in this process. Clones share it.
///
/// ```
/// use std::convert::Infallible;
/// use cqrs_core::cache::{Audience, CacheOptions, KeyParts, KeyRef, QueryCache, Terms};
/// use cqrs_core::{TenantId, prelude::*, runtime::SystemClock};
///
/// #[derive(Query)]
/// #[query(output = u64)]
/// struct Square { of: u64 }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (cache, clock) = (QueryCache::new(CacheOptions::new()), SystemClock::new());
/// let (tenant, query) = (TenantId::default(), Square { of: 12 });
/// let parts = KeyParts::of::<Square>(&tenant, Audience::Everybody);
/// let key = parts.with(&query, |key: KeyRef<'_>| key.to_key())?;
/// let run = async { Ok::<u64, Infallible>(query.of * query.of) };
/// assert_eq!(cache.get_or_run(&key, Terms::new(), &clock, run).await?, 144);
/// assert_eq!(cache.statistics().misses, 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct QueryCache(Arc<Inner>);

struct Inner {
    shelf: Shelf,
    flights: Flights,
    cells: Cells,
    counters: Counters,
    ttl: Duration,
    weigh: Option<Weigh>,
}

/// An answer on its way into the cache.
pub(super) struct Fresh<T> {
    pub(super) value: T,
    /// It comes from a cache outside, where it ends by then.
    pub(super) ends: Option<Duration>,
    /// What it reflects, if that is not what the caller has asked for.
    pub(super) stamp: Option<Stamp>,
}

impl QueryCache {
    /// An empty cache.
    #[must_use]
    pub fn new(options: CacheOptions) -> Self {
        let CacheOptions { capacity, ttl, eviction } = options;
        Self(Arc::new(Inner {
            shelf: Shelf::new(eviction, capacity.most),
            flights: Flights::new(),
            cells: Cells::default(),
            counters: Counters::default(),
            ttl: ttl.0,
            weigh: capacity.weigh,
        }))
    }

    /// The kept answer, if it is good. Counted when it is; a miss is counted
    /// by the run that follows it. `now` is the clock's monotonic time.
    #[must_use]
    #[inline]
    pub fn get<T>(&self, key: &KeyRef<'_>, stamp: Stamp, now: Duration) -> Option<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        let answer = self.find(key, stamp, now).ok()?.answer()?;
        self.0.counters.hits.add(1);
        Some(answer)
    }

    /// The kept answer, or that of the query. Many callers of one key run the
    /// query once; when that run fails, panics or is dropped, one of those who
    /// wait runs it. Nobody waits longer than it lets this future live, but a
    /// caller who stops polling its run without dropping it keeps the others
    /// waiting.
    ///
    /// # Errors
    ///
    /// That of the query, which is not kept.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops this caller's run, if it has one; nothing is
    /// kept of it.
    pub async fn get_or_run<T, E>(
        &self,
        key: &CacheKey,
        terms: Terms<'_>,
        clock: &dyn Clock,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        T: Clone + Send + Sync + 'static,
    {
        let run = async { Ok(Fresh { value: run.await?, ends: None, stamp: None }) };
        self.fly(key, terms, clock, run).await
    }

    /// Voids answers, kept or under way: whoever asks from now on gets an
    /// answer whose query began after this call. One step, whatever the number
    /// of answers.
    pub fn invalidate(&self, tag: &Tag) {
        self.0.cells.invalidate(tag);
    }

    /// Voids what an event is declared to void.
    pub fn invalidate_by(&self, table: &Invalidations, event: &RecordedEvent) {
        table.tags(event, |tag| self.invalidate(&tag));
    }

    /// Voids everything and gives the memory back.
    pub fn clear(&self) {
        self.invalidate(&Tag::all());
        self.0.shelf.retain(|entry| entry.marks.hold());
    }

    /// Gives back the memory of answers that have expired or were invalidated:
    /// a walk over everything.
    pub fn sweep(&self, now: Duration) {
        self.0.shelf.retain(|entry| entry.look(Stamp::ANY, now).is_ok());
    }

    /// What it has done so far.
    #[must_use]
    pub fn statistics(&self) -> CacheStatistics {
        self.0.counters.read()
    }

    /// How many answers are kept, among them those that nobody has found to be
    /// bad.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.shelf.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sum of the weights of what is kept.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.0.shelf.weight()
    }

    pub(super) fn ttl(&self) -> Duration {
        self.0.ttl
    }

    /// Finds a good answer and takes a bad one away. That one is handed out:
    /// its drop is its author's code, which runs under no lock.
    #[inline]
    fn find(&self, key: &KeyRef<'_>, asked: Stamp, now: Duration) -> Result<Kept, Option<Kept>> {
        let entry = self.0.shelf.find(key).ok_or(None)?;
        match entry.look(asked, now) {
            Ok(()) => Ok(entry),
            Err(unfit) => {
                self.take_away(key, &entry, unfit);
                Err(Some(entry))
            }
        }
    }

    #[cold]
    fn take_away(&self, key: &KeyRef<'_>, entry: &Kept, unfit: Unfit) {
        match unfit {
            Unfit::Expired => self.0.counters.expirations.add(1),
            Unfit::Invalidated => self.0.counters.invalidations.add(1),
            Unfit::Outdated => return,
        }
        self.0.shelf.remove(key, entry);
    }

    pub(super) async fn fly<T, E>(
        &self,
        key: &CacheKey,
        terms: Terms<'_>,
        clock: &dyn Clock,
        run: impl Future<Output = Result<Fresh<T>, E>>,
    ) -> Result<T, E>
    where
        T: Clone + Send + Sync + 'static,
    {
        let (asked, counters) = (terms.asked(), &self.0.counters);
        let tags = Tag::of_answer(key, terms.parts);
        loop {
            let mut bad = None;
            let find = || {
                let found = self.find(&key.as_ref(), asked, clock.monotonic());
                found.map_err(|one| bad = one).ok()
            };
            let seat = match self.0.flights.board(key, asked, find, || self.0.cells.marks(&tags)) {
                Boarded::Kept(entry) => match entry.answer() {
                    Some(answer) => {
                        counters.hits.add(1);
                        return Ok(answer);
                    }
                    // Two types under one name: the answer cannot be shared.
                    None => return run.await.map(|fresh| fresh.value),
                },
                Boarded::Seat(seat) => seat,
            };
            match seat.turn().await {
                Turn::Lead(_permit) => {
                    counters.misses.add(1);
                    return self.lead(&seat, (key, &tags, terms), clock, run).await;
                }
                // Its run may have been another one's, who asked for less.
                Turn::Landed(entry) if !entry.stamp.serves(asked) => {}
                Turn::Landed(entry) => match entry.answer() {
                    Some(answer) => {
                        counters.shared_runs.add(1);
                        return Ok(answer);
                    }
                    None => return run.await.map(|fresh| fresh.value),
                },
            }
        }
    }

    async fn lead<T, E>(
        &self,
        seat: &Seat<'_>,
        (key, tags, terms): (&CacheKey, &[Tag], Terms<'_>),
        clock: &dyn Clock,
        run: impl Future<Output = Result<Fresh<T>, E>>,
    ) -> Result<T, E>
    where
        T: Clone + Send + Sync + 'static,
    {
        // Before the run looks at anything: what is invalidated from here on
        // voids its answer.
        let marks = self.0.cells.marks(tags);
        seat.depart(marks.clone(), terms.asked());
        let begun = clock.monotonic();
        let Fresh { value, ends, stamp } = run.await?;
        let expires = begun.saturating_add(terms.ttl.unwrap_or(self.0.ttl));
        let entry = Arc::new(Entry {
            expires: ends.map_or(expires, |ends| ends.min(expires)),
            stamp: stamp.unwrap_or_else(|| terms.asked()),
            marks,
            weight: self.weigh(key, &value),
            value: value.clone(),
        });
        self.land(seat, key, entry, clock.monotonic());
        Ok(value)
    }

    fn land(&self, seat: &Seat<'_>, key: &CacheKey, entry: Kept, now: Duration) {
        let mut evicted = None;
        seat.land(Arc::clone(&entry), || match entry.look(Stamp::ANY, now) {
            Ok(()) => evicted = Some(self.0.shelf.keep(key.clone(), Arc::clone(&entry))),
            Err(Unfit::Invalidated) => self.0.counters.invalidations.add(1),
            Err(Unfit::Expired | Unfit::Outdated) => {}
        });
        if let Some(evicted) = evicted {
            self.0.counters.evictions.add(evicted.len());
        }
    }

    fn weigh(&self, key: &CacheKey, value: &dyn Any) -> u64 {
        let bytes = key.as_bytes().len() as u64;
        self.0.weigh.as_ref().map_or(1, |weigh| weigh(value).saturating_add(bytes).max(1))
    }
}

impl fmt::Debug for QueryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryCache")
            .field("len", &self.len())
            .field("under_way", &self.0.flights.len())
            .field("cells", &self.0.cells.len())
            .finish()
    }
}
