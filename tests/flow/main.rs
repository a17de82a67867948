//! Whole flows through an application.
#![allow(clippy::disallowed_methods, reason = "tests start callers of their own")]

mod aggregates;
mod cancellation;
mod codes;
mod configuration;
mod contexts;
mod contracts;
mod event_bus;
mod event_bus_end;
mod event_bus_rounds;
mod event_bus_waiting;
mod event_handlers;
mod evolution;
mod fairness;
mod figures;
mod guards;
mod integration_events;
mod leaders;
mod lifecycle;
mod messages;
mod observing;
mod operations;
mod partitions;
mod policies;
mod projections;
mod read_back;
mod reliability;
mod serialisation;
mod sharing;
mod snapshots;
mod stores;
mod streaming;
mod towers;
mod wiring;
