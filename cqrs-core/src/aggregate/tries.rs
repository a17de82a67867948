//! When a command that did not commit is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{AggregateRuntime, Apply, RetryLimit};
use crate::bus::BusError;
use crate::store::CommitError;

/// Superseded units are redecided without counting as conflicts; the bound
/// only ends what could otherwise go on for ever.
const MAX_SUPERSEDED: u32 = 10_000;

/// Why an attempt did not end the command.
pub(super) enum Again {
    Conflict(CommitError),
    Superseded,
    /// The store could not read or write just now; nothing was written.
    Transient(BusError),
}

/// A [`RetryLimit`] that may change while commands are decided; clones share
/// it.
#[derive(Clone, Debug)]
pub(crate) struct LiveRetryLimit(Arc<AtomicU32>);

impl LiveRetryLimit {
    pub(crate) fn new(limit: RetryLimit) -> Self {
        Self(Arc::new(AtomicU32::new(limit.0)))
    }

    pub(crate) fn set(&self, limit: RetryLimit) {
        self.0.store(limit.0, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often a command has been tried, and for what reasons again.
pub(super) struct Tries {
    start: Duration,
    conflicts: u32,
    superseded: u32,
    transient: u32,
    limit: u32,
}

/// Pauses before the store is asked again after it could not do it: 10, 20
/// and 40 milliseconds, spread by up to half. A store that has waited for
/// longer than [`PATIENCE`] by itself is not asked again.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(10), Duration::from_millis(20), Duration::from_millis(40)];
const PATIENCE: Duration = Duration::from_secs(1);

impl Tries {
    /// None yet; `limit` says how often a conflict is decided again.
    pub(super) fn new(start: Duration, limit: u32) -> Self {
        Self { start, conflicts: 0, superseded: 0, transient: 0, limit }
    }

    /// Whether to try again, and after what pause.
    pub(super) fn next<A: Apply>(
        &mut self,
        again: Again,
        runtime: &AggregateRuntime<A>,
    ) -> Result<Option<Duration>, BusError> {
        match again {
            Again::Superseded if self.superseded < MAX_SUPERSEDED => self.superseded += 1,
            Again::Superseded => return Err(CommitError::Superseded.into()),
            Again::Conflict(source) => {
                self.conflicts += 1;
                if self.conflicts > self.limit {
                    let source = Box::new(source);
                    return Err(BusError::Conflict { attempts: self.conflicts, source });
                }
            }
            Again::Transient(error) => {
                let services = &runtime.services;
                let waited = services.clock.monotonic().saturating_sub(self.start);
                let pause = PAUSES.get(self.transient as usize).filter(|_| waited < PATIENCE);
                let Some(pause) = pause else { return Err(error) };
                self.transient += 1;
                let spread = services.random.next_u64() % 512;
                return Ok(Some(pause.mul_f64(1.0 + spread as f64 / 1024.0)));
            }
        }
        Ok(None)
    }
}
