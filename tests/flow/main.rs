//! Whole flows through an application.

mod aggregates;
mod messages;
mod operations;
mod projections;
mod snapshots;
mod stores;
mod wiring;
