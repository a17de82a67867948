//! The wire form of metadata.

use cqrs_core::message::{CausationId, CorrelationId, MessageId, Metadata};
use cqrs_core::{TenantId, Timestamp};

use crate::{is_written, kept};

fn full() -> Metadata {
    let id = |number: u64| uuid::Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0000 | number);
    let at = Timestamp::from_micros(1_767_225_600_123_456);
    let mut metadata = Metadata::new(MessageId::from_uuid(id(1)), at);
    metadata.correlation_id = CorrelationId::from_uuid(id(2));
    metadata.causation_id = Some(CausationId::from_uuid(id(3)));
    metadata.tenant = TenantId::from("acme".to_owned());
    metadata.actor = Some("ada".into());
    metadata.source = Some("till 7".into());
    metadata.headers.insert("a".to_owned(), "1".to_owned());
    metadata.headers.insert("b".to_owned(), "zwölf".to_owned());
    metadata
}

fn least() -> Metadata {
    Metadata::new(MessageId::from_uuid(uuid::Uuid::from_u128(1)), Timestamp::EPOCH)
}

#[test]
fn metadata_is_written_and_read_as_it_always_was() {
    for (name, metadata) in [("metadata-full.json", full()), ("metadata-least.json", least())] {
        let path = kept(name);
        let text = serde_json::to_string_pretty(&metadata).unwrap() + "\n";
        if is_written(&path) {
            std::fs::write(&path, &text).unwrap();
        }
        let frozen = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, frozen, "{name}");
        assert_eq!(serde_json::from_str::<Metadata>(&frozen).unwrap(), metadata, "{name}");
    }
}
