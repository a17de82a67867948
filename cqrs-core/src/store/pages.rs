//! Page after page of a read, fetched while the ones before are worked on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;

use super::{Direction, EventStore, Page, ReadError, ReadRequest, Source, Store};
use crate::runtime::BoxFuture;

type Outcome = Result<Page, ReadError>;

/// Pages that are asked for ahead where their bounds are known: the store
/// goes on while the caller is still being woken for the one before.
const AHEAD: usize = 2;

/// The pages of a request, which become larger: the first is there soon, and
/// the later ones cost few round trips.
pub(crate) struct Pages {
    store: Store,
    largest: usize,
    /// What has not been asked for, `None` behind the end.
    rest: Option<ReadRequest>,
    asked: VecDeque<Asked>,
    /// Whether `rest` is all of a stream's events from a version on, so that
    /// the bounds of each page but the last are known.
    plain: bool,
}

struct Asked {
    request: ReadRequest,
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
        let plain = matches!(request.source(), Source::Stream(_))
            && request.query().items().is_empty()
            && request.correlation().is_none()
            && request.recorded_range().is_none()
            && request.direction() == Direction::Forward;
        let asked = VecDeque::new();
        Self { store: store.clone(), largest, rest: Some(request), asked, plain }
    }

    /// The next page, `None` behind the last one and behind an error. When
    /// this is dropped, so is the rest.
    pub(crate) async fn next(&mut self) -> Option<Outcome> {
        let (request, page) = match self.asked.pop_front() {
            Some(Asked { request, page: Reading::Done(page) }) => (request, page),
            Some(Asked { request, page: Reading::UnderWay(page) }) => (request, page.await),
            None => {
                let request = self.rest.take()?;
                let page = self.store.read(request.clone()).await;
                (request, page)
            }
        };
        match &page {
            Ok(page) => self.go_on(&request, page).await,
            Err(_) => self.asked.clear(),
        }
        Some(page)
    }

    /// Asks for what follows a page.
    async fn go_on(&mut self, request: &ReadRequest, page: &Page) {
        let as_foreseen = page.len() == request.page_limit();
        if self.asked.is_empty() || !as_foreseen {
            // The page itself tells how it goes on.
            self.asked.clear();
            self.rest = None;
            let Some(next) = request.following(page) else { return };
            self.rest = Some(self.larger(next, request.page_limit()));
        }
        let ahead = if self.plain { AHEAD } else { 1 };
        while self.asked.len() < ahead
            && let Some(request) = self.rest.take()
        {
            if self.plain {
                let next = request.clone().after(request.lower() + request.page_limit() as u64);
                self.rest = Some(self.larger(next, request.page_limit()));
            }
            let page = begin(&self.store, request.clone()).await;
            self.asked.push_back(Asked { request, page });
        }
    }

    fn larger(&self, request: ReadRequest, than: usize) -> ReadRequest {
        request.limit(than.saturating_mul(2).min(self.largest))
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
