//! The suite that every event bus must pass.
//!
//! One line makes a test of every case:
//!
//! ```
//! use std::sync::Arc;
//! use cqrs_core::event_bus::SyncBus;
//! use cqrs_testkit::event_bus::Wanted;
//!
//! cqrs_testkit::event_bus_conformance!(|wanted: Wanted| {
//!     let builder = SyncBus::builder().services(wanted.services());
//!     Arc::new(if wanted.is_strict() { builder.strict().build() } else { builder.build() })
//! });
//! # fn main() {}
//! ```
//!
//! The suite asks for what both flavours promise. What only one of them does,
//! such as returning before the handlers have ended, is not part of it.

mod bench;
mod delivery;
mod failure;
mod life;
mod nesting;
mod order;
mod race;
mod runner;
mod subscription;

use std::sync::Arc;

use cqrs_core::event_bus::EventBus;
use cqrs_core::runtime::Services;

use crate::conformance::Threads;
#[doc(hidden)]
pub use runner::check;
pub use runner::{Case, failures};

/// Makes the buses that a case runs against; a closure is one.
pub trait Fixture: Send + Sync + 'static {
    /// A bus as it is wanted, without subscribers, not started.
    fn fresh(&self, wanted: Wanted) -> Arc<dyn EventBus>;

    /// How long a whole case may take before it counts as hung; a minute, if
    /// nothing is said.
    fn patience(&self) -> std::time::Duration {
        std::time::Duration::from_secs(60)
    }
}

/// What a case needs of its bus.
#[derive(Clone, Debug)]
pub struct Wanted {
    services: Services,
    strict: bool,
}

impl Wanted {
    /// Clock, identifiers and spawner that the bus must use.
    #[must_use]
    pub fn services(&self) -> Services {
        self.services.clone()
    }

    /// Whether an event without subscribers must be an error.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.strict
    }
}

impl<F, B> Fixture for F
where
    F: Fn(Wanted) -> Arc<B> + Send + Sync + 'static,
    B: EventBus,
{
    fn fresh(&self, wanted: Wanted) -> Arc<dyn EventBus> {
        self(wanted)
    }
}

/// From one list: the table of cases, and the macro that makes tests of them.
macro_rules! suite {
    ($d:tt $($contract:ident on $threads:ident thread { $($name:ident,)* })*) => {
        /// Every case, grouped by the part of the contract.
        pub const CASES: &[Case] = &[$($(Case {
            contract: stringify!($contract),
            name: stringify!($name),
            threads: Threads::$threads,
            body: |bench| Box::pin($contract::$name(bench)),
        },)*)*];

        /// Makes a test of every case of the [suite for event
        /// buses](crate::event_bus), for the buses of a
        /// [`Fixture`](crate::event_bus::Fixture).
        ///
        /// Use it once in a module.
        #[macro_export]
        macro_rules! event_bus_conformance {
            ($d fixture:expr $d(,)?) => {
                fn event_bus_conformance_fixture() -> impl $d crate::event_bus::Fixture {
                    $d fixture
                }
                $(mod $contract {$(
                    #[test]
                    fn $name() {
                        let fixture = super::event_bus_conformance_fixture();
                        $d crate::event_bus::check(stringify!($contract), stringify!($name), fixture);
                    }
                )*})*
            };
        }
    };
}

suite! { $
    delivery on One thread {
        every_subscriber_gets_the_event,
        a_subscriber_gets_exactly_the_types_it_named,
        a_topic_brings_what_it_stands_for,
        a_typed_handler_gets_the_published_value,
        a_stored_event_is_decoded_for_a_typed_handler,
        an_event_tells_its_key_id_and_time,
        an_event_that_nobody_wants_passes,
        a_strict_bus_refuses_what_nobody_wants,
    }
    order on Many thread {
        events_of_a_key_arrive_in_order,
        a_batch_arrives_in_order,
        a_subscriber_in_total_order_gets_all_in_order,
        one_event_of_a_key_is_handled_at_a_time,
    }
    failure on One thread {
        a_failing_handler_stops_no_other,
        a_panicking_handler_stops_no_other,
        every_failure_is_returned_to_who_waits,
        a_batch_names_the_events_that_failed,
        a_value_of_another_type_is_a_failure,
        failures_are_counted_once_and_a_hundred_kept,
    }
    subscription on One thread {
        who_unsubscribed_gets_nothing,
        a_second_unsubscribe_does_nothing,
        a_dropped_subscription_goes_on,
        a_late_subscriber_misses_what_was_before,
        a_handler_may_subscribe_another,
        a_handler_may_unsubscribe_itself,
    }
    race on Many thread {
        subscribers_come_and_go_while_events_are_published,
        publishers_at_once_lose_nothing,
    }
    life on One thread {
        a_stopped_bus_refuses_every_call,
        a_stopped_bus_stays_stopped,
        a_second_stop_changes_nothing,
        a_second_start_changes_nothing,
        stop_lets_what_was_published_finish,
        stop_gives_up_what_hangs_after_the_grace,
        wait_returns_when_all_is_handled,
        a_publisher_that_is_dropped_changes_nothing,
    }
    nesting on One thread {
        a_handler_may_publish,
        a_handler_that_waits_for_its_bus_gets_an_answer,
        a_handler_that_waits_for_the_idle_bus_is_refused,
    }
}
