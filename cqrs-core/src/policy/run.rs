//! The stages in front of a handler, in their one order.

use std::hash::{Hash, Hasher};
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use super::audit::Verdict;
use super::resolve::{Entry, Limits, Policy};
use super::{AuditRecord, Principal, RateKey};
use crate::bus::{
    Attempt, Bounds, BusError, Call, Context, Failure, Outcome, Started, run, within,
};
use crate::error::ErrorCode;
use crate::resilience::{Bulkhead, BulkheadPermit, Permit};
use crate::runtime::BoxFuture;

impl Policy {
    /// Establishes who calls, and that they may act for this tenant.
    pub(super) async fn identify(&self, call: &Call<'_>) -> Result<(), BusError> {
        let ctx = call.ctx();
        if let Some(authenticator) = &self.authenticator
            && ctx.principal().is_none()
        {
            let found = authenticator.authenticate(ctx).await;
            let found = found
                .map_err(|error| BusError::Unauthenticated { reason: error.to_string().into() })?;
            passed(call, "authenticate");
            if let Some(principal) = found {
                ctx.set_principal(principal);
            }
        }
        let tenant = ctx.principal().and_then(Principal::only_tenant);
        if tenant.is_some_and(|tenant| tenant != ctx.tenant_ref()) {
            return Err(BusError::Forbidden { missing: "the tenant of the call".into() });
        }
        passed(call, "tenant");
        Ok(())
    }

    /// Everything between the middleware and the handler.
    pub(crate) async fn run(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        let (ctx, limits) = (call.ctx(), self.limits.get());
        self.count(call, limits.as_deref())?;
        self.admit(call).await?;
        call.validate().map_err(BusError::Validation)?;
        for guard in &self.guards {
            guard.check(call).await?;
        }
        passed(call, "validate");
        if let Some(conflicts) = self.conflicts() {
            ctx.set_conflicts(conflicts);
        }
        self.admission(call).await?;
        if let Some((answers, ttl)) = self.kept() {
            passed(call, "cache");
            let bounds = InBounds { policy: self, call, limits: limits.as_deref() };
            return match attempt.cached(call, answers, ttl, &bounds) {
                Started::Ended(outcome) => outcome,
                Started::Waits(rest) => rest.await,
            };
        }
        self.bounded(call, limits.as_deref(), attempt).await
    }

    fn count(&self, call: &Call<'_>, limits: Option<&Limits>) -> Result<(), BusError> {
        let Some((limiter, key)) = limits.and_then(|limits| limits.rate.as_ref()) else {
            return Ok(());
        };
        let ctx = call.ctx();
        let mut hasher = limiter.hasher();
        if *key != RateKey::Handler {
            ctx.tenant_ref().hash(&mut hasher);
        }
        if *key == RateKey::Caller {
            ctx.actor().hash(&mut hasher);
        }
        let now = ctx.moment();
        limiter.check(hasher.finish(), now).map_err(|limited| BusError::RateLimited {
            message: call.name(),
            retry_after: limited.retry_after,
        })?;
        passed(call, "rate_limit");
        Ok(())
    }

    async fn admit(&self, call: &Call<'_>) -> Result<(), BusError> {
        if matches!(self.access, Entry::Open) {
            return Ok(());
        }
        let Some(principal) = call.ctx().principal() else {
            return Err(BusError::Unauthenticated {
                reason: "nobody is known in this context".into(),
            });
        };
        let denied = |missing: String| BusError::Forbidden { missing: missing.into() };
        match &self.access {
            Entry::Open | Entry::Authenticated => {}
            Entry::Roles(roles) if roles.iter().any(|role| principal.has_role(role)) => {}
            Entry::Roles(roles) if roles.is_empty() => {
                return Err(denied("a rule that lets anybody in".to_owned()));
            }
            Entry::Roles(roles) => {
                let roles: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
                return Err(denied(format!("role {}", roles.join(" or "))));
            }
            Entry::Policy(authorizer) => {
                let answer = authorizer.authorize(call, principal).await;
                answer.map_err(|error| BusError::Forbidden { missing: error.missing })?;
            }
        }
        passed(call, "authorise");
        Ok(())
    }

