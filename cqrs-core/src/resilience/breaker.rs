//! A dependency that fails is left alone for a while.
//!
//! Closed, calls pass and failures are counted. With enough of them in the
//! window it opens: calls are refused at once, which spares the dependency
//! and the callers' time. After a timeout it is half open: a few probes pass,
//! and the dependency is back when all of them succeed (Nygard, "Release
//! It!", 2007).
//!
//! Every change of state begins an epoch, and a permit carries the epoch that it
//! was given in. A result of another epoch is counted in the figures and
//! changes nothing else: a call that began long before the breaker opened
//! says nothing of the dependency now, and is no probe.
//!
//! While it is closed, being let in is one read of one word and a success is
//! one addition. Everything else is under a lock that no call holds.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as friendly;
use serde::{Deserialize, Serialize};

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use super::window::Window;

/// The lowest bit of the gate: calls pass without a look at the core.
const PASSES: u64 = 1;

/// Lets calls to one dependency pass, or not.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::resilience::{BreakerSettings, BreakerState, CircuitBreaker};
///
/// let breaker = CircuitBreaker::new(BreakerSettings::default());
/// for second in 0..10 {
///     let now = Duration::from_secs(second);
///     breaker.try_acquire(now)?.failed(now);
/// }
/// let now = Duration::from_secs(10);
/// assert_eq!(breaker.try_acquire(now).unwrap_err().retry_after, Duration::from_secs(29));
///
/// let now = Duration::from_secs(39);
/// breaker.try_acquire(now)?.succeeded(now);
/// assert_eq!(breaker.state(now), BreakerState::Closed);
/// # Ok::<(), cqrs_core::resilience::Open>(())
/// ```
pub struct CircuitBreaker {
    /// The epoch above [`PASSES`]. Written under the core's lock only.
    gate: AtomicU64,
    succeeded: AtomicU64,
    rejected: AtomicU64,
    core: Mutex<Core>,
}

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// So many failures open it; 10 by default.
    pub failure_threshold: NonZeroU32,
    /// Older failures do not count; 60 s by default.
    #[serde(with = "friendly")]
    pub window: Duration,
    /// How long it stays open; 30 s by default.
    #[serde(with = "friendly")]
    pub timeout: Duration,
    /// How many probes a half-open breaker lets pass, also at once. When all
    /// succeed it closes, when one fails it opens; 1 by default.
    pub probes: NonZeroU32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failure_threshold: const { NonZeroU32::new(10).unwrap() },
            window: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            probes: NonZeroU32::MIN,
        }
    }
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// Probes pass, other calls are refused.
    HalfOpen,
    /// Calls are refused until somebody says otherwise.
    ForcedOpen,
    /// Calls pass until somebody says otherwise, whatever becomes of them.
    ForcedClosed,
}

/// What a breaker has seen since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BreakerStatistics {
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that were refused.
    pub rejected: u64,
    /// How often failures have opened it.
    pub opened: u64,
    /// When a call failed last, on the clock of `now`.
    pub last_failure: Option<Duration>,
}

/// A breaker is open: the call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker is open: call again in {retry_after:?}")]
#[non_exhaustive]
pub struct Open {
    /// When probes pass. Where nobody knows, because probes are under way or it
    /// was opened by hand, the breaker's timeout.
    pub retry_after: Duration,
}

impl CircuitBreaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            gate: AtomicU64::new(PASSES),
            succeeded: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            core: Mutex::new(Core::new(settings)),
        }
    }

    /// Lets a call pass, or not. The permit is told how the call ended;
    /// dropped, it counts as nothing.
    ///
    /// # Errors
    ///
    /// [`Open`] when the call must not be made.
    pub fn try_acquire(&self, now: Duration) -> Result<Permit<'_>, Open> {
        let gate = self.gate.load(Ordering::Acquire);
        if gate & PASSES != 0 {
            return Ok(Permit { breaker: self, epoch: gate >> 1, is_probe: false });
        }
        match self.change(|core| core.admit(now)) {
            Ok((epoch, is_probe)) => Ok(Permit { breaker: self, epoch, is_probe }),
            Err(open) => {
                self.rejected.fetch_add(1, Ordering::Relaxed);
                Err(open)
            }
        }
    }

    /// Refuses all calls until [`force_close`](Self::force_close) or
    /// [`reset`](Self::reset).
    pub fn force_open(&self) {
        self.change(|core| core.enter(Phase::ForcedOpen));
    }

    /// Lets all calls pass until [`force_open`](Self::force_open) or
    /// [`reset`](Self::reset).
    pub fn force_close(&self) {
        self.change(|core| core.enter(Phase::ForcedClosed));
    }

    /// Closes it and forgets the failures in the window. The figures go on.
    pub fn reset(&self) {
        self.change(|core| core.enter(Phase::Closed));
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Duration) -> BreakerState {
        self.core().state(now)
    }

    /// What it has seen.
    #[must_use]
    pub fn statistics(&self) -> BreakerStatistics {
        let core = self.core();
        BreakerStatistics {
            successes: self.succeeded.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            ..core.figures
        }
    }

    /// The settings that hold now.
    #[must_use]
    pub fn settings(&self) -> BreakerSettings {
        self.core().settings
    }

    /// Goes on with other settings. Failures in the window still count; a
    /// lower threshold is compared with them at the next failure. Another
    /// timeout holds for a breaker that is already open.
    pub fn configure(&self, settings: BreakerSettings) {
        self.change(|core| core.configure(settings));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.core();
        let changed = change(&mut core);
        let gate = core.epoch << 1 | u64::from(core.phase.passes());
        self.gate.store(gate, Ordering::Release);
        changed
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().expect("nothing panics under the lock")
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.core().phase;
        f.debug_struct("CircuitBreaker").field("phase", &phase).finish_non_exhaustive()
    }
}

