//! Cases of a law: made from a seed, shrunk, and named when one fails.

use std::cell::Cell;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Cases that a law tries where nothing else is said.
const CASES: u32 = 256;
/// Cases of which this part may be refused as no values of the type.
const MOST_REFUSED: u32 = 20;

/// Why a case counts against a law.
pub(super) enum Verdict {
    /// What was made up is no value of the type.
    Refused(String),
    /// The law is broken.
    Broken(String),
}

/// Tries a law.
///
/// # Panics
///
/// Panics with the smallest case and the seed when the law is broken.
#[track_caller]
pub(super) fn hold<S>(
    law: &str,
    of: &str,
    strategy: &S,
    show: impl Fn(&S::Value) -> String,
    check: impl Fn(&S::Value) -> Result<(), Verdict>,
) where
    S: Strategy,
{
    let seed = number("CQRS_SEED").unwrap_or(0);
    let cases = number("CQRS_CASES").map_or(CASES, |cases| u32::try_from(cases).unwrap_or(CASES));
    let config = Config {
        cases,
        failure_persistence: None,
        max_global_rejects: cases * MOST_REFUSED,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(strategy, |case| match quietly(&check, &case) {
        Ok(()) => Ok(()),
        Err(Verdict::Refused(reason)) => Err(TestCaseError::reject(reason)),
        Err(Verdict::Broken(reason)) => Err(TestCaseError::fail(reason)),
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => {
            // The reason is that of the smallest case.
            let reason = match quietly(&check, &case) {
                Err(Verdict::Broken(reason)) => reason,
                _ => reason.to_string(),
            };
            let shown = show(&case);
            panic!("law broken: {law}, by {of}\n{reason}\n{shown}\nfound by CQRS_SEED={seed}");
        }
        Err(TestError::Abort(reason)) => {
            let strategy = strategy.new_tree(&mut TestRunner::deterministic());
            let example = strategy.ok().map(|tree| {
                let case = proptest::strategy::ValueTree::current(&tree);
                match quietly(&check, &case) {
                    Err(Verdict::Refused(reason)) => format!("{}\n{reason}", show(&case)),
                    _ => show(&case),
                }
            });
            panic!(
                "law not tried: {law}, of {of}: hardly any value that is made up for it can be \
                 read ({reason})\n{}\nGive the part that refuses them `#[schema(opaque = \"..\", \
                 sample = \"..\")]`.",
                example.unwrap_or_default()
            );
        }
    }
}

thread_local! {
    /// Whether a panic on this thread is expected and says nothing.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// A panic in the user's code breaks the law. While a case is shrunk there may
/// be hundreds of them, of which only the last is of interest.
fn quietly<T>(check: &impl Fn(&T) -> Result<(), Verdict>, case: &T) -> Result<(), Verdict> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                before(panic);
            }
        }));
    });
    QUIET.set(true);
    let checked = catch_unwind(AssertUnwindSafe(|| check(case)));
    QUIET.set(false);
    checked.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let text = text.unwrap_or_else(|| "a panic without a message".to_owned());
        Err(Verdict::Broken(format!("it panicked: {text}")))
    })
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is `{text}`: it must be a number")))
}

impl Verdict {
    pub(super) fn broken(reason: impl Display) -> Self {
        Self::Broken(reason.to_string())
    }
}