    /// Time, then a turn, then the breaker around all tries.
    async fn bounded(
        &self,
        call: &Call<'_>,
        limits: Option<&Limits>,
        attempt: &mut dyn Attempt,
    ) -> Outcome {
        let ctx = call.ctx();
        let (limit, warn) = self.time();
        let all = self.shared.turns.get();
        let turns = limits.and_then(|limits| limits.turns.as_deref());
        passed(call, "timeout");
        let work = async {
            // What a call leads to runs in its turn, and does not wait for it.
            let all = all.as_deref().filter(|_| ctx.depth() == 0);
            let _among_all = turn(call, all).await?;
            let turns = turns.filter(|_| !ctx.has_turn(call.name()));
            let _turn = turn(call, turns).await?;
            if turns.is_some() {
                ctx.take_turn(call.name());
            }
            passed(call, "concurrency");
            let breaker = limits.and_then(|limits| limits.breaker.as_ref());
            let Some((name, breaker)) = breaker else {
                return self.tries(call, limit, attempt).await;
            };
            let now = ctx.moment();
            let permit = breaker.try_acquire(now).map_err(|open| BusError::CircuitOpen {
                dependency: name.as_ref().into(),
                retry_after: open.retry_after,
            })?;
            passed(call, "breaker");
            let permit = Counted { permit: Some(permit), ctx };
            let outcome = self.tries(call, limit, attempt).await;
            permit.end(&outcome);
            outcome
        };
        let mut work = std::pin::pin!(work);
        let first = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Box::pin(within(ctx, limit, warn, call.name(), work)).await?,
        }
    }

    /// Runs the handler, and again after errors that may pass.
    async fn tries(
        &self,
        call: &Call<'_>,
        limit: Option<Duration>,
        attempt: &mut dyn Attempt,
    ) -> Outcome {
        let (ctx, retries) = (call.ctx(), self.retries.load(Ordering::Relaxed));
        if retries == 0 {
            passed(call, "handle");
            return run(attempt).await;
        }
        let ends = ctx.ends(limit);
        self.shared.budget.deposit(ctx.moment());
        let mut tried = 0;
        loop {
            passed(call, "handle");
            let outcome = run(attempt).await;
            let Err(failure) = &outcome else { return outcome };
            if tried >= retries || !may_pass(ctx, failure) {
                return outcome;
            }
            tried += 1;
            let services = ctx.services();
            let backoff =
                self.shared.backoff.lock().expect("nothing panics under the lock").clone();
            let delay = backoff.delay(tried, &*services.random);
            let now = services.clock.monotonic();
            if ends.is_some_and(|ends| now.saturating_add(delay) >= ends)
                || !self.shared.budget.withdraw(now)
            {
                return outcome;
            }
            tracing::debug!(target: "cqrs::call", message_name = call.name(), tried, code = failure.code().as_str(), "trying again");
            services.clock.sleep(delay).await;
            ctx.begin_again();
            passed(call, "retry");
        }
    }

    /// Where an audit is closed on failure, nothing runs that it has not
    /// taken down.
    async fn admission(&self, call: &Call<'_>) -> Result<(), BusError> {
        match &self.audit {
            Some(audit) if audit.fail_closed => {
                let written = audit.sink.record(record(call, Verdict::Admitted)).await;
                written.map_err(|error| BusError::AuditUnavailable {
                    reason: error.to_string().into(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Takes down how a call has ended, also one that was not let in.
    pub(super) async fn take_down(&self, call: &Call<'_>, outcome: &Outcome) {
        let Some(audit) = &self.audit else { return };
        let verdict = match outcome {
            Ok(_) => Verdict::Done,
            Err(failure) => Verdict::of(failure.code()),
        };
        if let Err(error) = audit.sink.record(record(call, verdict)).await {
            tracing::error!(target: "cqrs::audit", message_name = call.name(), %error, "a record of the audit is lost");
        }
        passed(call, "audit");
    }
}

/// Waits for a turn, or is refused.
async fn turn<'a>(
    call: &Call<'_>,
    turns: Option<&'a Bulkhead>,
) -> Result<Option<BulkheadPermit<'a>>, BusError> {
    let Some(turns) = turns else { return Ok(None) };
    let message = call.name();
    match turns.acquire().await {
        Ok(turn) => Ok(Some(turn)),
        Err(full) => Err(BusError::Busy { message, limit: full.limit }),
    }
}

/// What runs behind the cache.
struct InBounds<'a> {
    policy: &'a Policy,
    call: &'a Call<'a>,
    limits: Option<&'a Limits>,
}

impl Bounds for InBounds<'_> {
    fn run<'x>(&'x self, attempt: &'x mut dyn Attempt) -> BoxFuture<'x, Outcome> {
        Box::pin(self.policy.bounded(self.call, self.limits, attempt))
    }
}

/// A breaker's permit that counts a call whose time ran out as failed, and one
/// that was dropped by its caller as nothing.
struct Counted<'a> {
    permit: Option<Permit<'a>>,
    ctx: &'a Context,
}

impl Counted<'_> {
    fn end(mut self, outcome: &Outcome) {
        let Some(permit) = self.permit.take() else { return };
        let clock = &self.ctx.services().clock;
        match outcome {
            Err(Failure::Bus(error)) if error.is_fault() => permit.failed(clock.monotonic()),
            _ => permit.succeeded(self.ctx.moment()),
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && self.ctx.has_expired()
        {
            permit.failed(self.ctx.services().clock.monotonic());
        }
    }
}

/// Whether to run the handler again: what failed may pass, and nothing of it
/// was stored, or will be found again by its operation.
fn may_pass(ctx: &Context, failure: &Failure) -> bool {
    if !failure.is_retryable() || matches!(failure, Failure::Bus(BusError::Conflict { .. })) {
        return false;
    }
    let unknown = matches!(failure, Failure::Bus(BusError::Unknown { .. }));
    ctx.names_operation() || !(unknown || ctx.has_committed())
}

fn record(call: &Call<'_>, verdict: Verdict) -> AuditRecord {
    let metadata = call.ctx().metadata();
    AuditRecord {
        time: metadata.timestamp,
        message_id: metadata.id,
        correlation_id: metadata.correlation_id,
        actor: metadata.actor.clone(),
        tenant: metadata.tenant.clone(),
        message: call.name(),
        verdict,
        streams: call.ctx().streams(),
    }
}

/// One line for each stage that lets a call through.
fn passed(call: &Call<'_>, stage: &'static str) {
    tracing::trace!(target: "cqrs::policy", message_name = call.name(), stage, "passed");
}
