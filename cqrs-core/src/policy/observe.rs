//! What is told about a call: a span around it, a line at its end, figures.
//! The clock is read only if somebody wants to know.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tracing::Instrument;

use super::meter::{Meter, Meters};
use crate::bus::{Call, Context, MessageKind, Outcome, Target};
use crate::config;
use crate::error::{Category, Code, ErrorCode, report};

/// Takes in what is measured, to export it. The application's own figures are
/// kept beside it; see [`App::metrics`](crate::app::App::metrics).
pub trait Collector: Send + Sync + 'static {
    /// A call has ended after a while, with the code of its error.
    fn call_ended(&self, target: &Target, took: Duration, error: Option<Code>);

    /// An event handler or projection has handled an event of a type.
    fn event_handled(
        &self,
        handler: &'static str,
        event_type: &str,
        took: Duration,
        error: Option<Code>,
    ) {
        let _ = (handler, event_type, took, error);
    }
}

/// What is logged of calls; changed at run time by the configuration.
#[derive(Debug)]
pub(crate) struct Logging {
    enabled: AtomicBool,
    arguments: AtomicBool,
    timing: AtomicBool,
    /// Of 2^32 successful calls so many are logged.
    sampling: AtomicU64,
}

/// What watches the calls of one handler.
#[derive(Clone)]
pub(crate) struct Observer {
    pub(crate) meter: Option<Arc<Meter>>,
    pub(crate) collector: Option<Arc<dyn Collector>>,
    pub(crate) logging: Arc<Logging>,
}

/// What all handlers of an application share to observe their calls.
#[derive(Clone)]
pub(crate) struct Observers {
    pub(crate) meters: Meters,
    pub(crate) collector: Option<Arc<dyn Collector>>,
    pub(crate) logging: Arc<Logging>,
}

impl Observers {
    /// Who watches one handler.
    pub(crate) fn of(&self, target: Target, metrics: bool) -> Observer {
        Observer {
            meter: metrics.then(|| self.meters.of(target, None)),
            collector: self.collector.clone(),
            logging: Arc::clone(&self.logging),
        }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            enabled: AtomicBool::new(true),
            arguments: AtomicBool::new(false),
            timing: AtomicBool::new(true),
            sampling: AtomicU64::new(1 << 32),
        }
    }
}

impl Logging {
    /// Takes over what the configuration says.
    pub(crate) fn apply(&self, config: &config::Logging) {
        let config::Logging { enabled, arguments, timing, sampling, .. } = *config;
        self.enabled.store(enabled, Ordering::Relaxed);
        self.arguments.store(arguments, Ordering::Relaxed);
        self.timing.store(timing, Ordering::Relaxed);
        let part = (sampling.clamp(0.0, 1.0) * (1_u64 << 32) as f64) as u64;
        self.sampling.store(part, Ordering::Relaxed);
    }

    #[inline]
    fn is_on(&self) -> bool {
        tracing::level_filters::LevelFilter::current() >= tracing::Level::ERROR && self.is_heard()
    }

    /// Of all subscribers of the process somebody listens; on this thread too?
    fn is_heard(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
            && tracing::level_filters::STATIC_MAX_LEVEL >= tracing::Level::ERROR
            && tracing::enabled!(target: "cqrs::call", tracing::Level::ERROR)
    }

    fn takes(&self, ctx: &Context) -> bool {
        let sampling = self.sampling.load(Ordering::Relaxed);
        sampling >= 1 << 32 || (ctx.services().random.next_u64() >> 32) < sampling
    }
}

impl Observer {
    /// When the call began, if anybody wants to know.
    #[inline]
    pub(crate) fn begin(&self, ctx: &Context) -> Option<Duration> {
        let is_told = self.logging.timing.load(Ordering::Relaxed) && self.logging.is_on();
        if is_told { Some(ctx.services().clock.monotonic()) } else { self.begin_unlogged(ctx) }
    }

    /// The same for a call of which nothing is logged.
    #[inline]
    pub(crate) fn begin_unlogged(&self, ctx: &Context) -> Option<Duration> {
        let wanted = self.meter.is_some() || self.collector.is_some();
        wanted.then(|| ctx.services().clock.monotonic())
    }

