//! Page after page of a read, fetched while the ones before are worked on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use super::{Direction, EventStore, Page, ReadError, ReadRequest, Source, Store};
use crate::runtime::BoxFuture;

type Outcome = Result<Page, ReadError>;

/// Pages that are asked for ahead where their bounds are known: the store
/// goes on while the caller is still being woken for the one before, and may
/// read several at once.
const AHEAD: usize = 2;
/// Positions that a page looks at, at most, where few events match.
const WIDEST: u64 = 1 << 18;

/// The pages of a request, which become larger: the first is there soon, and
/// the later ones cost few round trips.
///
/// A page that was asked for ahead counts only if the one before it has
/// reached its end. So nothing is skipped when the log grows meanwhile.
pub(crate) struct Pages {
    store: Store,
    /// The limits of the first and of the largest page, and of all so far.
    first: usize,
    largest: usize,
    sum: usize,
    course: Course,
    /// Where the whole read ends.
    upper: u64,
    /// What has not been asked for, `None` behind the end.
    rest: Option<ReadRequest>,
    asked: VecDeque<Asked>,
}

/// What is known of a page's bounds before it is read.
#[derive(Clone, Copy)]
enum Course {
    /// Nothing.
    Unknown,
    /// All of a stream from a version on: a full page has reached as many
    /// versions as it has events.
    Versions,
    /// How many events match is not known, so that a page that is asked for
    /// ahead is told how many positions to look at.
    Positions { width: u64 },
}

struct Asked {
    request: ReadRequest,
    /// Whether the request ends where only this page does.
    cut: bool,
    page: Reading,
}

enum Reading {
    UnderWay(BoxFuture<'static, Outcome>),
    Done(Outcome),
}

impl Pages {
    /// Reads a request, whose limit is that of the first page, in pages of
    /// at most `largest` events.
    pub(crate) fn new(store: &Store, request: ReadRequest, largest: usize) -> Self {
        let plain = request.query().items().is_empty()
            && request.correlation().is_none()
            && request.recorded_range().is_none();
        let course = match (request.direction(), request.source()) {
            (Direction::Forward, Source::Stream(_)) if plain => Course::Versions,
            (Direction::Backward, _) | (_, Source::Stream(_)) => Course::Unknown,
            _ => Course::Positions { width: request.page_limit() as u64 },
        };
        let (upper, asked) = (request.upper(), VecDeque::new());
        let first = request.page_limit().min(largest);
        let store = store.clone();
        Self { store, first, largest, sum: first, course, upper, rest: Some(request), asked }
    }

    /// The next page, `None` behind the last one and behind an error. When
    /// this is dropped, so is the rest.
    pub(crate) async fn next(&mut self) -> Option<Outcome> {
        let (request, cut, page) = match self.asked.pop_front() {
            Some(Asked { request, cut, page: Reading::Done(page) }) => (request, cut, page),
            Some(Asked { request, cut, page: Reading::UnderWay(page) }) => {
                (request, cut, page.await)
            }
            None => {
                let request = self.rest.take()?;
                let page = self.store.read(request.clone()).await;
                (request, false, page)
            }
        };
        let page = match page {
            Ok(page) if cut => page.followed(),
            Ok(page) => page,
            Err(error) => {
                self.asked.clear();
                return Some(Err(error));
            }
        };
        self.go_on(&request, cut, &page).await;
        Some(Ok(page))
    }

    /// Asks for what follows a page.
    async fn go_on(&mut self, request: &ReadRequest, cut: bool, page: &Page) {
        let foreseen = match self.course {
            Course::Unknown => false,
            Course::Versions => page.len() == request.page_limit(),
            Course::Positions { .. } => cut && page.reached().saturating_add(1) == request.upper(),
        };
        if cut {
            self.widen(foreseen, page.len() <= self.largest / 2);
        }
        let ends = page.is_last() && !cut;
        if self.asked.is_empty() || !foreseen || ends {
            // The page itself tells how it goes on.
            self.asked.clear();
            self.rest = None;
            let Some(next) = request.following(page) else { return };
            let next = if cut { next.before(self.upper) } else { next };
            self.rest = Some(self.sized(next));
            if cut && !foreseen {
                // It was full, or met the head of the log: only a page that
                // ends where the read does can tell which.
                let request = self.rest.take().expect("it was put there above");
                return self.ask(request, false).await;
            }
        }
        let ahead = if matches!(self.course, Course::Unknown) { 1 } else { AHEAD };
        while self.asked.len() < ahead
            && let Some(request) = self.rest.take()
        {
            let (request, cut) = self.cut(request);
            self.ask(request, cut).await;
        }
    }

    /// Takes from the rest what is foreseen for the next page.
    fn cut(&mut self, rest: ReadRequest) -> (ReadRequest, bool) {
        let width = match self.course {
            Course::Unknown => return (rest, false),
            Course::Versions => rest.page_limit() as u64,
            Course::Positions { width } => width,
        };
        let last = rest.lower().saturating_add(width);
        if last >= self.upper.saturating_sub(1) {
            return (rest, false);
        }
        self.rest = Some(self.sized(rest.clone().after(last)));
        match self.course {
            Course::Positions { .. } => (rest.before(last + 1), true),
            _ => (rest, false),
        }
    }

