//! The threads that read, each with a connection of its own.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use cqrs_core::store::LogId;

use crate::OpenError;
use crate::connection;
use crate::options::SqliteOptions;
use crate::session::Session;

/// Something to do on a connection. It answers by itself; when it is dropped
/// its caller learns that nobody will.
pub(crate) type Task = Box<dyn FnOnce(&mut Session) + Send>;

/// Whether somebody waits for a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    Awaited,
    /// It follows a task whose outcome is still to be worked on: no thread is
    /// woken for it while another is at work.
    Ahead,
}

/// Reads that may wait; beyond it a read is refused.
const MOST_WAITING: usize = 1 << 16;
/// How long a thread that has nothing to do watches for more.
const PATIENCE: Duration = Duration::from_micros(50);

/// Threads that read, stopped and joined when this is dropped.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Tasks in `state`, for those who watch without a lock.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    /// Threads that wait, the warmest last.
    idle: Vec<Thread>,
    /// Whether a thread watches the queue, so that it need not be woken.
    watched: bool,
    closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Task> {
        let own = std::thread::current();
        let mut state = self.state();
        if state.tasks.is_empty() && !state.watched {
            state.watched = true;
            drop(state);
            self.watch();
            state = self.state();
            state.watched = false;
        }
        loop {
            if let Some(task) = state.tasks.pop_front() {
                self.waiting.store(state.tasks.len(), Ordering::Relaxed);
                return Some(task);
            }
            if state.closed {
                return None;
            }
            if state.idle.iter().all(|idle| idle.id() != own.id()) {
                state.idle.push(own.clone());
            }
            drop(state);
            std::thread::park();
            state = self.state();
        }
    }

    /// Waits for a task for a moment. Reads come in rows: whoever has got a
    /// page asks for the next one at once, and waking a thread costs more
    /// than most reads.
    #[expect(clippy::disallowed_methods, reason = "some microseconds on a thread of its own")]
    fn watch(&self) {
        let end = Instant::now() + PATIENCE;
        while self.waiting.load(Ordering::Relaxed) == 0 && Instant::now() < end {
            std::hint::spin_loop();
        }
    }
}

impl Pool {
    /// Starts the threads and waits until each has its connection.
    pub(crate) async fn open(options: &SqliteOptions, log: LogId) -> Result<Self, OpenError> {
        let mut pool = Self { queue: Arc::default(), threads: Vec::new() };
        let mut opened = Vec::new();
        for _ in 0..options.readers {
            let (tell, told) = tokio::sync::oneshot::channel();
            let (queue, own) = (Arc::clone(&pool.queue), options.clone());
            let body = move || match connection::reader(&own) {
                Ok(connection) => {
                    let _ = tell.send(Ok(()));
                    serve(&queue, Session::new(connection, log));
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            };
            let thread = std::thread::Builder::new().name("cqrs-sqlite-reader".into()).spawn(body);
            pool.threads.push(thread.map_err(|error| unavailable(options, error))?);
            opened.push(told);
        }
        for told in opened {
            told.await.map_err(|_| unavailable(options, "a reading thread ended"))??;
        }
        Ok(pool)
    }

    /// Hands a task to the next free thread. Returns whether it was taken.
    pub(crate) fn submit(&self, task: Task, urgency: Urgency) -> bool {
        let mut state = self.queue.state();
        if state.tasks.len() >= MOST_WAITING {
            return false;
        }
        state.tasks.push_back(task);
        self.queue.waiting.store(state.tasks.len(), Ordering::Relaxed);
        let waiting = state.tasks.len() - usize::from(state.watched);
        // A thread that is awake looks here before it waits, and so comes to
        // each task in the end.
        let is_served = urgency == Urgency::Ahead && state.idle.len() < self.threads.len();
        let woken = if is_served { 0 } else { waiting.min(state.idle.len()) };
        let warmest = state.idle.len() - woken;
        let threads: Vec<Thread> = state.idle.drain(warmest..).collect();
        drop(state);
        threads.iter().for_each(Thread::unpark);
        true
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.state().closed = true;
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn unavailable(options: &SqliteOptions, reason: impl ToString) -> OpenError {
    OpenError::Unavailable { path: connection::label(options), reason: reason.to_string() }
}

fn serve(queue: &Queue, mut session: Session) {
    while let Some(task) = queue.take() {
        if catch_unwind(AssertUnwindSafe(|| task(&mut session))).is_err() {
            session.names.forget();
        }
        session.roll_back();
    }
}
