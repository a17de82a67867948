//! Reads page by page and holds every page to the rules of paging.

use cqrs_core::store::{Direction, Page, ReadRequest, RecordedEvent, Source};

use super::bench::Bench;

/// Every event of the request, read by following the pages.
pub(super) async fn all_pages(bench: &Bench, request: &ReadRequest) -> Vec<RecordedEvent> {
    let most_pages = bench.head().await.get() + 2;
    let (mut events, mut next) = (Vec::new(), Some(request.clone()));
    for _ in 0..most_pages {
        let Some(request) = next.take() else { break };
        let page = bench.read(request.clone()).await;
        check(&request, &page);
        next = request.following(&page);
        events.extend(page.into_events());
    }
    assert!(next.is_none(), "read: pages must come to an end, {request:?} did not");
    events
}

/// An event's place in the terms of the request: version or position.
pub(super) fn place(request: &ReadRequest, event: &RecordedEvent) -> u64 {
    match request.source() {
        Source::Stream(_) => event.version().get(),
        _ => event.position().get(),
    }
}

pub(super) fn places(
    request: &ReadRequest,
    events: impl IntoIterator<Item = RecordedEvent>,
) -> Vec<u64> {
    events.into_iter().map(|event| place(request, &event)).collect()
}

fn check(request: &ReadRequest, page: &Page) {
    let places = places(request, page.events());
    let limit = request.page_limit();
    assert!(
        places.len() <= limit,
        "read: a page of at most {limit} events has {} in {request:?}",
        places.len(),
    );
    let (low, high) = (request.lower(), request.upper());
    let outside = places.iter().find(|place| **place <= low || **place >= high);
    assert_eq!(outside, None, "read: an event lies outside the bounds of {request:?}");
    match request.direction() {
        Direction::Forward => check_forward(request, page, &places),
        Direction::Backward => check_backward(request, page, &places),
    }
}

fn check_forward(request: &ReadRequest, page: &Page, places: &[u64]) {
    let ordered = places.is_sorted_by(|one, next| one < next);
    assert!(ordered, "read: forward pages must rise, got {places:?} for {request:?}");
    let (reached, newest) = (page.reached(), places.last().copied().unwrap_or(0));
    assert!(reached >= newest, "read: reached {reached} lies before event {newest} of {request:?}");
    let advanced = page.is_last() || reached > request.lower();
    assert!(advanced, "read: a page that is not the last must advance, {request:?} did not");
}

fn check_backward(request: &ReadRequest, page: &Page, places: &[u64]) {
    let ordered = places.is_sorted_by(|one, next| one > next);
    assert!(ordered, "read: backward pages must fall, got {places:?} for {request:?}");
    let (reached, oldest) = (page.reached(), places.last().copied().unwrap_or(u64::MAX));
    assert!(
        page.is_last() || reached <= oldest,
        "read: reached {reached} lies after event {oldest} of {request:?}"
    );
    let advanced = page.is_last() || reached < request.upper();
    assert!(advanced, "read: a page that is not the last must advance, {request:?} did not");
}