    /// Has pages look at more positions where few events match, and at fewer
    /// where they are full before their end.
    fn widen(&mut self, foreseen: bool, is_sparse: bool) {
        if let Course::Positions { width } = &mut self.course {
            *width = match (foreseen, is_sparse) {
                (true, true) => (*width * 2).min(WIDEST),
                (true, false) => *width,
                (false, _) => (*width / 2).max(1),
            };
        }
    }

    async fn ask(&mut self, request: ReadRequest, cut: bool) {
        let page = begin(&self.store, request.clone().ahead()).await;
        self.asked.push_back(Asked { request, cut, page });
    }

    /// The rest with a limit for its next page. In a stream that is half of
    /// what was asked for so far: what is worked on last, while nothing is
    /// read, is then a small part of all.
    fn sized(&mut self, rest: ReadRequest) -> ReadRequest {
        let limit = match self.course {
            Course::Versions => (self.sum / 2).clamp(self.first, self.largest),
            _ => self.largest,
        };
        self.sum = self.sum.saturating_add(limit);
        rest.limit(limit)
    }
}

/// Polls a read for the first time, which is when the store begins.
async fn begin(store: &Store, request: ReadRequest) -> Reading {
    let store = store.clone();
    let mut reading: BoxFuture<'static, Outcome> =
        Box::pin(async move { store.read(request).await });
    match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        Poll::Ready(page) => Reading::Done(page),
        Poll::Pending => Reading::UnderWay(reading),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Encoding, EventId, OperationId, SchemaVersion, Timestamp};
    use crate::store::memory::MemoryStore;
    use crate::store::{EventQuery, ExpectedVersion, NewEvent, Operation, StreamId, UnitOfWork};

    fn stream() -> StreamId {
        StreamId::new("account", "one").expect("it is a name")
    }

    /// Appends events one position each, every `step`th of them `wanted`.
    async fn append(store: &Store, places: std::ops::RangeInclusive<u64>, step: u64) {
        let event = |place: u64| {
            let name = if place.is_multiple_of(step) { "wanted" } else { "other" };
            let id = EventId::from_uuid(uuid::Uuid::from_u128(place.into()));
            NewEvent::new(id, name, SchemaVersion::FIRST, Encoding::JSON, "{}", Timestamp::EPOCH)
        };
        let id = OperationId::from_uuid(uuid::Uuid::from_u128((*places.start()).into()));
        let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
        let events = places.map(event).collect();
        let work = work.append(stream(), ExpectedVersion::Any, events);
        store.commit(work).await.expect("it commits");
    }

    /// What the pages hold, and whether the last of them alone said so.
    async fn read(mut pages: Pages) -> (Vec<u64>, bool) {
        let (mut places, mut lasts) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            let page = page.expect("memory can be read");
            lasts.push(page.is_last());
            assert!(lasts.len() < 2_000, "the read comes to no end");
            places.extend(page.events().map(|event| event.position().get()));
        }
        let ended = lasts.pop() == Some(true) && !lasts.contains(&true);
        (places, ended)
    }

    #[tokio::test]
    async fn pages_hold_every_event_once_however_many_match() {
        for (count, step) in [(0, 1), (1, 1), (9, 1), (10, 1), (100, 1), (100, 7), (500, 90)] {
            let store = Store::new(MemoryStore::new());
            if count > 0 {
                append(&store, 1..=count, step).await;
            }
            let wanted: Vec<_> = (1..=count).filter(|n| n.is_multiple_of(step)).collect();
            let query = || EventQuery::types(["wanted"]);
            let log = ReadRequest::all().matching(query());
            for (first, largest) in [(1, 1), (2, 8), (10, 10), (64, 16)] {
                let pages =
                    |request: ReadRequest| Pages::new(&store, request.limit(first), largest);
                let all = read(pages(log.clone())).await;
                assert_eq!(all, (wanted.clone(), true), "{count}/{step} by {first}..{largest}");
                let upto = wanted.iter().copied().filter(|n| *n < 60).collect();
                assert_eq!(read(pages(log.clone().before(60))).await, (upto, true));
                let back = wanted.iter().rev().copied().collect();
                assert_eq!(read(pages(log.clone().backward())).await, (back, true));
                let whole = (1..=count).collect();
                assert_eq!(read(pages(ReadRequest::stream(stream()))).await, (whole, true));
                let some = ReadRequest::stream(stream()).matching(query());
                assert_eq!(read(pages(some)).await, (wanted.clone(), true));
            }
        }
    }

    #[tokio::test]
    async fn a_log_that_grows_between_pages_loses_nothing() {
        for step in [1, 3, 40] {
            let store = Store::new(MemoryStore::new());
            append(&store, 1..=50, step).await;
            let request = ReadRequest::all().matching(EventQuery::types(["wanted"]));
            let mut pages = Pages::new(&store, request.limit(4), 8);
            let (mut places, mut head) = (Vec::new(), 50);
            while let Some(page) = pages.next().await {
                assert!(places.len() < 500, "the read comes to no end");
                let page = page.expect("memory can be read");
                places.extend(page.events().map(|event| event.position().get()));
                if head < 200 {
                    append(&store, head + 1..=head + 5, step).await;
                    head += 5;
                }
            }
            let wanted: Vec<_> = (1..=head).filter(|n| n.is_multiple_of(step)).collect();
            assert_eq!(places[..], wanted[..places.len()], "every {step}th");
            assert!(places.len() >= 50 / step as usize, "what was there at first is read");
        }
    }
}
