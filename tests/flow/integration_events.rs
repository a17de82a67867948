//! Events that cross the border between two services.

use cqrs_core::bus::{BusError, CommandError};
use cqrs_core::event::{DecodeError, Decoded, IntegrationEvent};
use cqrs_core::message::{CodecError, CorrelationId, EventId, TraceContext};
use cqrs_core::prelude::*;
use cqrs_core::store::RecordedEvent;
use support::bank::*;

use crate::stores::{app, log};

/// What others may know of an account.
#[derive(Event, Debug, PartialEq)]
#[event(prefix = "customer")]
enum CustomerEvent {
    #[event(version = 2, upcast(1 => joined_from_1))]
    Joined {
        name: String,
        since: Timestamp,
    },
    Left,
}

/// Version 1 did not say when.
fn joined_from_1(mut event: Untyped, record: &RecordedEvent) -> Untyped {
    event.set("since", record.occurred_at());
    event
}

fn joined() -> CustomerEvent {
    CustomerEvent::Joined { name: "Ada".into(), since: Timestamp::EPOCH }
}

fn id(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

/// The event of an account that was opened, with all that may stand beside it.
async fn opened() -> RecordedEvent {
    opened_within("v=1").await
}

async fn opened_within(tracestate: &str) -> RecordedEvent {
    let app = app(MemoryStore::new());
    app.execute(Open { account: "a".into(), owner: "Ada".into() })
        .correlation(CorrelationId::from_uuid(id(9)))
        .tenant("north")
        .actor("ada@example.org")
        .header("secret", "1")
        .trace(TraceContext { traceparent: "00-1-2-01".into(), tracestate: tracestate.into() })
        .await
        .unwrap();
    log(&app).await.remove(0)
}

fn read(document: &str) -> IntegrationEvent {
    serde_json::from_str(document).unwrap()
}

fn document(kind: &str, version: u32, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{}","source":"s","type":"{kind}","schemaversion":{version},"subject":"a","time":"1970-01-01T00:00:00.000000Z","correlationid":"{}","data":{data}}}"#,
        id(1),
        id(2)
    )
}

