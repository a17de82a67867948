//! The runtime that a case has to itself.

use tokio::runtime::{Builder, Runtime};

/// Whether the tasks of a case race on several threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    One,
    Many,
}

/// Leaves its tasks alone when it is dropped, also by a panic: a runtime that
/// is dropped itself waits for tasks that never wait.
struct Left(Option<Runtime>);

impl Drop for Left {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Threads {
    /// Runs a case on a fresh runtime, and does not wait for what it leaves.
    pub(crate) fn run<T>(self, case: impl Future<Output = T>) -> T {
        let mut builder = match self {
            Self::One => Builder::new_current_thread(),
            Self::Many => Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(4).enable_all().build();
        let runtime = runtime.expect("the system gives a runtime");
        let left = Left(Some(runtime));
        left.0.as_ref().expect("it is there until the drop").block_on(case)
    }
}
