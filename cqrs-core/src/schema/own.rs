//! The shapes of the framework's own values.

use super::{Scalar, Schema, Shape};
use crate::message::{
    ActorId, CausationId, CorrelationId, EventId, MessageId, OperationId, SchemaVersion, TenantId,
    Timestamp,
};
use crate::store::{Position, StreamVersion};

macro_rules! scalars {
    ($($scalar:ident: $($ty:ty),+;)*) => {$($(
        #[diagnostic::do_not_recommend]
        impl Schema for $ty {
            const SHAPE: &'static Shape = &Shape::Scalar(Scalar::$scalar);
        }
    )+)*};
}

scalars! {
    Timestamp: Timestamp;
    Uuid: MessageId, EventId, CorrelationId, CausationId, OperationId;
    Text: ActorId, TenantId;
    U64: Position, StreamVersion;
    U32: SchemaVersion;
}
