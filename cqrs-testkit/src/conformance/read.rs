//! Sources, bounds, directions and pages.

use cqrs_core::TenantId;
use cqrs_core::store::{
    Cursor, EventStore, ExpectedVersion, LogId, Position, ReadError, ReadRequest, Source,
};

use super::bench::{Bench, stream, stream_of};
use super::corpus::Corpus;
use super::{uuid_of, walk};

/// One request for every kind of source.
fn sources(corpus: &Corpus) -> Vec<ReadRequest> {
    let north = Some(TenantId::new("north"));
    let of_tenant = Source::Category { tenant: north.clone(), category: "account".into() };
    let mut requests = vec![
        ReadRequest::all(),
        ReadRequest::new(Source::All { tenant: north }),
        ReadRequest::category("order"),
        ReadRequest::new(of_tenant),
    ];
    requests.extend(corpus.streams().into_iter().map(ReadRequest::stream));
    requests
}

pub(super) async fn every_source_is_read_whole_by_pages_of_every_size(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    for request in sources(&corpus) {
        let what = format!("read: {:?}", request.source());
        corpus.check(&bench, request, &what).await;
    }
}

pub(super) async fn bounds_are_exclusive_at_both_ends(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    let head = corpus.len() as u64;
    for request in sources(&corpus) {
        for (after, before) in [(1, u64::MAX), (0, 2), (2, 5), (3, head), (head, head + 9)] {
            let what = format!("read: after {after}, before {before} of {:?}", request.source());
            corpus.check(&bench, request.clone().after(after).before(before), &what).await;
        }
    }
}

pub(super) async fn bounds_that_enclose_nothing_give_an_empty_last_page(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    let ends = [0, 1, 5, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX];
    for request in sources(&corpus) {
        for after in ends {
            for before in ends.into_iter().filter(|before| *before <= after.saturating_add(1)) {
                let request = request.clone().after(after).before(before);
                for request in [request.clone(), request.backward()] {
                    let page = bench.read(request.clone()).await;
                    assert!(page.is_last(), "read: an empty range ends at once: {request:?}");
                    assert_eq!(page.into_events(), [], "read: {request:?} encloses nothing");
                }
            }
        }
    }
}

pub(super) async fn the_largest_numbers_are_no_errors(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    for request in sources(&corpus) {
        for before in [i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX - 1, u64::MAX] {
            let request = request.clone().before(before).limit(usize::MAX);
            for request in [request.clone(), request.backward()] {
                let (page, expected) =
                    (bench.read(request.clone()).await, corpus.expected(&request));
                assert_eq!(page.into_events(), expected, "read: huge bound or limit: {request:?}");
            }
        }
    }
}

pub(super) async fn an_empty_log_gives_an_empty_last_page(bench: Bench) {
    let empty =
        [ReadRequest::all(), ReadRequest::category("account"), ReadRequest::stream(stream("none"))];
    for request in empty {
        for request in [request.clone(), request.backward()] {
            let page = bench.read(request.clone()).await;
            assert!(page.is_last(), "read: the page of an empty log is the last: {request:?}");
            assert_eq!(page.into_events(), [], "read: an empty log has no events: {request:?}");
        }
    }
    assert_eq!(bench.version(&stream("none")).await.get(), 0, "read: the head of no stream");
    assert_eq!(bench.head().await, Position::NONE, "read: the head of an empty log");
}

pub(super) async fn a_page_that_is_full_is_last_only_if_nothing_follows(bench: Bench) {
    let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(6));
    bench.commit(work).await;
    for request in [ReadRequest::stream(stream("a")), ReadRequest::all()] {
        for request in [request.clone(), request.backward()] {
            let page = bench.read(request.clone().limit(5)).await;
            assert!(!page.is_last(), "read: one of six is missing: {request:?}");
            let rest = request.following(&page).expect("a page that is not the last is followed");
            let rest = bench.read(rest).await;
            assert_eq!(rest.len(), 1, "read: the sixth event follows: {request:?}");
            let events = walk::all_pages(&bench, &request.clone().limit(6)).await;
            assert_eq!(events.len(), 6, "read: a page of exactly all events: {request:?}");
        }
    }
}

pub(super) async fn a_last_page_claims_nothing_that_is_still_to_come(bench: Bench) {
    let requests =
        [ReadRequest::all(), ReadRequest::category("account"), ReadRequest::stream(stream("a"))];
    let mut reached = [0; 3];
    for round in 0..4 {
        for (request, reached) in requests.iter().zip(&mut reached) {
            let request = request.clone().after(*reached);
            let page = bench.read(request.clone()).await;
            let expected = usize::from(round > 0);
            let found = page.len();
            assert_eq!(found, expected, "read: reading on after {reached}: {request:?}");
            *reached = page.reached();
        }
        let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1));
        bench.commit(work).await;
    }
}

pub(super) async fn streams_of_like_names_are_separate(bench: Bench) {
    let streams = [
        stream_of("a", "b/c"),
        stream_of("a/b", "c"),
        stream_of("ab", "/c"),
        super::bench::tenants_stream("a", "b", "c"),
    ];
    for one in &streams {
        bench
            .commit(bench.unit().append(one.clone(), ExpectedVersion::NoStream, bench.events(1)))
            .await;
    }
    for one in &streams {
        let events = bench.stream(one).await;
        assert_eq!(events.len(), 1, "read: {one} shares events with a stream of like name");
        assert_eq!(events[0].stream(), one, "read: an event names another stream than its own");
    }
}

pub(super) async fn a_cursor_of_another_log_is_refused(bench: Bench) {
    bench.commit(bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(2))).await;
    let (log, foreign) = (bench.log_id().await, LogId::from_uuid(uuid_of(98)));
    for request in [ReadRequest::all(), ReadRequest::category("account")] {
        for position in [0, 1, 9].map(Position::new) {
            let request = request.clone().resume(Cursor { log: foreign, position });
            let answer = bench.store().read(request).await;
            let error = answer.err().map(|error| format!("{error:?}"));
            let refused = ReadError::OtherLog { cursor: foreign, log };
            let refused = Some(format!("{refused:?}"));
            assert_eq!(error, refused, "read: a cursor of another log must be refused");
        }
    }
}

pub(super) async fn a_cursor_resumes_after_its_position(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    let log = bench.log_id().await;
    for position in (0..=corpus.len() as u64).map(Position::new) {
        let request = ReadRequest::all().resume(Cursor { log, position }).limit(4);
        let events = walk::all_pages(&bench, &request).await;
        let expected = corpus.expected(&request);
        assert_eq!(events, expected, "read: a cursor at {position} must resume right after it");
    }
}
