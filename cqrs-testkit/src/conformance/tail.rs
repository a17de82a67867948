//! Readers that follow a log while writers grow it: in order, nothing
//! skipped, nothing twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cqrs_core::store::{
    CheckpointName, Cursor, EventQuery, EventStore, ExpectedVersion, Lineage, Position, QueryItem,
    ReadRequest, RecordedEvent,
};

use super::bench::{Bench, at, joined, spawn, stream, tag};

/// The poll behind the signal, which may miss the commits of others.
const POLL: Duration = Duration::from_millis(5);

/// Follows the log, a new request a page, until the writers are done and
/// nothing is left.
async fn follow(
    bench: Bench,
    query: EventQuery,
    limit: usize,
    done: Arc<AtomicBool>,
) -> Vec<RecordedEvent> {
    let mut cursor = Cursor { log: bench.log_id().await, position: Position::NONE };
    let (mut watch, mut seen) = (bench.store().watch(), Vec::new());
    loop {
        let nothing_follows = done.load(Ordering::Acquire);
        let request = ReadRequest::all().matching(query.clone()).resume(cursor).limit(limit);
        let page = bench.read(request).await;
        let reached = Position::new(page.reached());
        assert!(reached >= cursor.position, "tail: a page reached back behind its cursor");
        if page.is_last() && nothing_follows {
            seen.extend(page.into_events());
            return seen;
        }
        if reached == cursor.position {
            let _ = tokio::time::timeout(POLL, watch.above(cursor.position)).await;
        }
        cursor.position = reached;
        seen.extend(page.into_events());
        tokio::task::yield_now().await;
    }
}

/// Writes units of one to three events to two streams; every third unit is
/// refused.
async fn write(n: usize, bench: Bench) {
    for round in 0..20 {
        let shared = stream(&format!("s{}", (n + round) % 3));
        let event = bench.event(if round % 2 == 0 { "even" } else { "odd" });
        let tags = if round % 4 < 2 { vec![tag("half:1")] } else { Vec::new() };
        let event = event.with_tags(tags.into_iter().collect());
        let own = stream(&format!("own-{n}"));
        let work = bench.unit().append(shared.clone(), ExpectedVersion::Any, vec![event]).append(
            own.clone(),
            ExpectedVersion::Any,
            bench.events(round % 3),
        );
        bench.commit(work).await;
        if round % 3 == 0 {
            let stale = ExpectedVersion::Exact(at(5_000));
            let work = bench.unit().append(own, ExpectedVersion::Any, bench.events(2));
            let work = work.append(shared, stale, bench.events(1)).in_lineage(Lineage::new());
            let answer = bench.store().commit(work).await;
            assert!(answer.is_err(), "tail: no stream is at version 5000: {answer:?}");
        }
        tokio::task::yield_now().await;
    }
}

/// What readers saw while four writers wrote, and then the whole log.
async fn followed(bench: &Bench, readers: Vec<(EventQuery, usize)>) -> Vec<Vec<RecordedEvent>> {
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = readers
        .into_iter()
        .map(|(query, limit)| spawn(follow(bench.clone(), query, limit, Arc::clone(&done))))
        .collect();
    let writers = spawn({
        let bench = bench.clone();
        async move { bench.race(4, write).await }
    });
    let written = writers.await;
    done.store(true, Ordering::Release);
    let mut seen = Vec::new();
    for reader in readers {
        seen.push(joined(reader).await);
    }
    if let Err(failed) = written {
        std::panic::resume_unwind(failed.into_panic());
    }
    seen.push(bench.log().await);
    seen
}

fn positions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.position().get()).collect()
}

