//! What has been measured, kept in the process: executions, failures, and how
//! long they took. Updating takes no lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::bus::Target;
use crate::error::{Category, Code};

/// Powers of two of nanoseconds, 8 steps each: a percentile is at most an
/// eighth too high.
const STEPS: usize = 8;
const POWERS: usize = 40;

/// The counters of one handler.
pub(crate) struct Meter {
    target: Target,
    event_type: Option<&'static str>,
    executions: AtomicU64,
    rejected: AtomicU64,
    failures: AtomicU64,
    nanos: AtomicU64,
    buckets: Box<[AtomicU64]>,
}

/// All meters of an application.
#[derive(Clone, Default)]
pub(crate) struct Meters(Arc<std::sync::Mutex<Vec<Arc<Meter>>>>);

/// What one handler has done since the application was built.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct HandlerMetrics {
    /// The handler.
    pub target: Target,
    /// Of an event handler: the stored type of the events that are counted.
    pub event_type: Option<&'static str>,
    /// Calls that have ended.
    pub executions: u64,
    /// Those that the handler itself has answered by an error.
    pub rejected: u64,
    /// Those that failed for another reason.
    pub failures: u64,
    /// The mean duration.
    pub mean: Duration,
    /// Half of the calls took no longer.
    pub p50: Duration,
    /// 95 of 100 calls took no longer.
    pub p95: Duration,
    /// 99 of 100 calls took no longer.
    pub p99: Duration,
}

impl Meter {
    fn new(target: Target, event_type: Option<&'static str>) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            target,
            event_type,
            executions: zero(),
            rejected: zero(),
            failures: zero(),
            nanos: zero(),
            buckets: (0..STEPS * POWERS).map(|_| zero()).collect(),
        }
    }

    /// Notes a call that has ended, with the code of its error.
    pub(crate) fn record(&self, took: Duration, error: Option<Code>) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.executions.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        self.buckets[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        match error {
            None => {}
            Some(code) if code.category() == Category::Domain => {
                self.rejected.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn read(&self) -> HandlerMetrics {
        let counts: Vec<u64> = self.buckets.iter().map(|one| one.load(Ordering::Relaxed)).collect();
        let executions: u64 = counts.iter().sum();
        let at = |percent: u64| {
            let wanted = (executions * percent).div_ceil(100);
            let mut seen = 0;
            let found = counts.iter().position(|count| {
                seen += count;
                seen >= wanted && seen > 0
            });
            found.map_or(Duration::ZERO, |bucket| Duration::from_nanos(upper(bucket)))
        };
        let nanos = self.nanos.load(Ordering::Relaxed);
        HandlerMetrics {
            target: self.target,
            event_type: self.event_type,
            executions,
            rejected: self.rejected.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            mean: Duration::from_nanos(nanos.checked_div(executions).unwrap_or(0)),
            p50: at(50),
            p95: at(95),
            p99: at(99),
        }
    }
}

impl Meters {
    pub(crate) fn of(&self, target: Target, event_type: Option<&'static str>) -> Arc<Meter> {
        let meter = Arc::new(Meter::new(target, event_type));
        self.0.lock().expect("nothing panics under the lock").push(Arc::clone(&meter));
        meter
    }

    /// All that is known, sorted by kind and name.
    pub(crate) fn read(&self) -> Vec<HandlerMetrics> {
        let meters = self.0.lock().expect("nothing panics under the lock").clone();
        let mut all: Vec<_> = meters.iter().map(|meter| meter.read()).collect();
        all.sort_by_key(|one| (one.target.kind, one.target.name, one.event_type));
        all
    }
}

fn bucket(nanos: u64) -> usize {
    let steps = STEPS as u64;
    if nanos < steps {
        return nanos as usize;
    }
    let power = nanos.ilog2() as usize;
    let step = (nanos >> (power - STEPS.ilog2() as usize)) as usize - STEPS;
    ((power - STEPS.ilog2() as usize + 1) * STEPS + step).min(STEPS * POWERS - 1)
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let (power, step) = (bucket / STEPS, (bucket % STEPS) as u64);
    if power == 0 {
        return step;
    }
    ((STEPS as u64 + step + 1) << (power - 1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::MessageKind;

    fn meter() -> Meter {
        let (kind, name) = (MessageKind::Command, "Deposit");
        Meter::new(Target { kind, name, handler: "deposit", module_path: "bank" }, None)
    }

    #[test]
    fn every_duration_lies_in_the_bucket_whose_bounds_enclose_it() {
        for nanos in (0..5_000).chain([1 << 20, (1 << 30) + 12_345, (1 << 41) - 1]) {
            let bucket = bucket(nanos);
            assert!(nanos <= upper(bucket), "{nanos}");
            assert!(bucket == 0 || nanos > upper(bucket - 1), "{nanos}");
        }
        assert_eq!(bucket(u64::MAX), STEPS * POWERS - 1);
    }

    #[test]
    fn percentiles_are_at_most_an_eighth_too_high() {
        let meter = meter();
        for micros in 1..=1_000 {
            meter.record(Duration::from_micros(micros), None);
        }
        let read = meter.read();
        assert_eq!(read.executions, 1_000);
        assert_eq!(read.mean, Duration::from_nanos(500_500));
        for (found, exact) in [(read.p50, 500), (read.p95, 950), (read.p99, 990)] {
            let exact = Duration::from_micros(exact);
            assert!(found >= exact && found <= exact + exact / 8, "{found:?} of {exact:?}");
        }
    }

    #[test]
    fn what_the_domain_says_is_no_failure() {
        let meter = meter();
        meter.record(Duration::ZERO, Some(Code::REJECTED));
        meter.record(Duration::ZERO, Some(Code::TIMEOUT));
        meter.record(Duration::ZERO, None);
        let read = meter.read();
        assert_eq!((read.executions, read.rejected, read.failures), (3, 1, 1));
    }
}
