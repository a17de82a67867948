//! Background tasks: owned, named, counted, and stopped with their owner.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::BoxFuture;

/// Runs tasks. Tests replace it by a scheduler of their own.
pub trait Spawner: Send + Sync + 'static {
    /// Runs a task to its end, or until the handle aborts it.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) -> TaskHandle;
}

/// A running task.
pub struct TaskHandle(Box<dyn Fn() + Send + Sync>);

impl TaskHandle {
    /// For spawners: a handle that calls `abort`.
    #[must_use]
    pub fn new(abort: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Box::new(abort))
    }

    /// Ends the task at its next await.
    pub fn abort(&self) {
        (self.0)();
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskHandle")
    }
}

/// Spawns on the tokio runtime around it.
#[derive(Debug, Clone, Copy)]
pub struct TokioSpawner;

impl Spawner for TokioSpawner {
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) -> TaskHandle {
        let handle = tokio::spawn(task).abort_handle();
        TaskHandle::new(move || handle.abort())
    }
}

/// The tasks of one application.
#[derive(Clone)]
pub(crate) struct TaskSet(Arc<Shared>);

struct Shared {
    spawner: Arc<dyn Spawner>,
    tasks: Mutex<Tasks>,
    running: AtomicUsize,
    /// Those among them that end by themselves.
    jobs: AtomicUsize,
    stopping: AtomicBool,
    changed: Notify,
}

/// The tasks that have not ended, each with its handle once it is known.
#[derive(Default)]
struct Tasks {
    next: u64,
    handles: HashMap<u64, Option<TaskHandle>>,
    aborted: bool,
}

/// Counts a task out when it ends, however it ends.
struct Running {
    set: TaskSet,
    number: u64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Service,
    Job,
}

impl Drop for Running {
    fn drop(&mut self) {
        let ended = self.set.tasks(|tasks| tasks.handles.remove(&self.number));
        // A handle's own drop may do anything, so not under the lock.
        drop(ended);
        let shared = &self.set.0;
        if self.kind == Kind::Job {
            shared.jobs.fetch_sub(1, Ordering::AcqRel);
        }
        shared.running.fetch_sub(1, Ordering::AcqRel);
        shared.changed.notify_waiters();
    }
}

impl TaskSet {
    pub(crate) fn new(spawner: Arc<dyn Spawner>) -> Self {
        Self(Arc::new(Shared {
            spawner,
            tasks: Mutex::default(),
            running: AtomicUsize::new(0),
            jobs: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            changed: Notify::new(),
        }))
    }

    /// Runs a task that ends by itself once [`TaskSet::stopped`] returns.
    pub(crate) fn service(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.run(Kind::Service, name, task);
    }

    /// Runs a short task to its end, unless `limit` of them run already.
    pub(crate) fn job(&self, name: &'static str, limit: usize, task: BoxFuture<'static, ()>) {
        if self.0.jobs.load(Ordering::Acquire) < limit && !self.is_stopping() {
            self.0.jobs.fetch_add(1, Ordering::AcqRel);
            self.run(Kind::Job, name, task);
        }
    }

    fn run(&self, kind: Kind, name: &'static str, task: BoxFuture<'static, ()>) {
        self.0.running.fetch_add(1, Ordering::AcqRel);
        let number = self.tasks(|tasks| {
            tasks.next += 1;
            tasks.handles.insert(tasks.next, None);
            tasks.next
        });
        let running = Running { set: self.clone(), number, kind };
        let task = async move {
            let _running = running;
            task.await;
        };
        let handle = self.0.spawner.spawn(name, Box::pin(task));
        // It may have ended by now, or everything may have been aborted.
        let unkept = self.tasks(|tasks| match tasks.handles.get_mut(&number) {
            Some(place) if !tasks.aborted => {
                *place = Some(handle);
                None
            }
            _ => Some((handle, tasks.aborted)),
        });
        if let Some((handle, true)) = unkept {
            handle.abort();
        }
    }

    fn tasks<T>(&self, body: impl FnOnce(&mut Tasks) -> T) -> T {
        body(&mut self.0.tasks.lock().expect("nothing panics under the lock"))
    }

    pub(crate) fn running(&self) -> usize {
        self.0.running.load(Ordering::Acquire)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// Returns when the tasks are asked to stop.
    pub(crate) async fn stopped(&self) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_stopping() {
                return;
            }
            changed.await;
        }
    }

    /// Asks the tasks to stop.
    pub(crate) fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
        self.0.changed.notify_waiters();
    }

    /// Returns when no task runs.
    pub(crate) async fn drained(&self) {
        self.none(&self.0.running).await;
    }

    /// Returns when no short task runs.
    pub(crate) async fn settled(&self) {
        self.none(&self.0.jobs).await;
    }

    async fn none(&self, count: &AtomicUsize) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if count.load(Ordering::Acquire) == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Ends all tasks at their next await, also those that begin from now on.
    pub(crate) fn abort(&self) {
        self.stop();
        let handles = self.tasks(|tasks| {
            tasks.aborted = true;
            std::mem::take(&mut tasks.handles)
        });
        for handle in handles.into_values().flatten() {
            handle.abort();
        }
    }
}

impl fmt::Debug for TaskSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet").field("running", &self.0.running).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn abort_reaches_jobs_and_what_begins_later() {
        let tasks = TaskSet::new(Arc::new(TokioSpawner));
        tasks.service("service", Box::pin(std::future::pending()));
        tasks.job("job", usize::MAX, Box::pin(std::future::pending()));

        tasks.abort();
        tasks.service("late", Box::pin(std::future::pending()));
        tasks.drained().await;

        assert_eq!(tasks.running(), 0);
    }

    #[tokio::test]
    async fn a_task_that_has_ended_is_not_kept() {
        let tasks = TaskSet::new(Arc::new(TokioSpawner));
        for _ in 0..10 {
            tasks.job("job", usize::MAX, Box::pin(std::future::ready(())));
        }

        tasks.drained().await;

        assert!(tasks.tasks(|tasks| tasks.handles.is_empty()));
    }

    #[tokio::test]
    async fn what_runs_for_ever_takes_no_place_from_what_is_short() {
        let tasks = TaskSet::new(Arc::new(TokioSpawner));
        for _ in 0..3 {
            tasks.service("service", Box::pin(std::future::pending()));
        }
        let (begun, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        for _ in 0..3 {
            let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
            let job = async move {
                begun.notify_one();
                ended.notified().await;
            };
            tasks.job("job", 1, Box::pin(job));
        }
        begun.notified().await;
        assert_eq!(tasks.running(), 4, "one job at a time was allowed");

        ended.notify_waiters();
        tasks.settled().await;

        assert_eq!(tasks.running(), 3);
        tasks.abort();
    }
}
