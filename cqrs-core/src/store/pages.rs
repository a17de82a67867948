//! Page after page of a read, each fetched while the one before is worked on.

use std::future::poll_fn;
use std::task::Poll;

use super::{EventStore, Page, ReadError, ReadRequest, Store};
use crate::runtime::BoxFuture;

type Outcome = Result<Page, ReadError>;

/// The pages of a request, which become larger: the first is there soon, and
/// the later ones cost few round trips.
pub(crate) struct Pages {
    store: Store,
    largest: usize,
    next: Option<Next>,
}

struct Next {
    request: ReadRequest,
    reading: Reading,
}

enum Reading {
    UnderWay(BoxFuture<'static, Outcome>),
    Done(Outcome),
}

impl Pages {
    /// Reads a request, whose limit is that of the first page, in pages of
    /// at most `largest` events.
    pub(crate) fn new(store: &Store, request: ReadRequest, largest: usize) -> Self {
        let store = store.clone();
        let reading = Reading::UnderWay(read(&store, request.clone()));
        Self { store, largest, next: Some(Next { request, reading }) }
    }

    /// The next page, `None` behind the last one and behind an error. When
    /// this is dropped, so is the rest.
    pub(crate) async fn next(&mut self) -> Option<Outcome> {
        let Next { request, reading } = self.next.take()?;
        let page = match reading {
            Reading::UnderWay(reading) => reading.await,
            Reading::Done(page) => page,
        };
        if let Ok(page) = &page
            && let Some(request) = request.following(page)
        {
            let limit = request.page_limit().saturating_mul(2).min(self.largest);
            self.next = Some(begin(&self.store, request.limit(limit)).await);
        }
        Some(page)
    }
}

/// Polls a read for the first time, which is when the store begins.
async fn begin(store: &Store, request: ReadRequest) -> Next {
    let mut reading = read(store, request.clone());
    let reading = match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        Poll::Ready(page) => Reading::Done(page),
        Poll::Pending => Reading::UnderWay(reading),
    };
    Next { request, reading }
}

fn read(store: &Store, request: ReadRequest) -> BoxFuture<'static, Outcome> {
    let store = store.clone();
    Box::pin(async move { store.read(request).await })
}
