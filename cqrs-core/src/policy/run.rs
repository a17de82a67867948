//! The stages in front of a handler, in their one order.

use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use super::audit::Verdict;
use super::observe::code_of;
use super::resolve::{Entry, Limits, Policy};
use super::{AuditRecord, Principal, RateKey};
use crate::bus::{
    Attempt, Bounds, BusError, Call, Context, Failure, Outcome, Run, Started, within,
};
use crate::error::ErrorCode;
use crate::resilience::{Bulkhead, BulkheadPermit, Permit};
use crate::runtime::{BoxFuture, Polled, poll_once};

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
        hold_to_tenant(call)
    }

    /// Everything between the middleware and the handler.
    pub(crate) async fn run(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        let (ctx, limits) = (call.ctx(), self.limits.get());
        self.count(call, limits.as_deref())?;
        if let Some(principal) = self.admit(call)? {
            if let Entry::Policy(authorizer) = &self.access {
                let answer = authorizer.authorize(call, principal).await;
                answer.map_err(|error| BusError::Forbidden { missing: error.missing })?;
            }
            passed(call, "authorise");
        }
        call.validate().map_err(BusError::Validation)?;
        for guard in &self.guards {
            guard.check(call).await?;
        }
        passed(call, "validate");
        self.admission(call).await?;
        // What was asked may have taken its time.
        ctx.forget_moment();
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

    /// The same where nobody has to be asked: nothing is waited for but a turn
    /// and the handler. What comes before these is no future, which would be
    /// moved about before it does anything.
    pub(crate) async fn run_unasked(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        let limits = self.limits.get();
        self.let_in(call, limits.as_deref())?;
        self.bounded(call, limits.as_deref(), attempt).await
    }

    fn let_in(&self, call: &Call<'_>, limits: Option<&Limits>) -> Result<(), BusError> {
        hold_to_tenant(call)?;
        self.count(call, limits)?;
        if self.admit(call)?.is_some() {
            passed(call, "authorise");
        }
        call.validate().map_err(BusError::Validation)?;
        passed(call, "validate");
        Ok(())
    }

    fn count(&self, call: &Call<'_>, limits: Option<&Limits>) -> Result<(), BusError> {
        let Some((limiter, key)) = limits.and_then(|limits| limits.rate.as_ref()) else {
            return Ok(());
        };
        let ctx = call.ctx();
        let tenant = ctx.tenant_ref().as_str();
        let key = match (key, ctx.actor()) {
            (RateKey::Handler, _) => limiter.key_of(&[]),
            (RateKey::Tenant, _) | (RateKey::Caller, None) => limiter.key_of(&[tenant]),
            (RateKey::Caller, Some(actor)) => limiter.key_of(&[tenant, actor.as_str()]),
        };
        limiter.check(key, ctx.moment()).map_err(|limited| BusError::RateLimited {
            message: call.name(),
            retry_after: limited.retry_after,
        })?;
        passed(call, "rate_limit");
        Ok(())
    }

    /// Whom the call is let in for, as far as the policy itself can tell;
    /// nobody where anybody may come.
    fn admit<'c>(&self, call: &Call<'c>) -> Result<Option<&'c Principal>, BusError> {
        if matches!(self.access, Entry::Open) {
            return Ok(None);
        }
        let Some(principal) = call.ctx().principal() else {
            return Err(BusError::Unauthenticated {
                reason: "nobody is known in this context".into(),
            });
        };
        let denied = |missing: String| BusError::Forbidden { missing: missing.into() };
        match &self.access {
            Entry::Roles(roles) if roles.iter().any(|role| principal.has_role(role)) => {}
            Entry::Roles(roles) if roles.is_empty() => {
                return Err(denied("a rule that lets anybody in".to_owned()));
            }
            Entry::Roles(roles) => {
                let roles: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
                return Err(denied(format!("role {}", roles.join(" or "))));
            }
            Entry::Open | Entry::Authenticated | Entry::Policy(_) => {}
        }
        Ok(Some(principal))
    }

    /// Time, then a turn, then the breaker around all tries. What ends without
    /// waiting for anything has no future around it.
    async fn bounded(
        &self,
        call: &Call<'_>,
        limits: Option<&Limits>,
        attempt: &mut dyn Attempt,
    ) -> Outcome {
        let (ctx, (limit, warn)) = (call.ctx(), self.time());
        if let Some(conflicts) = self.conflicts() {
            ctx.set_conflicts(conflicts);
        }
        passed(call, "timeout");
        // What a call leads to runs in its turn, and does not wait for it.
        let all = self.shared.turns.get().filter(|_| ctx.depth() == 0);
        let own = limits.and_then(|limits| limits.turns.as_deref());
        let own = own.filter(|_| !ctx.has_turn(call.name()));
        let (Some(_among_all), Some(_turn)) = (turn_now(all.as_deref()), turn_now(own)) else {
            let work = async {
                let _among_all = turn(call, all.as_deref()).await?;
                let _turn = turn(call, own).await?;
                let permit = permit(call, own, limits)?;
                let (run, first) = self.first(call, attempt).await;
                let outcome = self.tries(call, limit, run, first).await;
                permit.end(&outcome);
                outcome
            };
            return Box::pin(within(ctx, limit, warn, call.name(), work)).await?;
        };
        let permit = permit(call, own, limits)?;
        let (run, first) = self.first(call, attempt).await;
        match first {
            Poll::Ready(outcome) if !self.tries_again(ctx, &outcome, 0) => {
                permit.end(&outcome);
                outcome
            }
            first => {
                let rest = async {
                    let outcome = self.tries(call, limit, run, first).await;
                    permit.end(&outcome);
                    outcome
                };
                Box::pin(within(ctx, limit, warn, call.name(), rest)).await?
            }
        }
    }

    /// Begins to run the handler for the first time, and polls it once.
    async fn first<'a>(
        &self,
        call: &Call<'_>,
        attempt: &'a mut dyn Attempt,
    ) -> (Run<'a>, Poll<Outcome>) {
        if self.retries.load(Ordering::Relaxed) > 0 {
            self.shared.budget.deposit(call.ctx().moment());
        }
        passed(call, "handle");
        let mut run = Run::new(attempt);
        let first = match run.begin() {
            Some(outcome) => Poll::Ready(outcome),
            None => poll_once(&mut run).await,
        };
        (run, first)
    }

    /// Goes on with a handler that was polled once, and runs it again after
    /// errors that may pass.
    async fn tries(
        &self,
        call: &Call<'_>,
        limit: Option<Duration>,
        mut run: Run<'_>,
        first: Poll<Outcome>,
    ) -> Outcome {
        let ctx = call.ctx();
        let mut outcome = match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Polled::new(&mut run).await,
        };
        let mut tried = 0;
        while self.tries_again(ctx, &outcome, tried) {
            tried += 1;
            let services = ctx.services();
            let backoff =
                self.shared.backoff.lock().expect("nothing panics under the lock").clone();
            let delay = backoff.delay(tried, &*services.random);
            let now = services.clock.monotonic();
            if ctx.ends(limit).is_some_and(|ends| now.saturating_add(delay) >= ends)
                || !self.shared.budget.withdraw(now)
            {
                return outcome;
            }
            let code = code_of(&outcome).map_or("", |code| code.as_str());
            tracing::debug!(target: "cqrs::call", message_name = call.name(), tried, code, "trying again");
            services.clock.sleep(delay).await;
            ctx.begin_again();
            passed(call, "retry");
            passed(call, "handle");
            outcome = match run.begin() {
                Some(outcome) => outcome,
                None => (&mut run).await,
            };
        }
        outcome
    }

    /// Whether what has failed may pass, and is tried again so often.
    fn tries_again(&self, ctx: &Context, outcome: &Outcome, tried: u32) -> bool {
        let Err(failure) = outcome else { return false };
        tried < self.retries.load(Ordering::Relaxed)
            && may_pass(ctx, failure)
            && ctx.remaining() != Some(Duration::ZERO)
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

/// Refuses a principal that acts for another tenant than its own.
fn hold_to_tenant(call: &Call<'_>) -> Result<(), BusError> {
    let tenant = call.ctx().principal().and_then(Principal::only_tenant);
    if tenant.is_some_and(|tenant| tenant != call.ctx().tenant_ref()) {
        return Err(BusError::Forbidden { missing: "the tenant of the call".into() });
    }
    passed(call, "tenant");
    Ok(())
}

/// A turn that has not to be waited for, where one is needed at all.
fn turn_now(turns: Option<&Bulkhead>) -> Option<Option<BulkheadPermit<'_>>> {
    turns.map_or(Some(None), |turns| turns.acquire_now().map(Some))
}

/// What the breaker says of a call that has its turn.
fn permit<'a>(
    call: &'a Call<'_>,
    turns: Option<&Bulkhead>,
    limits: Option<&'a Limits>,
) -> Result<Counted<'a>, BusError> {
    let ctx = call.ctx();
    if turns.is_some() {
        ctx.take_turn(call.name());
    }
    passed(call, "concurrency");
    let Some((name, breaker)) = limits.and_then(|limits| limits.breaker.as_ref()) else {
        return Ok(Counted { permit: None, ctx });
    };
    let permit = breaker.try_acquire(ctx.moment()).map_err(|open| BusError::CircuitOpen {
        dependency: name.as_ref().into(),
        retry_after: open.retry_after,
    })?;
    passed(call, "breaker");
    Ok(Counted { permit: Some(permit), ctx })
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