pub(super) async fn every_reader_sees_every_event_once_in_order(bench: Bench) {
    let readers = [1, 2, 7, 1_000].map(|limit| (EventQuery::all(), limit)).to_vec();
    let seen = followed(&bench, readers).await;
    let head = bench.head().await.get();
    let (log, readers) = seen.split_last().expect("the log itself was read");
    assert_eq!(positions(log), (1..=head).collect::<Vec<_>>(), "tail: the log itself has gaps");
    for reader in readers {
        assert_eq!(positions(reader), positions(log), "tail: a reader skipped or repeated events");
        assert_eq!(reader, log, "tail: an event changed after a reader had seen it");
    }
    for event in
        log.iter().zip(log.iter().skip(1)).filter(|(one, next)| one.stream() == next.stream())
    {
        let (one, next) = (event.0.version(), event.1.version());
        assert_eq!(one.next(), next, "tail: positions disagree with a stream's order");
    }
}

pub(super) async fn a_reader_with_a_filter_sees_every_match_once(bench: Bench) {
    let queries = [
        EventQuery::types(["odd"]),
        EventQuery::tag(tag("half:1")),
        EventQuery::all().or(QueryItem::types(["even"]).tag(tag("half:1"))),
        EventQuery::types(["absent"]),
    ];
    let readers = queries.iter().flat_map(|query| [1, 3].map(|limit| (query.clone(), limit)));
    let seen = followed(&bench, readers.collect()).await;
    let (log, readers) = seen.split_last().expect("the log itself was read");
    for (n, reader) in readers.iter().enumerate() {
        let query = &queries[n / 2];
        let matching =
            log.iter().filter(|event| query.matches(event.event_type().as_str(), event.tags()));
        let expected: Vec<u64> = matching.map(|event| event.position().get()).collect();
        let why = "tail: a reader skipped or repeated matching events of";
        assert_eq!(positions(reader), expected, "{why} {query:?}");
    }
}

pub(super) async fn a_reader_of_a_stream_sees_a_prefix_of_it(bench: Bench) {
    let done = Arc::new(AtomicBool::new(false));
    let reader = spawn({
        let (bench, done) = (bench.clone(), Arc::clone(&done));
        async move {
            let mut longest = 0;
            while !done.load(Ordering::Acquire) {
                let page = bench.read(ReadRequest::stream(stream("s0"))).await;
                let versions: Vec<u64> = page.events().map(|e| e.version().get()).collect();
                let prefix: Vec<u64> = (1..=versions.len() as u64).collect();
                assert_eq!(versions, prefix, "tail: a reader must see a prefix of the stream");
                assert!(versions.len() >= longest, "tail: a stream became shorter");
                longest = versions.len();
                tokio::task::yield_now().await;
            }
        }
    });
    bench.race(4, write).await;
    done.store(true, Ordering::Release);
    joined(reader).await;
}

/// Handles events one by one and stores its place with each, then stops and
/// is replaced, as a subscription does over restarts.
pub(super) async fn a_reader_that_restarts_from_its_checkpoint_misses_nothing(bench: Bench) {
    let done = Arc::new(AtomicBool::new(false));
    let reader = spawn(restarting(bench.clone(), Arc::clone(&done)));
    bench.race(4, write).await;
    done.store(true, Ordering::Release);
    let seen = joined(reader).await;
    let head = bench.head().await.get();
    assert_eq!(seen, (1..=head).collect::<Vec<_>>(), "tail: a restarted reader lost its place");
}

async fn restarting(bench: Bench, done: Arc<AtomicBool>) -> Vec<u64> {
    let name = CheckpointName::named("reader");
    let log = bench.log_id().await;
    let mut seen = Vec::new();
    loop {
        let nothing_follows = done.load(Ordering::Acquire);
        let claimed = bench.claim(&name).await;
        let from = claimed.cursor.unwrap_or(Cursor { log, position: Position::NONE });
        let page = bench.read(ReadRequest::all().resume(from).limit(9)).await;
        for event in page.events() {
            let to = Cursor { log, position: event.position() };
            let work = bench.unit();
            bench.commit(work.advance_checkpoint(name.clone(), claimed.epoch, Some(to))).await;
            seen.push(event.position().get());
        }
        if page.is_last() && nothing_follows {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}
