//! Every way in which a bus is broken here, and the case that must notice.

macro_rules! faults {
    ($($fault:ident: $case:literal,)*) => {
        /// One broken promise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            /// The wrapper alone, which must break nothing.
            None,
            $($fault,)*
        }

        /// The faults, each with a case that must fail for it.
        pub(crate) const FAULTS: &[(Fault, &str)] = &[$((Fault::$fault, $case),)*];
    };
}

faults! {
    // Delivery.
    HasOneSubscriber: "delivery::every_subscriber_gets_the_event",
    DeliversTwice: "delivery::every_subscriber_gets_the_event",
    IgnoresInterests: "delivery::a_subscriber_gets_exactly_the_types_it_named",
    BringsEveryTopic: "delivery::a_topic_brings_what_it_stands_for",
    PassesOverOwnEvents: "delivery::a_typed_handler_gets_the_published_value",
    PassesOverStoredEvents: "delivery::a_stored_event_is_decoded_for_a_typed_handler",
    GivesEventsAnotherId: "delivery::an_event_tells_its_key_id_and_time",
    IsAlwaysStrict: "delivery::an_event_that_nobody_wants_passes",
    IsNeverStrict: "delivery::a_strict_bus_refuses_what_nobody_wants",
    // Order.
    DetainsSome: "order::events_of_a_key_arrive_in_order",
    ReversesBatches: "order::a_batch_arrives_in_order",
    TakesTotalOrderForOrderByKey: "order::a_subscriber_in_total_order_gets_all_in_order",
    RunsAKeyAtOnce: "order::one_event_of_a_key_is_handled_at_a_time",
    // Failures.
    StopsAtTheFirstFailure: "failure::a_failing_handler_stops_no_other",
    DiesOfAPanic: "failure::a_panicking_handler_stops_no_other",
    ReturnsTheFirstFailureAlone: "failure::every_failure_is_returned_to_who_waits",
    SwallowsFailures: "failure::every_failure_is_returned_to_who_waits",
    CountsPlacesFromOne: "failure::a_batch_names_the_events_that_failed",
    EndsABatchAtAFailure: "failure::a_batch_names_the_events_that_failed",
    PassesOverOtherTypes: "failure::a_value_of_another_type_is_a_failure",
    CountsFailuresTwice: "failure::failures_are_counted_once_and_a_hundred_kept",
    // Subscriptions.
    KeepsWhoUnsubscribed: "subscription::who_unsubscribed_gets_nothing",
    UnsubscribesTheLastAsWell: "subscription::a_second_unsubscribe_does_nothing",
    UnsubscribesOnDrop: "subscription::a_dropped_subscription_goes_on",
    RepeatsThePastForNewcomers: "subscription::a_late_subscriber_misses_what_was_before",
    RefusesSubscribersOfHandlers: "subscription::a_handler_may_subscribe_another",
    UnsubscribesNobodyInAHandler: "subscription::a_handler_may_unsubscribe_itself",
    // Many at once.
    LosesEventsWhileSubscribersCome: "race::subscribers_come_and_go_while_events_are_published",
    LosesEventsOfPublishersAtOnce: "race::publishers_at_once_lose_nothing",
    // Life.
    TakesEventsAfterTheStop: "life::a_stopped_bus_refuses_every_call",
    StartsAgain: "life::a_stopped_bus_stays_stopped",
    CountsEveryStop: "life::a_second_stop_changes_nothing",
    RefusesASecondStart: "life::a_second_start_changes_nothing",
    StopsWithoutWaiting: "life::stop_lets_what_was_published_finish",
    NeverGivesUp: "life::stop_gives_up_what_hangs_after_the_grace",
    WaitsForNothing: "life::wait_returns_when_all_is_handled",
    DropsWhatItsPublisherDropped: "life::a_publisher_that_is_dropped_changes_nothing",
    // Nesting.
    LocksWhileHandling: "nesting::a_handler_may_publish",
    WaitsForItself: "nesting::a_handler_that_waits_for_its_bus_gets_an_answer",
    WaitsForItsOwnIdleness: "nesting::a_handler_that_waits_for_the_idle_bus_is_refused",
}
