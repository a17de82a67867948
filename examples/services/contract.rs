//! What ordering tells other services. It is public and versioned; what
//! ordering and shipping store in their own logs is neither.

use cqrs_core::prelude::*;

#[derive(Event)]
pub(crate) enum PurchaseEvent {
    #[event(version = 2, upcast(1 => placed_from_1))]
    Placed {
        address: String,
        express: bool,
    },
    Paid,
    Cancelled,
}

/// Version 1 said `to` and knew of one speed.
fn placed_from_1(mut event: Untyped) -> Untyped {
    event.rename("to", "address");
    event.set("express", false);
    event
}
