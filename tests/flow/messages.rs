//! Envelopes: what is known about a message, and where it goes by itself.

use cqrs_core::bus::Origin;
use cqrs_core::message::{CorrelationId, MessageId, TraceContext};
use cqrs_core::prelude::*;
use cqrs_core::registry::Kind;
use cqrs_testkit::{ManualClock, SequentialIds};
use support::bank::*;

use crate::stores::{app, builder, log, open};

fn id(number: u64) -> uuid::Uuid {
    uuid::Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0000 | number)
}

#[tokio::test]
async fn every_part_of_the_envelope_reaches_the_store() {
    let clock = ManualClock::new();
    let builder =
        builder().store(MemoryStore::new()).clock(clock.clone()).ids(SequentialIds::new());
    let app = builder.build().unwrap();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let trace = TraceContext { traceparent, tracestate: "vendor=1".into() };

    app.execute(Open { account: "a".into(), owner: "Ada".into() })
        .correlation(CorrelationId::from_uuid(id(900)))
        .tenant("north")
        .actor("ada@example.org")
        .source("teller-7")
        .trace(trace.clone())
        .header("channel", "branch")
        .await
        .unwrap();

    let event = log(&app).await.remove(0);
    let metadata = event.metadata().unwrap();
    assert_eq!(event.stream().tenant().as_str(), "north");
    assert_eq!(event.stream().category().as_str(), "account");
    assert_eq!(event.stream().key(), "a");
    assert_eq!((event.version().get(), event.position().get()), (1, 1));
    assert_eq!(event.event_type().as_str(), "account.opened");
    assert_eq!(event.schema_version().get(), 1);
    assert_eq!(event.payload(), br#"{"owner":"Ada"}"#);
    assert_eq!(event.tags().iter().collect::<Vec<_>>(), ["owner:Ada"]);
    assert_eq!(metadata.timestamp.to_string(), "2026-01-01T00:00:00.000000Z");
    assert_eq!(metadata.correlation_id.as_uuid(), &id(900));
    assert_eq!(metadata.actor.unwrap().as_str(), "ada@example.org");
    assert_eq!(metadata.source.as_deref(), Some("teller-7"));
    assert_eq!(metadata.trace, Some(trace));
    assert_eq!(metadata.headers["channel"], "branch");
    assert_ne!(metadata.id.as_uuid(), &uuid::Uuid::nil());
    assert!(metadata.causation_id.is_some());
}

/// The wire form is frozen.
#[test]
fn metadata_has_a_frozen_wire_form() {
    let mut metadata = Metadata::new(MessageId::from_uuid(id(1)), Timestamp::EPOCH);
    metadata.correlation_id = CorrelationId::from_uuid(id(2));
    metadata.causation_id = Some(MessageId::from_uuid(id(3)).into());
    metadata.actor = Some("ada".into());
    metadata.tenant = "north".into();
    metadata.source = Some("teller".into());
    metadata.trace =
        Some(TraceContext { traceparent: "00-1-2-01".into(), tracestate: String::new() });
    metadata.headers.insert("b".into(), "2".into());
    metadata.headers.insert("a".into(), "1".into());
    let json = serde_json::to_string(&metadata).unwrap();
    insta::assert_snapshot!(json, @r#"{"id":"00000000-0000-7000-8000-000000000001","correlation_id":"00000000-0000-7000-8000-000000000002","causation_id":"00000000-0000-7000-8000-000000000003","timestamp":"1970-01-01T00:00:00.000000Z","tenant":"north","actor":"ada","source":"teller","trace":{"traceparent":"00-1-2-01"},"headers":{"a":"1","b":"2"}}"#);
    assert_eq!(serde_json::from_str::<Metadata>(&json).unwrap(), metadata);
}

#[tokio::test]
async fn commands_sent_on_share_the_correlation_and_name_their_direct_cause() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    let given = MessageId::from_uuid(id(77));
    let edge = Origin::new()
        .message_id(given)
        .correlation(CorrelationId::from_uuid(id(78)))
        .actor("ada")
        .header("channel", "web");

    app.execute(AuditTwice { account: "a".into() }).from(edge).await.unwrap();

    let events = log(&app).await;
    let [first, second] = [&events[1], &events[2]].map(|event| event.metadata().unwrap());
    for metadata in [&first, &second] {
        assert_eq!(metadata.correlation_id.as_uuid(), &id(78));
        assert_eq!(metadata.actor.as_ref().unwrap().as_str(), "ada");
        assert_eq!(metadata.headers["channel"], "web");
    }
    // An event's cause is the command that was sent on, not the one at the edge.
    assert_ne!(first.causation_id, second.causation_id);
    assert_ne!(first.causation_id, Some(given.into()));
}

#[tokio::test]
async fn a_message_without_a_correlation_starts_one() {
    let app = app(MemoryStore::new());
    open(&app, "a").await;
    open(&app, "b").await;
    let events = log(&app).await;
    assert_ne!(events[0].correlation_id(), events[1].correlation_id());
    let cause = events[0].causation_id().unwrap();
    assert_eq!(cause.as_uuid(), events[0].correlation_id().as_uuid());
}

/// Two runs give the same ids.
#[tokio::test]
async fn ids_and_time_can_be_replaced() {
    async fn run() -> Vec<String> {
        let builder = builder().store(MemoryStore::new()).ids(SequentialIds::new());
        let app = builder.clock(ManualClock::new()).build().unwrap();
        open(&app, "a").await;
        app.execute(Deposit { account: "a".into(), cents: 5 }).await.unwrap();
        log(&app).await.iter().map(|one| format!("{} {}", one.id(), one.occurred_at())).collect()
    }
    let (first, second) = (run().await, run().await);
    assert_eq!(first, second);
    assert_eq!(first.len(), 2);
}

#[test]
fn the_registry_lists_what_was_declared() {
    let registry = builder().verify().unwrap();
    let commands: Vec<_> = registry.names(Kind::Command).collect();
    assert_eq!(
        commands,
        [
            "Audit",
            "AuditTwice",
            "Bonus",
            "Corrupt",
            "Deposit",
            "DepositAll",
            "Explode",
            "Open",
            "Transfer",
            "Withdraw"
        ]
    );
    let events: Vec<_> = registry.names(Kind::Event).collect();
    assert_eq!(events[0], "account.audited");
    assert_eq!(events.len(), 6);
    let deposit = registry
        .entries()
        .iter()
        .find(|entry| entry.kind == Kind::CommandHandler && entry.name == "Deposit")
        .unwrap();
    assert_eq!(deposit.item, "Account::deposit");
    assert_eq!(deposit.aggregate, Some("account"));
    assert!(deposit.location.file.ends_with("support/bank.rs"));
    assert!(deposit.location.line > 100);
}

#[tokio::test]
async fn broken_fields_are_named_with_their_rule() {
    let app = app(MemoryStore::new());
    let error = app.execute(Open { account: "a".into(), owner: " ".into() }).await.unwrap_err();
    let CommandError::Bus(BusError::Validation(violations)) = &error else { panic!("{error}") };
    let found: Vec<_> = violations.iter().map(|one| (one.field.as_str(), one.code)).collect();
    assert_eq!(found, [("owner", "required")]);
    assert_eq!(error.code().as_str(), "validation");
    assert!(log(&app).await.is_empty());
}
