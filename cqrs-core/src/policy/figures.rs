//! Figures for an exporter, through the `metrics` facade.

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge, histogram};

use super::Collector;
use super::observe::outcome_word;
use crate::app::App;
use crate::bus::Target;
use crate::error::Code;
use crate::resilience::BreakerState;
use crate::store::{EventStore, Position, ReadError};

/// Hands what is measured to the `metrics` facade.
///
#[doc = include_str!("../../docs/metrics.md")]
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Figures;

impl Figures {
    /// For [`AppBuilder::collector`](crate::app::AppBuilder::collector).
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Sets the gauges to what is now the case.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the head of the log cannot be read; all but the
    /// lags are set.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves some gauges at their former values.
    pub async fn read(&self, app: &App) -> Result<(), ReadError> {
        breakers(app);
        let answers = app.cache_statistics();
        gauge!("cqrs_cache_hits").set(answers.hits as f64);
        gauge!("cqrs_cache_misses").set(answers.misses as f64);
        let subscriptions = app.subscriptions();
        for status in &subscriptions {
            gauge!("cqrs_dead_letters", "handler" => status.name.to_string())
                .set(status.parked as f64);
        }
        let head = app.store().info().await?.head;
        let projections = app.projections().into_iter();
        let readers = projections.map(|status| (Arc::from(status.name), status.position));
        let handlers = subscriptions.into_iter().map(|status| (status.name, status.position));
        for (reader, position) in readers.chain(handlers) {
            lag(&reader, head, position);
        }
        Ok(())
    }
}

impl Collector for Figures {
    fn call_ended(&self, target: &Target, took: Duration, error: Option<Code>) {
        let (kind, name) = (target.kind.as_str(), target.name);
        let outcome = outcome_word(error);
        counter!("cqrs_calls_total", "kind" => kind, "name" => name, "outcome" => outcome)
            .increment(1);
        histogram!("cqrs_call_duration_seconds", "kind" => kind, "name" => name).record(took);
    }

    fn event_handled(
        &self,
        handler: &'static str,
        event_type: &str,
        took: Duration,
        error: Option<Code>,
    ) {
        let (event_type, outcome) = (event_type.to_owned(), outcome_word(error));
        counter!("cqrs_events_handled_total", "handler" => handler, "event_type" => event_type.clone(), "outcome" => outcome)
            .increment(1);
        histogram!("cqrs_event_duration_seconds", "handler" => handler, "event_type" => event_type)
            .record(took);
    }
}

fn breakers(app: &App) {
    let now = app.services().clock.monotonic();
    for (name, breaker) in app.breakers().list() {
        let state = match breaker.state(now) {
            BreakerState::Closed | BreakerState::ForcedClosed => 0.0,
            BreakerState::HalfOpen => 0.5,
            BreakerState::Open | BreakerState::ForcedOpen => 1.0,
        };
        gauge!("cqrs_breaker_state", "dependency" => name.to_string()).set(state);
    }
}

fn lag(reader: &str, head: Position, position: Position) {
    let behind = head.get().saturating_sub(position.get());
    gauge!("cqrs_lag_events", "reader" => reader.to_owned()).set(behind as f64);
}
