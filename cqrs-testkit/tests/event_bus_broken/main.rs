//! The suite for event buses bites: every broken bus fails it, at the case
//! that it should, and every case is failed by some bus.

mod bus;
mod fault;
mod subscribing;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use cqrs_core::event_bus::EventBus;
use cqrs_testkit::conformance::Failure;
use cqrs_testkit::event_bus::{CASES, Fixture, Wanted, failures};

use bus::Broken;
use fault::{FAULTS, Fault};

struct Of(Fault);

impl Fixture for Of {
    fn fresh(&self, wanted: Wanted) -> Arc<dyn EventBus> {
        Arc::new(Broken::new(self.0, &wanted))
    }

    /// Short, as some buses hang by their fault; the sound one has more time.
    fn patience(&self) -> Duration {
        Duration::from_millis(if self.0 == Fault::None { 60_000 } else { 500 })
    }
}

/// How often a race is run again that went well by chance.
const TRIES: u32 = 5;

type Failed = Vec<(Fault, Vec<Failure>)>;

/// What fails for which fault, found out once.
static FAILED: LazyLock<Failed> = LazyLock::new(|| {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let failed = FAULTS.iter().map(|(fault, case)| (*fault, tried(*fault, case))).collect();
    std::panic::set_hook(usual);
    failed
});

/// What fails for a fault. A case that rests on a race need not meet its fault
/// at the first try.
fn tried(fault: Fault, case: &str) -> Vec<Failure> {
    let mut failed = failures(Of(fault));
    for _ in 0..TRIES {
        if names(&failed).contains(case) {
            break;
        }
        failed.extend(failures(Of(fault)));
    }
    failed
}

fn names(failures: &[Failure]) -> BTreeSet<String> {
    failures.iter().map(|failure| format!("{}::{}", failure.contract, failure.case)).collect()
}

#[test]
fn the_wrapper_without_a_fault_passes_every_case() {
    let failures = failures(Of(Fault::None));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_broken_bus_fails_the_case_about_its_fault() {
    for (fault, case) in FAULTS {
        let (_, failures) = FAILED.iter().find(|(one, _)| one == fault).expect("all have run");
        let names = names(failures);
        assert!(names.contains(*case), "{fault:?} does not fail {case}, only {names:#?}");
    }
}

#[test]
fn every_case_is_failed_by_some_broken_bus() {
    let failed: BTreeSet<_> = FAILED.iter().flat_map(|(_, failures)| names(failures)).collect();
    let all = CASES.iter().map(|case| format!("{}::{}", case.contract(), case.name()));
    let toothless: Vec<_> = all.filter(|case| !failed.contains(case)).collect();
    assert!(toothless.is_empty(), "cases that no broken bus fails: {toothless:#?}");
}
