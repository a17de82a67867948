//! Runs cases, each on a runtime of its own.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Fixture;
use super::bench::Bench;
use crate::conformance::{BoxFuture, Failure, Threads, message};

/// One thing that an event bus must do.
#[derive(Clone, Copy)]
pub struct Case {
    pub(super) contract: &'static str,
    pub(super) name: &'static str,
    pub(super) threads: Threads,
    pub(super) body: fn(Bench) -> BoxFuture<'static, ()>,
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

    /// Runs the case on a fresh bus.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the bus breaks the contract, or hangs for longer than
    /// the fixture's patience.
    pub fn run(&self, fixture: &Arc<dyn Fixture>) -> Result<(), Failure> {
        let ran = catch_unwind(AssertUnwindSafe(|| self.run_to_the_end(Arc::clone(fixture))));
        ran.map_err(|panic| Failure {
            contract: self.contract,
            case: self.name,
            message: message(&*panic),
        })
    }

    fn run_to_the_end(&self, fixture: Arc<dyn Fixture>) {
        let (patience, body) = (fixture.patience(), self.body);
        let ended = self.threads.run(async {
            let bench = Bench::new(self.contract, fixture);
            tokio::time::timeout(patience, body(bench)).await
        });
        assert!(ended.is_ok(), "{}: the case did not end within {patience:?}", self.contract);
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.contract, self.name)
    }
}

/// Runs every case and returns those that the buses of the fixture did not
/// pass. [`event_bus_conformance!`](crate::event_bus_conformance) makes a test
/// of each case instead.
#[must_use]
pub fn failures(fixture: impl Fixture) -> Vec<Failure> {
    let fixture: Arc<dyn Fixture> = Arc::new(fixture);
    super::CASES.iter().filter_map(|case| case.run(&fixture).err()).collect()
}

/// Runs one case and panics with what the bus did wrong. For the code that
/// the macro writes.
#[doc(hidden)]
pub fn check(contract: &str, name: &str, fixture: impl Fixture) {
    let case = super::CASES
        .iter()
        .find(|case| case.contract == contract && case.name == name)
        .expect("the macro and the table come from one list");
    case.run_to_the_end(Arc::new(fixture));
}
