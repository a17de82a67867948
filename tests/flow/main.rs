//! Whole flows through an application.
#![allow(clippy::disallowed_methods, reason = "tests start callers of their own")]

mod aggregates;
mod codes;
mod event_handlers;
mod evolution;
mod figures;
mod lifecycle;
mod messages;
mod observing;
mod operations;
mod policies;
mod projections;
mod read_back;
mod reliability;
mod serialisation;
mod snapshots;
mod stores;
mod towers;
mod wiring;
