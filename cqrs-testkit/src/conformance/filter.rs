//! Which events a reader asks for: types, tags, correlation, recorded time.

use cqrs_core::TenantId;
use cqrs_core::store::{EventQuery, QueryItem, ReadRequest, Source};

use super::bench::{Bench, tag, tenants_stream};
use super::corpus::{Corpus, correlation, moment};

/// Asks all sources for what a query matches.
async fn finds(bench: &Bench, query: EventQuery, what: &str) {
    let corpus = Corpus::write(bench).await;
    let sources = [
        ReadRequest::all(),
        ReadRequest::category("account"),
        ReadRequest::stream(tenants_stream("north", "account", "1")),
    ];
    for request in sources {
        let what = format!("filter: {what} from {:?}", request.source());
        corpus.check(bench, request.matching(query.clone()), &what).await;
    }
}

pub(super) async fn one_type(bench: Bench) {
    finds(&bench, EventQuery::types(["deposited"]), "one type").await;
}

pub(super) async fn a_type_that_begins_another(bench: Bench) {
    finds(&bench, EventQuery::types(["opened"]), "a type that begins another").await;
}

pub(super) async fn several_types(bench: Bench) {
    let types = ["opened", "Deposited", "absent"];
    finds(&bench, EventQuery::types(types), "several types").await;
}

pub(super) async fn a_type_that_no_event_has(bench: Bench) {
    finds(&bench, EventQuery::types(["absent", "%", "opened\0"]), "types that no event has").await;
}

pub(super) async fn one_tag(bench: Bench) {
    finds(&bench, EventQuery::tag(tag("a:1")), "one tag").await;
}

pub(super) async fn a_tag_with_a_wildcard(bench: Bench) {
    finds(&bench, EventQuery::tag(tag("a:_")), "a tag with a wildcard").await;
}

pub(super) async fn two_tags_at_once(bench: Bench) {
    let item = QueryItem::default().tag(tag("b:1")).tag(tag("a:1"));
    finds(&bench, EventQuery::all().or(item), "two tags at once").await;
}

pub(super) async fn a_tag_and_a_type(bench: Bench) {
    let item = QueryItem::types(["opened", "deposited"]).tag(tag("a:1"));
    finds(&bench, EventQuery::all().or(item), "a tag and a type").await;
}

pub(super) async fn alternatives_find_each_event_once(bench: Bench) {
    let query = EventQuery::types(["opened"])
        .or(QueryItem::default().tag(tag("a:1")))
        .or(QueryItem::types(["opened"]).tag(tag("b:1")));
    finds(&bench, query, "overlapping alternatives").await;
}

pub(super) async fn an_alternative_without_content_finds_every_event(bench: Bench) {
    let query = EventQuery::types(["absent"]).or(QueryItem::default());
    finds(&bench, query, "an alternative without types and tags").await;
}

pub(super) async fn hundreds_of_alternatives(bench: Bench) {
    let item = |n: usize| QueryItem::types([format!("type-{n}")]).tag(tag(&format!("t:{n}")));
    let query = (0..200).fold(EventQuery::types(["deposited"]), |query, n| query.or(item(n)));
    finds(&bench, query, "hundreds of alternatives").await;
}

pub(super) async fn one_tenant(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    for tenant in ["", "north", "North", "nor", "absent"].map(|name| Some(TenantId::new(name))) {
        let what = format!("filter: tenant {tenant:?}");
        let category = Source::Category { tenant: tenant.clone(), category: "account".into() };
        corpus.check(&bench, ReadRequest::new(Source::All { tenant }), &what).await;
        corpus.check(&bench, ReadRequest::new(category), &what).await;
    }
}

pub(super) async fn one_correlation(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    for n in 0..4 {
        let request = ReadRequest::all().correlated(correlation(n));
        corpus.check(&bench, request.clone(), "filter: one correlation").await;
        let both = request.matching(EventQuery::tag(tag("a:1")));
        corpus.check(&bench, both, "filter: one correlation and a tag").await;
    }
    let category = ReadRequest::category("order").correlated(correlation(1));
    corpus.check(&bench, category, "filter: one correlation in a category").await;
    let absent = cqrs_core::message::CorrelationId::from_uuid(super::uuid_of(1));
    let absent = ReadRequest::all().correlated(absent);
    corpus.check(&bench, absent, "filter: a correlation that no event has").await;
}

pub(super) async fn a_recorded_range_has_its_start_and_not_its_end(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    let tick = std::time::Duration::from_micros(1);
    let ranges = [
        moment(2)..moment(4),
        moment(0)..moment(1),
        moment(2).plus(tick)..moment(4).plus(tick),
        moment(7)..cqrs_core::Timestamp::MAX,
        cqrs_core::Timestamp::MIN..moment(0),
        moment(3)..moment(3),
        moment(5)..moment(2),
    ];
    for range in ranges {
        let what = format!("filter: recorded in [{}, {})", range.start, range.end);
        for request in [ReadRequest::all(), ReadRequest::category("account")] {
            corpus.check(&bench, request.recorded(range.clone()), &what).await;
        }
        let stream = ReadRequest::stream(tenants_stream("", "account", "1"));
        corpus.check(&bench, stream.recorded(range), &what).await;
    }
}

pub(super) async fn all_filters_at_once(bench: Bench) {
    let corpus = Corpus::write(&bench).await;
    let tenant = Some(TenantId::new("north"));
    let sources = [
        ReadRequest::all(),
        ReadRequest::new(Source::All { tenant: tenant.clone() }),
        ReadRequest::new(Source::Category { tenant, category: "account".into() }),
    ];
    let queries = [
        EventQuery::types(["opened", "deposited"]),
        EventQuery::tag(tag("a:1")).or(QueryItem::types(["Deposited"])),
    ];
    for source in sources {
        for query in &queries {
            let request = source.clone().matching(query.clone()).correlated(correlation(1));
            let request = request.recorded(moment(1)..moment(6)).after(3).before(40);
            corpus.check(&bench, request, "filter: all filters at once").await;
        }
    }
}