    /// Notes the end of a call.
    #[inline]
    pub(crate) fn end(
        &self,
        target: &Target,
        ctx: &Context,
        since: Option<Duration>,
        error: Option<Code>,
    ) -> Option<Duration> {
        let took = since.map(|since| ctx.services().clock.monotonic().saturating_sub(since));
        if let (Some(meter), Some(took)) = (&self.meter, took) {
            meter.record(took, error);
        }
        if let (Some(collector), Some(took)) = (&self.collector, took) {
            collector.call_ended(target, took, error);
        }
        took
    }

    /// Whether a call can be run without a span and without a line at its end.
    #[inline]
    pub(crate) fn is_silent(&self) -> bool {
        !self.logging.is_on()
    }

    /// Runs a call within its span, and tells how it ended.
    pub(crate) async fn watch(
        &self,
        call: &Call<'_>,
        since: Option<Duration>,
        run: Pin<&mut (dyn Future<Output = Outcome> + Send)>,
    ) -> Outcome {
        let span = span(call);
        let outcome = run.instrument(span.clone()).await;
        let code = code_of(&outcome);
        let took = self.end(call.target(), call.ctx(), since, code);
        if let Some(actor) = call.ctx().actor() {
            span.record("actor", tracing::field::display(actor));
        }
        span.record("outcome", outcome_word(code));
        if let Some(actor) = call.ctx().actor() {
            span.record("actor", tracing::field::display(actor));
        }
        if let Some(code) = code {
            span.record("error.code", code.as_str());
            span.record("otel.status_code", "ERROR");
        }
        let _within = span.enter();
        self.tell(call, &outcome, took);
        outcome
    }

    fn tell(&self, call: &Call<'_>, outcome: &Outcome, took: Option<Duration>) {
        let (name, kind) = (call.name(), call.target().kind.as_str());
        let timing = self.logging.timing.load(Ordering::Relaxed);
        let micros =
            took.filter(|_| timing).map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let arguments = self.logging.arguments.load(Ordering::Relaxed);
        let arguments =
            arguments.then(|| call.message_json().unwrap_or_else(|error| error.to_string()));
        macro_rules! tell {
            ($level:ident, $text:literal $(, $field:ident = $value:expr)*) => {
                tracing::$level!(target: "cqrs::call", message_name = name, kind, duration_us = micros, arguments, $($field = $value,)* $text)
            };
        }
        match outcome {
            Ok(_) if self.logging.takes(call.ctx()) => tell!(info, "done"),
            Ok(_) => {}
            Err(failure) => {
                let code = failure.code();
                let (code, category) = (code.as_str(), code.category());
                let error = report(failure);
                match category {
                    Category::Domain => tell!(info, "rejected", code = code, error = error),
                    Category::Bug => tell!(error, "failed", code = code, error = error),
                    _ => tell!(warn, "failed", code = code, error = error),
                }
            }
        }
    }
}

/// The span of a call. Fields that nobody has said are left out.
fn span(call: &Call<'_>) -> tracing::Span {
    use tracing::field::Empty;
    // Not the metadata: that is fixed once it is known who calls.
    let identity = call.ctx().identity();
    let (name, target) = (call.name(), call.target());
    macro_rules! span {
        ($span:literal) => {
            tracing::info_span!(
                target: "cqrs::call",
                $span,
                otel.name = name,
                otel.status_code = Empty,
                message.name = name,
                handler = target.handler,
                message.id = %identity.id,
                correlation_id = %identity.correlation_id,
                causation_id = identity.causation_id.map(display),
                tenant = Some(call.ctx().tenant_ref())
                    .filter(|tenant| !tenant.as_str().is_empty())
                    .map(display),
                actor = Empty,
                trace.parent = identity.trace.map(|trace| trace.traceparent.as_str()),
                outcome = Empty,
                error.code = Empty,
            )
        };
    }
    match target.kind {
        MessageKind::Command => span!("command"),
        MessageKind::Query => span!("query"),
        MessageKind::Event => span!("event"),
    }
}

pub(crate) fn code_of(outcome: &Outcome) -> Option<Code> {
    outcome.as_ref().err().map(ErrorCode::code)
}

pub(crate) fn outcome_word(code: Option<Code>) -> &'static str {
    match code.map(Code::category) {
        None => "done",
        Some(Category::Domain) => "rejected",
        Some(Category::Unknown) => "unknown",
        Some(_) => "failed",
    }
}