/// The document is a contract with other programs: it is frozen.
#[tokio::test]
async fn a_document_says_what_a_receiver_needs_and_no_more() {
    let cause = opened().await;
    let sent = IntegrationEvent::new("bank", &cause, &joined()).unwrap();
    let document = serde_json::to_string(&sent).unwrap();

    assert_eq!(sent.id(), cause.id());
    assert_eq!(sent.time(), cause.occurred_at());
    let (id, time) = (cause.id().to_string(), cause.occurred_at().to_string());
    let shown = document.replace(&id, "[id]").replace(&time, "[time]");
    insta::assert_snapshot!(shown, @r#"{"specversion":"1.0","id":"[id]","source":"bank","type":"customer.joined","schemaversion":2,"subject":"a","time":"[time]","correlationid":"00000000-0000-0000-0000-000000000009","tenantid":"north","traceparent":"00-1-2-01","tracestate":"v=1","data":{"name":"Ada","since":"1970-01-01T00:00:00.000000Z"}}"#);
    let received = read(&document);
    assert_eq!(serde_json::to_string(&received).unwrap(), document);
    assert_eq!(received.decode::<CustomerEvent>().unwrap(), Decoded::One(joined()));
    assert_eq!(
        format!("{received:?}"),
        "IntegrationEvent(customer.joined v2 of a from bank, 52 bytes)"
    );
}

#[test]
fn what_a_receiver_does_without_is_left_out() {
    let document = document("customer.left", 1, "{}");
    let received = read(&document);

    assert_eq!(serde_json::to_string(&received).unwrap(), document);
    assert_eq!((received.source(), received.subject()), ("s", "a"));
    assert_eq!((received.event_type(), received.schema_version().get()), ("customer.left", 1));
    assert_eq!((received.id(), received.time()), (EventId::from_uuid(id(1)), Timestamp::EPOCH));
    assert_eq!(received.correlation_id(), CorrelationId::from_uuid(id(2)));
    assert_eq!(received.decode::<CustomerEvent>().unwrap().one(), Some(CustomerEvent::Left));
}

#[tokio::test]
async fn a_trace_without_a_state_has_none_outside_either() {
    let sent = IntegrationEvent::new("bank", &opened_within("").await, &joined()).unwrap();
    let document = serde_json::to_string(&sent).unwrap();

    assert!(document.contains("traceparent") && !document.contains("tracestate"), "{document}");
    let origin = read(&document).origin();
    let app = app(MemoryStore::new());
    app.execute(Open { account: "a".into(), owner: "Ada".into() }).from(origin).await.unwrap();
    let trace = log(&app).await[0].metadata().unwrap().trace;
    assert_eq!(trace.map(|trace| trace.tracestate).as_deref(), Some(""));
}

#[test]
fn an_old_version_is_read_as_the_current_one() {
    let received = read(&document("customer.joined", 1, r#"{"name":"Ada"}"#));

    assert_eq!(received.decode::<CustomerEvent>().unwrap().one(), Some(joined()));
}

#[test]
fn what_a_receiver_does_not_know_yet_is_told_from_what_is_damaged() {
    let error = |document: String| read(&document).decode::<CustomerEvent>().unwrap_err();

    assert!(error(document("customer.joined", 3, "{}")).is_unknown());
    assert!(error(document("customer.moved", 1, "{}")).is_unknown());
    let damaged = error(document("customer.joined", 2, "[]"));
    assert!(matches!(damaged, DecodeError::Content { .. }), "{damaged}");
    let nobody = document("customer.left", 1, "{}").replace(r#""subject":"a""#, r#""subject":"""#);
    assert!(matches!(error(nobody), DecodeError::Content { .. }));
    let other = document("customer.left", 1, "{}").replace(r#""1.0""#, r#""2.0""#);
    assert!(serde_json::from_str::<IntegrationEvent>(&other).is_err());
}

#[tokio::test]
async fn a_public_event_that_could_not_be_read_back_is_not_made() {
    #[derive(Event)]
    #[event(name = "rate")]
    struct RateChanged {
        rate: f64,
    }

    let made = IntegrationEvent::new("bank", &opened().await, &RateChanged { rate: f64::NAN });
    let error: CodecError = made.unwrap_err();
    assert_eq!(error.to_string(), "NaN cannot be stored");
}

#[tokio::test]
async fn a_command_from_it_takes_effect_once_and_belongs_to_its_trace() {
    let cause = opened().await;
    let received = IntegrationEvent::new("bank", &cause, &joined()).unwrap();
    let app = app(MemoryStore::new());
    let open = |owner: &str| Open { account: "a".into(), owner: owner.into() };

    let first = app.execute(open("Ada")).from(received.origin()).await.unwrap();
    let again = app.execute(open("Ada")).from(received.origin()).await.unwrap();
    assert!(!first.receipt.is_repeated() && again.receipt.is_repeated());
    let other = app.execute(open("Bob")).from(received.origin()).await.unwrap_err();
    assert!(matches!(other, CommandError::Bus(BusError::OperationReused { .. })), "{other}");

    let log = log(&app).await;
    let [event] = log.as_slice() else { panic!("{log:?}") };
    let metadata = event.metadata().unwrap();
    assert_eq!(metadata.correlation_id, cause.correlation_id());
    assert_eq!(metadata.source.as_deref(), Some("bank"));
    assert_eq!(metadata.tenant.as_str(), "north");
    assert_eq!(metadata.trace, cause.metadata().unwrap().trace);
    assert_eq!((metadata.actor, metadata.headers.len()), (None, 0));
}

#[tokio::test]
async fn events_of_one_source_are_as_many_as_their_ids() {
    let document = document("customer.left", 1, "{}");
    let one = read(&document);
    let other = read(&document.replace(&id(1).to_string(), &id(3).to_string()));
    let app = app(MemoryStore::new());
    let open = |id: &str| Open { account: id.into(), owner: "Ada".into() };

    app.execute(open("a")).from(one.origin()).await.unwrap();
    app.execute(open("b")).from(other.origin()).await.unwrap();

    assert_eq!(log(&app).await.len(), 2);
}

/// Two services may happen to use one id.
#[tokio::test]
async fn events_of_two_sources_are_two() {
    let document = document("customer.left", 1, "{}");
    let one = read(&document);
    let other = read(&document.replace(r#""source":"s""#, r#""source":"t""#));
    let app = app(MemoryStore::new());
    let open = |id: &str| Open { account: id.into(), owner: "Ada".into() };

    app.execute(open("a")).from(one.origin()).await.unwrap();
    app.execute(open("b")).from(other.origin()).await.unwrap();

    assert_eq!(log(&app).await.len(), 2);
}
