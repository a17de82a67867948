//! The law of metadata: what travels with a message arrives.

use cqrs_core::message::{
    CausationId, CorrelationId, Encoding, EventId, MessageId, Metadata, SchemaVersion,
};
use cqrs_core::store::{NewEvent, Position, RecordedEvent, StreamId, StreamVersion};
use cqrs_core::{TenantId, Timestamp};
use proptest::prelude::*;

use super::runner::{Verdict, hold};

/// Metadata is read back from its wire form and from a stored event as it
/// was.
///
/// # Panics
///
/// Panics with the smallest metadata that is not.
#[track_caller]
pub fn metadata_round_trips() {
    through("its wire form", |metadata| {
        let wire = serde_json::to_vec(metadata)?;
        Ok(serde_json::from_slice(&wire)?)
    });
    through("a stored event", |metadata| Ok(stored(metadata)?.metadata()?));
}

type Read = Result<Metadata, Box<dyn std::error::Error>>;

#[track_caller]
fn through(form: &str, read: impl Fn(&Metadata) -> Read) {
    let show = |metadata: &Metadata| format!("{metadata:?}");
    hold("metadata round trip", form, &any_metadata(), show, |metadata| {
        let read = read(metadata).map_err(Verdict::broken)?;
        if *metadata == read {
            return Ok(());
        }
        Err(Verdict::Broken(format!("it is read back as\n{read:?}")))
    });
}

fn stored(metadata: &Metadata) -> Result<RecordedEvent, Box<dyn std::error::Error>> {
    let id = EventId::from_uuid(*metadata.id.as_uuid());
    let (version, at) = (SchemaVersion::FIRST, metadata.timestamp);
    let event = NewEvent::new(id, "law.tried", version, Encoding::JSON, b"{}".to_vec(), at);
    let stream = StreamId::of_tenant(metadata.tenant.clone(), "law", "1")?;
    let event = event.with_metadata(metadata)?;
    let (position, version) = (Position::new(1), StreamVersion::new(1));
    Ok(RecordedEvent::new(event, position, stream, version, at))
}

fn any_metadata() -> impl Strategy<Value = Metadata> {
    let id = || any::<u128>().prop_map(uuid::Uuid::from_u128);
    let text = || "[ -~äöü]{1,12}";
    let micros = -62_135_596_800_000_000_i64..253_402_300_799_000_000;
    let headers = proptest::collection::vec((text(), "\\PC{0,8}"), 0..3);
    let who = (proptest::option::of(text()), proptest::option::of(text()), "[a-z]{0,4}", headers);
    (id(), id(), proptest::option::of(id()), micros, who).prop_map(
        |(id, correlation, causation, micros, (actor, source, tenant, headers))| {
            let at = Timestamp::from_micros(micros);
            let mut metadata = Metadata::new(MessageId::from_uuid(id), at);
            metadata.correlation_id = CorrelationId::from_uuid(correlation);
            metadata.causation_id = causation.map(CausationId::from_uuid);
            metadata.tenant = TenantId::from(tenant);
            metadata.actor = actor.map(Into::into);
            metadata.source = source.map(Into::into);
            for (name, value) in headers {
                metadata.headers.insert(name, value);
            }
            metadata
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_loses_a_header_is_found() {
        let law = || {
            through("a lossy form", |metadata| {
                let mut read = metadata.clone();
                read.headers.retain(|name, _| name.len() < 3);
                Ok(read)
            });
        };
        let panic = std::panic::catch_unwind(law).expect_err("the fault is found");
        let text = panic.downcast_ref::<String>().expect("a law speaks in text");
        assert!(text.starts_with("law broken: metadata round trip, by a lossy form"), "{text}");
    }
}
