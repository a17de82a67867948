#![doc = include_str!("../docs/crate.md")]
#![deny(missing_docs)]

#[allow(unused_extern_crates, reason = "code from the derives names the crate by its path")]
extern crate self as cqrs_core;

pub mod error;
pub mod message;
pub mod store;

pub use error::{Code, ErrorCode};
pub use message::{
    ActorId, CausationId, CorrelationId, EventId, InvalidTimestamp, MessageId, Metadata,
    OperationId, TenantId, Timestamp,
};
