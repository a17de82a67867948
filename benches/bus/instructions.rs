//! Instructions of one call: what a busy machine does not change. The program
//! runs itself under valgrind, twice for each work with two numbers of calls,
//! and takes the difference.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Which work a counted run does, and how often: `3:1000`.
const WORK: &str = "BUS_WORK";
const FEW: u32 = 1_000;
const MANY: u32 = 11_000;

/// The place of the next work.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// How this process runs its works.
pub(crate) enum Mode {
    /// All of them, with the time they take.
    Timed,
    /// This one, so often.
    Counted(usize, u32),
}

impl Mode {
    pub(crate) fn of_this_run() -> Self {
        let said = std::env::var(WORK).ok();
        let wanted = said.as_deref().and_then(|said| said.split_once(':'));
        let parsed = wanted.map(|(work, calls)| (work.parse(), calls.parse()));
        match parsed {
            Some((Ok(work), Ok(calls))) => Self::Counted(work, calls),
            _ => Self::Timed,
        }
    }
}

/// The place of a work among all of them.
pub(crate) fn place() -> usize {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Instructions of one call of a work; `None` without valgrind.
pub(crate) fn of_one_call(work: usize) -> Option<f64> {
    let (few, many) = (of_a_run(work, FEW)?, of_a_run(work, MANY)?);
    Some((many - few) / f64::from(MANY - FEW))
}

fn of_a_run(work: usize, calls: u32) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let figures = tempfile::NamedTempFile::new().ok()?;
    let counted = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no"])
        .arg(format!("--cachegrind-out-file={}", figures.path().display()))
        .arg(program)
        .args(std::env::args().skip(1))
        .env(WORK, format!("{work}:{calls}"))
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&counted.stderr);
    let line = said.lines().find(|line| line.contains("I") && line.contains("refs:"))?;
    let digits = line.split("refs:").nth(1)?.replace(',', "");
    digits.trim().parse().ok()
}
