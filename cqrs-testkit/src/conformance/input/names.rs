//! Names of streams, types, formats, tags, tables and checkpoints.

use cqrs_core::TenantId;
use cqrs_core::message::{Encoding, EventId, SchemaVersion};
use cqrs_core::store::{
    CheckpointName, CommitError, Cursor, EventQuery, EventStore, EventTypeName, ExpectedVersion,
    InvalidInput, NewEvent, Position, ReadRequest, RecordedEvent, Source, StreamId, TableName, Tag,
};

use super::texts::{MOST, REFUSED, accepted, too_long};
use crate::conformance::bench::{Bench, NOW, stream};
use crate::conformance::walk;

/// Appends one event to each stream; it must be there by all three ways, and
/// alone in its stream.
async fn kept_apart(bench: &Bench, part: &str, named: Vec<(&'static str, StreamId)>) {
    for (class, one) in &named {
        let work = bench.unit().append(one.clone(), ExpectedVersion::NoStream, bench.events(1));
        let answer = bench.store().commit(work).await;
        let commit = answer.unwrap_or_else(|error| {
            panic!("input: a {part} with {class} must be accepted as a stream of its own: {error}")
        });
        bench.position(&commit).await;
    }
    let log = bench.log().await;
    for ((class, one), in_log) in named.iter().zip(&log) {
        let why = format!("input: a {part} with {class}");
        assert_eq!(in_log.stream(), one, "{why}: changed in the log");
        let events = bench.stream(one).await;
        assert_eq!(
            events,
            std::slice::from_ref(in_log),
            "{why}: the stream has other events than its own"
        );
        let source = Source::Category {
            tenant: Some(one.tenant().clone()),
            category: one.category().clone(),
        };
        let of_category = walk::all_pages(bench, &ReadRequest::new(source)).await;
        let found = of_category.iter().filter(|event| *event == in_log).count();
        assert_eq!(found, 1, "{why}: not found by tenant and category");
        let foreign = of_category.iter().find(|event| {
            let stream = event.stream();
            stream.tenant() != one.tenant() || stream.category() != one.category()
        });
        assert_eq!(foreign, None, "{why}: tenant and category lead to foreign events");
    }
}

pub(in crate::conformance) async fn keys_are_kept_byte_for_byte(bench: Bench) {
    let named = accepted().into_iter().map(|(class, text)| {
        let id = StreamId::new("account", text);
        (class, id.unwrap_or_else(|error| panic!("input: a key with {class}: {error}")))
    });
    kept_apart(&bench, "key", named.collect()).await;
}

pub(in crate::conformance) async fn categories_are_kept_byte_for_byte(bench: Bench) {
    let named = accepted().into_iter().map(|(class, text)| {
        let id = StreamId::new(text, "key");
        (class, id.unwrap_or_else(|error| panic!("input: a category with {class}: {error}")))
    });
    kept_apart(&bench, "category", named.collect()).await;
}

pub(in crate::conformance) async fn tenants_are_kept_byte_for_byte(bench: Bench) {
    let mut texts = accepted();
    texts.push(("nothing in it", String::new()));
    let named = texts.into_iter().map(|(class, text)| {
        let id = StreamId::of_tenant(TenantId::from(text), "account", "key");
        (class, id.unwrap_or_else(|error| panic!("input: a tenant with {class}: {error}")))
    });
    kept_apart(&bench, "tenant", named.collect()).await;
}

/// Names that cannot be formed never reach a store.
pub(in crate::conformance) async fn ill_formed_streams_cannot_be_named(_: Bench) {
    let refused = REFUSED.iter().map(|(class, text)| (*class, (*text).to_owned()));
    for (class, text) in refused.chain(too_long()) {
        let key = StreamId::new("account", text.clone());
        assert!(key.is_err(), "input: a key with {class} must be refused");
        let category = StreamId::new(text.clone(), "key");
        assert!(category.is_err(), "input: a category with {class} must be refused");
        let tenant = StreamId::of_tenant(TenantId::from(text.clone()), "account", "key");
        assert_eq!(tenant.is_err(), !text.is_empty(), "input: the verdict on a tenant of {class}");
    }
}

fn event(bench: &Bench, event_type: &str, encoding: &str, tags: Vec<Tag>) -> NewEvent {
    let id = EventId::from_uuid(*bench.operation_id().as_uuid());
    let event_type = EventTypeName::from(event_type.to_owned());
    let encoding = Encoding::from(encoding.to_owned());
    let event = NewEvent::new(id, event_type, SchemaVersion::FIRST, encoding, "{}", NOW);
    event.with_tags(tags.into_iter().collect())
}

/// Appends an event of each accepted text, made by `make`.
async fn appended(bench: &Bench, make: impl Fn(&str) -> NewEvent) -> Vec<RecordedEvent> {
    for (class, text) in accepted() {
        let work = bench.unit().append(stream("a"), ExpectedVersion::Any, vec![make(&text)]);
        let answer = bench.store().commit(work).await;
        let commit = answer.unwrap_or_else(|error| {
            panic!("input: a name with {class} must be accepted: {error}");
        });
        bench.position(&commit).await;
    }
    bench.log().await
}

/// The query for each text must find its own event and no other.
async fn found_alone(bench: &Bench, log: &[RecordedEvent], query: impl Fn(&str) -> EventQuery) {
    for ((class, text), event) in accepted().iter().zip(log) {
        for request in [ReadRequest::all(), ReadRequest::stream(stream("a"))] {
            let request = request.matching(query(text));
            let found = walk::all_pages(bench, &request).await;
            let places: Vec<u64> = found.iter().map(|one| one.position().get()).collect();
            let own = [event.position().get()];
            assert_eq!(places, own, "input: a name with {class} must find its own event alone");
        }
    }
}

pub(in crate::conformance) async fn types_are_kept_byte_for_byte(bench: Bench) {
    let log = appended(&bench, |text| event(&bench, text, "json", Vec::new())).await;
    for ((class, text), kept) in accepted().iter().zip(&log) {
        assert_eq!(kept.event_type().as_str(), text, "input: a type with {class} has changed");
    }
    found_alone(&bench, &log, |text| EventQuery::types([text.to_owned()])).await;
}

pub(in crate::conformance) async fn tags_are_kept_byte_for_byte(bench: Bench) {
    let tag = |text: &str| Tag::parse(text).expect("input: an accepted text may be a tag");
    let log = appended(&bench, |text| event(&bench, "t", "json", vec![tag(text)])).await;
    for ((class, text), kept) in accepted().iter().zip(&log) {
        assert_eq!(kept.tags().as_lines(), text, "input: a tag with {class} has changed");
    }
    found_alone(&bench, &log, |text| EventQuery::tag(tag(text))).await;
    for (class, text) in REFUSED {
        assert!(Tag::parse(text).is_err(), "input: a tag with {class} must be refused");
    }
}

pub(in crate::conformance) async fn encodings_are_kept_byte_for_byte(bench: Bench) {
    let log = appended(&bench, |text| event(&bench, "t", text, Vec::new())).await;
    for ((class, text), kept) in accepted().iter().zip(&log) {
        assert_eq!(kept.encoding().as_str(), text, "input: an encoding with {class} has changed");
    }
}

pub(in crate::conformance) async fn table_names_are_kept_apart(bench: Bench) {
    let named = |text: &str| TableName::from(text.to_owned());
    for (n, (_, text)) in accepted().iter().enumerate() {
        bench.commit(bench.unit().put(named(text), text.clone(), n.to_string())).await;
    }
    for (n, (class, text)) in accepted().iter().enumerate() {
        let row = bench.row(&named(text), text.as_bytes()).await;
        let expected = bytes::Bytes::from(n.to_string());
        assert_eq!(row, Some(expected), "input: the row in a table named with {class}");
    }
}

pub(in crate::conformance) async fn checkpoint_names_are_kept_apart(bench: Bench) {
    let log = bench.log_id().await;
    let place = |n: usize| Cursor { log, position: Position::new(n as u64 + 1) };
    let named = |text: &str| CheckpointName::from(text.to_owned());
    for (n, (class, text)) in accepted().iter().enumerate() {
        let claimed = bench.claim(&named(text)).await;
        assert_eq!(claimed.cursor, None, "input: a checkpoint named with {class} is not new");
        let work = bench.unit().advance_checkpoint(named(text), claimed.epoch, Some(place(n)));
        bench.commit(work).await;
    }
    for (n, (class, text)) in accepted().iter().enumerate() {
        let kept = bench.checkpoint(&named(text)).await;
        let kept = kept.map(|checkpoint| (checkpoint.name, checkpoint.cursor));
        let expected = Some((named(text), Some(place(n))));
        assert_eq!(kept, expected, "input: the checkpoint named with {class}");
    }
}

/// Why a name is refused: ill-formed, or too long.
fn verdict(what: &'static str, text: &str) -> InvalidInput {
    if text.len() > MOST {
        InvalidInput::TooLarge { what, limit: MOST, actual: text.len() }
    } else {
        InvalidInput::Name { what, name: text.to_owned() }
    }
}

pub(in crate::conformance) async fn ill_formed_names_are_refused(bench: Bench) {
    let epoch = bench.claim(&CheckpointName::named("c")).await.epoch;
    let append = |event| bench.unit().append(stream("a"), ExpectedVersion::Any, vec![event]);
    let refused = REFUSED.iter().map(|(class, text)| (*class, (*text).to_owned()));
    for (class, text) in refused.chain(too_long()) {
        let units = [
            ("an event's type", append(event(&bench, &text, "json", Vec::new()))),
            ("an encoding's name", append(event(&bench, "t", &text, Vec::new()))),
            ("a table's name", bench.unit().put(TableName::from(text.clone()), "k", "v")),
            (
                "a checkpoint's name",
                bench.unit().advance_checkpoint(text.clone().into(), epoch, None),
            ),
        ];
        for (what, work) in units {
            let why = format!("input: {what} with {class}");
            bench.refuse(work, CommitError::Invalid(verdict(what, &text)), &why).await;
        }
    }
    assert_eq!(bench.length(&stream("a")).await, 0, "input: a refused unit left events");
}
