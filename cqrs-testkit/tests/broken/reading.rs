//! Faults in what is read.

use cqrs_core::Timestamp;
use cqrs_core::store::{Direction, EventQuery, Page, ReadRequest, RecordedEvent, Source};

use crate::fault::Fault;
use crate::parts::{Request, each_item, item, moved};
use crate::writing::name;

/// Changes a request as the fault would, before the sound store gets it.
pub(crate) fn request(fault: Fault, request: &ReadRequest) -> ReadRequest {
    let mut parts = Request::of(request);
    change_source(fault, &mut parts.source);
    parts.query = query(fault, &parts.query);
    match fault {
        Fault::RepeatsTheEventOfTheCursor => parts.after = parts.after.saturating_sub(1),
        Fault::ReadsBackwardForward => parts.direction = Direction::Forward,
        Fault::IgnoresTheLimit => parts.limit = usize::MAX,
        Fault::IncludesTheUpperBound => parts.before = parts.before.saturating_add(1),
        Fault::IgnoresTheUpperBound => parts.before = u64::MAX,
        Fault::AcceptsForeignCursors => parts.log = None,
        Fault::IgnoresCorrelations => parts.correlation = None,
        Fault::IncludesTheEndOfARange => {
            if let Some(range) = &mut parts.recorded {
                range.end = Timestamp::from_micros(range.end.as_micros().saturating_add(1));
            }
        }
        _ => {}
    }
    parts.into_request()
}

fn change_source(fault: Fault, source: &mut Source) {
    *source = match (fault, &*source) {
        (Fault::LeaksOtherTenants, Source::All { .. }) => Source::All { tenant: None },
        (Fault::LeaksOtherTenants, Source::Category { category, .. }) => {
            Source::Category { tenant: None, category: category.clone() }
        }
        (Fault::IgnoresCategories, Source::Category { tenant, .. }) => {
            Source::All { tenant: tenant.clone() }
        }
        (_, Source::Stream(stream)) => Source::Stream(name(fault, stream)),
        (_, other) => other.clone(),
    };
}

fn query(fault: Fault, query: &EventQuery) -> EventQuery {
    match fault {
        Fault::IgnoresTypes => each_item(query, |one| item(&[], one.tags())),
        Fault::IgnoresTags => each_item(query, |one| item(one.event_types(), &[])),
        Fault::MatchesTheFirstTypeAlone => each_item(query, |one| {
            item(&one.event_types()[..one.event_types().len().min(1)], one.tags())
        }),
        Fault::MatchesOneTagOfTwo => {
            each_item(query, |one| item(one.event_types(), &one.tags()[..one.tags().len().min(1)]))
        }
        Fault::MatchesTheFirstAlternative => {
            query.items().iter().take(1).cloned().fold(EventQuery::all(), EventQuery::or)
        }
        // Matching is then redone by `matches`, over everything.
        Fault::MatchesTheBeginningOfTypes | Fault::TakesTagsForPatterns => EventQuery::all(),
        _ => query.clone(),
    }
}

/// Whether the event matches for a fault that matches by itself.
fn matches(fault: Fault, query: &EventQuery, event: &RecordedEvent) -> bool {
    let by_type = |wanted: &str| match fault {
        Fault::MatchesTheBeginningOfTypes => event.event_type().as_str().starts_with(wanted),
        _ => event.event_type().as_str() == wanted,
    };
    let by_tag = |wanted: &str| {
        event.tags().iter().any(|tag| {
            let mut letters = tag.chars().zip(wanted.chars());
            let pattern = fault == Fault::TakesTagsForPatterns;
            tag.len() == wanted.len() && letters.all(|(a, b)| a == b || (pattern && b == '_'))
        })
    };
    query.items().is_empty()
        || query.items().iter().any(|one| {
            let types = one.event_types();
            (types.is_empty() || types.iter().any(|name| by_type(name.as_str())))
                && one.tags().iter().all(|tag| by_tag(tag.as_str()))
        })
}

/// How many alternatives of the query an event matches.
fn alternatives(query: &EventQuery, event: &RecordedEvent) -> usize {
    let matching = query.items().iter().filter(|one| {
        let alone = EventQuery::all().or((*one).clone());
        alone.matches(event.event_type().as_str(), event.tags())
    });
    matching.count().max(1)
}

/// Changes a page of the sound store as the fault would.
pub(crate) fn page(fault: Fault, request: &ReadRequest, page: Page) -> Page {
    let (mut reached, mut last) = (page.reached(), page.is_last());
    let full = page.events().len() >= request.page_limit();
    let mut events = page.into_events();
    match fault {
        Fault::MatchesTheBeginningOfTypes | Fault::TakesTagsForPatterns => {
            events.retain(|event| matches(fault, request.query(), event));
        }
        Fault::FindsAnEventForEachAlternative => {
            let times = |event: &RecordedEvent| alternatives(request.query(), event);
            let repeat = |event: RecordedEvent| std::iter::repeat_n(event.clone(), times(&event));
            events = events.into_iter().flat_map(repeat).collect();
        }
        Fault::LeavesGapsInPositions => {
            events = events.iter().map(|one| moved(one, one.position().get() * 2)).collect();
        }
        Fault::SkipsTheLastOfAPage if full && events.len() > 1 => drop(events.pop()),
        Fault::SwapsNeighbours if events.len() > 1 => events.swap(0, 1),
        Fault::CallsEveryPageTheLast => last = true,
        Fault::ReachesBeyondTheHead if last => reached = reached.saturating_add(1),
        Fault::NeverAdvances => (reached, last) = (request.lower(), false),
        _ => {}
    }
    Page::new(events, reached, last)
}

/// Whether the fault makes the request fail.
pub(crate) fn fails(fault: Fault, request: &ReadRequest, is_known: impl Fn() -> bool) -> bool {
    let limit = i64::MAX as u64;
    match fault {
        Fault::FailsOnHugeNumbers => {
            request.upper() > limit && request.upper() != u64::MAX || request.lower() > limit
        }
        Fault::FailsOnManyAlternatives => request.query().items().len() > 100,
        Fault::FailsOnUnknownStreams => {
            matches!(request.source(), Source::Stream(_)) && !is_known()
        }
        _ => false,
    }
}
