//! The suite bites: every broken store fails it, at the case that it should,
//! and every case is failed by some store.

mod commit;
mod fault;
mod leases;
mod parts;
mod reading;
mod rows;
mod store;
mod writing;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cqrs_core::store::Store;
use cqrs_testkit::conformance::{BoxFuture, CASES, Failure, Fixture, failures};

use fault::{FAULTS, Fault};
use store::Broken;

/// What a store in memory answers, which it does at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a store in memory answers at once"),
    }
}

/// Broken stores that outlive their handles, as durable ones do.
struct Shelf {
    fault: Fault,
    last: Mutex<Option<Broken>>,
}

impl Shelf {
    fn of(fault: Fault) -> Self {
        Self { fault, last: Mutex::new(None) }
    }

    fn take(&self) -> Broken {
        let last = self.last.lock().expect("no code that may panic runs under the lock");
        last.clone().unwrap_or_else(|| Broken::new(self.fault))
    }
}

impl Fixture for Shelf {
    fn fresh(&self) -> BoxFuture<'_, Store> {
        let store = match self.fault {
            Fault::SharesOneLog => self.take(),
            fault => Broken::new(fault),
        };
        *self.last.lock().expect("no code that may panic runs under the lock") =
            Some(store.clone());
        Box::pin(std::future::ready(Store::new(store)))
    }

    fn reopen(&self, store: Store) -> BoxFuture<'_, Option<Store>> {
        drop(store);
        let store = match self.fault {
            Fault::ForgetsTheLogWhenClosed => Broken::new(self.fault),
            _ => self.take(),
        };
        Box::pin(std::future::ready(Some(Store::new(store))))
    }

    /// Short, as some stores hang by their fault; the sound one has more time.
    fn patience(&self) -> Duration {
        Duration::from_millis(if self.fault == Fault::None { 60_000 } else { 500 })
    }
}

/// How often a race is run again that went well by chance.
const TRIES: u32 = 5;

type Failed = Vec<(Fault, Vec<Failure>)>;

/// What fails for which fault, found out once, on two threads.
static FAILED: LazyLock<Failed> = LazyLock::new(|| {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let next = Arc::new(Mutex::new(FAULTS.iter()));
    let work = || {
        let next = Arc::clone(&next);
        std::thread::spawn(move || {
            let mut failed = Failed::new();
            let take = || next.lock().expect("no code that may panic runs under the lock").next();
            while let Some((fault, case)) = take() {
                failed.push((*fault, tried(*fault, case)));
            }
            failed
        })
    };
    let threads = [work(), work()];
    let failed = threads.into_iter().flat_map(|thread| thread.join().expect("cases are caught"));
    let failed = failed.collect();
    std::panic::set_hook(usual);
    failed
});

/// What fails for a fault. A case that rests on a race need not meet its fault
/// at the first try.
fn tried(fault: Fault, case: &str) -> Vec<Failure> {
    let mut failed = failures(Shelf::of(fault));
    for _ in 0..TRIES {
        if names(&failed).contains(case) {
            break;
        }
        failed.extend(failures(Shelf::of(fault)));
    }
    failed
}

fn names(failures: &[Failure]) -> BTreeSet<String> {
    failures.iter().map(|failure| format!("{}::{}", failure.contract, failure.case)).collect()
}

#[test]
fn the_wrapper_without_a_fault_passes_every_case() {
    let failures = failures(Shelf::of(Fault::None));
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn every_broken_store_fails_the_case_about_its_fault() {
    for (fault, case) in FAULTS {
        let (_, failures) = FAILED.iter().find(|(one, _)| one == fault).expect("all have run");
        let names = names(failures);
        assert!(names.contains(*case), "{fault:?} does not fail {case}, only {names:#?}");
    }
}

#[test]
fn every_case_is_failed_by_some_broken_store() {
    // The names of streams are checked before a store sees them.
    const NOT_OF_A_STORE: &str = "input::ill_formed_streams_cannot_be_named";
    let failed: BTreeSet<_> = FAILED.iter().flat_map(|(_, failures)| names(failures)).collect();
    let all = CASES.iter().map(|case| format!("{}::{}", case.contract(), case.name()));
    let toothless: Vec<_> = all.filter(|case| !failed.contains(case)).collect();
    assert_eq!(toothless, [NOT_OF_A_STORE], "cases that no broken store fails");
}

#[test]
fn every_failure_says_which_contract_was_broken() {
    let contracts: BTreeSet<_> = CASES.iter().map(|case| case.contract()).collect();
    let mut silent = BTreeSet::new();
    for failure in FAILED.iter().flat_map(|(_, failures)| failures) {
        let message = failure.message.trim_start_matches("assertion `left == right` failed: ");
        let message = message.trim_start_matches("assertion `left != right` failed: ");
        let (said, _) = message.split_once(':').unwrap_or_default();
        if !contracts.contains(said.replace(' ', "_").as_str()) {
            silent.insert(failure.to_string());
        }
    }
    assert!(silent.is_empty(), "these failures do not name a contract: {silent:#?}");
}