/// A call that was let pass. Holds no lock.
#[must_use = "tell it how the call has ended"]
pub struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    epoch: u64,
    /// Whether it holds one of the places of the half-open state.
    is_probe: bool,
}

impl Permit<'_> {
    /// The dependency has answered.
    pub fn succeeded(mut self, _now: Duration) {
        self.breaker.succeeded.fetch_add(1, Ordering::Relaxed);
        if std::mem::take(&mut self.is_probe) {
            self.breaker.change(|core| core.probe_succeeded(self.epoch));
        }
    }

    /// The dependency has failed.
    pub fn failed(mut self, now: Duration) {
        self.is_probe = false;
        self.breaker.change(|core| core.failed(self.epoch, now));
    }

    /// The call says nothing about the dependency; like dropping the permit.
    pub fn ignored(self) {}
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.change(|core| core.probe_returned(self.epoch));
        }
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("is_probe", &self.is_probe).finish_non_exhaustive()
    }
}

struct Core {
    settings: BreakerSettings,
    epoch: u64,
    phase: Phase,
    failures: Window,
    figures: BreakerStatistics,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Open { since: Duration },
    HalfOpen { running: u32, succeeded: u32 },
    ForcedOpen,
    ForcedClosed,
}

impl Phase {
    fn passes(self) -> bool {
        matches!(self, Self::Closed | Self::ForcedClosed)
    }
}

impl Core {
    fn new(settings: BreakerSettings) -> Self {
        let failures = Window::new(settings.failure_threshold);
        Self { settings, epoch: 0, phase: Phase::Closed, failures, figures: Default::default() }
    }

    fn enter(&mut self, phase: Phase) {
        self.epoch += 1;
        self.phase = phase;
        self.failures.clear();
    }

    /// The epoch of the permit and whether it is a probe's.
    fn admit(&mut self, now: Duration) -> Result<(u64, bool), Open> {
        if let Phase::Open { since } = self.phase {
            let left = since.saturating_add(self.settings.timeout).saturating_sub(now);
            if !left.is_zero() {
                return Err(Open { retry_after: left });
            }
            self.enter(Phase::HalfOpen { running: 0, succeeded: 0 });
        }
        match &mut self.phase {
            // It was closed between the look at the gate and the lock.
            Phase::Closed | Phase::ForcedClosed => Ok((self.epoch, false)),
            Phase::HalfOpen { running, succeeded }
                if running.saturating_add(*succeeded) < self.settings.probes.get() =>
            {
                *running += 1;
                Ok((self.epoch, true))
            }
            _ => Err(Open { retry_after: self.settings.timeout }),
        }
    }

    fn failed(&mut self, epoch: u64, now: Duration) {
        let last = self.figures.last_failure.map_or(now, |last| last.max(now));
        self.figures.last_failure = Some(last);
        self.figures.failures += 1;
        if epoch != self.epoch {
            return;
        }
        let BreakerSettings { window, failure_threshold, .. } = self.settings;
        let opens = match self.phase {
            Phase::Closed => self.failures.is_reached(last, window, failure_threshold),
            Phase::HalfOpen { .. } => true,
            Phase::Open { .. } | Phase::ForcedOpen | Phase::ForcedClosed => false,
        };
        if opens {
            self.figures.opened += 1;
            self.enter(Phase::Open { since: last });
        }
    }

    fn probe_succeeded(&mut self, epoch: u64) {
        if let Some((running, succeeded)) = self.probes_of(epoch) {
            *running -= 1;
            *succeeded += 1;
            self.close_if_proved();
        }
    }

    fn probe_returned(&mut self, epoch: u64) {
        if let Some((running, _)) = self.probes_of(epoch) {
            *running -= 1;
        }
    }

    /// The probes under way and those that succeeded, if that epoch still is.
    fn probes_of(&mut self, epoch: u64) -> Option<(&mut u32, &mut u32)> {
        match &mut self.phase {
            Phase::HalfOpen { running, succeeded } if epoch == self.epoch => {
                Some((running, succeeded))
            }
            _ => None,
        }
    }

    fn close_if_proved(&mut self) {
        if let Phase::HalfOpen { succeeded, .. } = self.phase
            && succeeded >= self.settings.probes.get()
        {
            self.enter(Phase::Closed);
        }
    }

    fn configure(&mut self, settings: BreakerSettings) {
        self.settings = settings;
        self.close_if_proved();
    }

    fn state(&self, now: Duration) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { since } if now < since.saturating_add(self.settings.timeout) => {
                BreakerState::Open
            }
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
            Phase::ForcedOpen => BreakerState::ForcedOpen,
            Phase::ForcedClosed => BreakerState::ForcedClosed,
        }
    }
}
