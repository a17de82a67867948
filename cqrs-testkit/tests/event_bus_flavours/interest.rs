//! Which events a subscriber of a type gets.

use cqrs_core::event_bus::Interest;
use cqrs_core::prelude::*;

#[derive(Event)]
#[event(retired("lamp.blinked"))]
enum LampEvent {
    #[event(formerly("lamp.kindled"))]
    Lit { watts: u64 },
}

#[test]
fn a_type_is_met_under_every_name_that_it_is_or_was_stored_under() {
    let interest = Interest::of::<LampEvent>();
    for (name, expected) in
        [("lamp.lit", true), ("lamp.kindled", true), ("lamp.blinked", true), ("lamp.dimmed", false)]
    {
        assert_eq!(interest.wants(name), expected, "{name}");
    }
}
