//! Runs cases, each on a runtime of its own.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::bench::Bench;
use super::threads::Threads;
use super::{BoxFuture, CASES, Fixture};

/// One thing that a store must do.
#[derive(Clone, Copy)]
pub struct Case {
    pub(super) contract: &'static str,
    pub(super) name: &'static str,
    pub(super) threads: Threads,
    pub(super) body: fn(Bench) -> BoxFuture<'static, ()>,
}

/// A case that a store did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The part of the contract.
    pub contract: &'static str,
    /// The case.
    pub case: &'static str,
    /// What the store did instead.
    pub message: String,
}

/// What came of a case on a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The store does what it must.
    Passed,
    /// The store lacks the [capability](super::Capabilities) that the case is
    /// about, and was not asked.
    Unasked,
    /// The store breaks the contract.
    Failed(Failure),
}

impl Case {
    /// The part of the contract that the case is about.
    #[must_use]
    pub fn contract(&self) -> &'static str {
        self.contract
    }

    /// What must hold, as a sentence.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case on a fresh store.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the store breaks the contract, or hangs for longer
    /// than the fixture's patience.
    pub fn run(&self, fixture: &Arc<dyn Fixture>) -> Result<(), Failure> {
        match self.outcome(fixture) {
            Outcome::Failed(failure) => Err(failure),
            Outcome::Passed | Outcome::Unasked => Ok(()),
        }
    }

    /// As [`run`](Self::run), and tells what passed from what was not asked.
    #[must_use]
    pub fn outcome(&self, fixture: &Arc<dyn Fixture>) -> Outcome {
        let ran = catch_unwind(AssertUnwindSafe(|| self.run_to_the_end(Arc::clone(fixture))));
        ran.unwrap_or_else(|panic| {
            let (contract, case, message) = (self.contract, self.name, message(&*panic));
            Outcome::Failed(Failure { contract, case, message })
        })
    }

    fn run_to_the_end(&self, fixture: Arc<dyn Fixture>) -> Outcome {
        let (patience, body) = (fixture.patience(), self.body);
        let ended = self.threads.run(async {
            let bench = Bench::new(self.contract, fixture).await;
            let unasked = Arc::clone(bench.unasked());
            let ended = tokio::time::timeout(patience, body(bench)).await;
            ended.map(|()| unasked.load(Ordering::Relaxed))
        });
        match ended {
            Ok(false) => Outcome::Passed,
            Ok(true) => Outcome::Unasked,
            Err(_) => panic!("{}: the case did not end within {patience:?}", self.contract),
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.contract, self.name)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}: {}", self.contract, self.case, self.message)
    }
}

pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

/// Runs every case and returns those that the stores of the fixture did not
/// pass. [`store_conformance!`](crate::store_conformance) makes a test of each
/// case instead.
#[must_use]
pub fn failures(fixture: impl Fixture) -> Vec<Failure> {
    let fixture: Arc<dyn Fixture> = Arc::new(fixture);
    CASES.iter().filter_map(|case| case.run(&fixture).err()).collect()
}

/// Runs one case and panics with what the store did wrong. For the code that
/// the macro writes.
#[doc(hidden)]
pub fn check(contract: &str, name: &str, fixture: impl Fixture) {
    let case = CASES
        .iter()
        .find(|case| case.contract == contract && case.name == name)
        .expect("the macro and the table come from one list");
    let _ = case.run_to_the_end(Arc::new(fixture));
}
