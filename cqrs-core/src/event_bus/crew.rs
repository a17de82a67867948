//! How many workers there are.
//!
//! A bus begins with a few, and hires one more when all have something to do and
//! more is to be done, up to its limit. A task of the bus does that, since
//! who publishes, or changes the limit, may be where no task can be started.
//!
//! No work is left without a worker. Who adds work wakes one that is free, and
//! where there is none the foreman; the last free one that becomes busy looks
//! whether there is more, and tells the foreman. One that was hired is free at
//! once, so that the foreman never hires two for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::life::{Life, first};
use super::queued::Shared;
use super::worker::{ended, work};

/// Workers that a bus begins with, where it may have as many.
const AT_FIRST: usize = 32;

pub(super) struct Crew {
    limit: AtomicUsize,
    /// Workers that have not ended.
    hired: AtomicUsize,
    /// Those of them that have nothing to do.
    free: AtomicUsize,
    started: AtomicBool,
    foreman: AtomicBool,
    wanted: Notify,
}

/// A worker, counted out however it ends.
pub(super) struct Hired {
    shared: Arc<Shared>,
    busy: bool,
    /// It is counted out already.
    left: bool,
}

impl Crew {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: AtomicUsize::new(limit),
            hired: AtomicUsize::new(0),
            free: AtomicUsize::new(0),
            started: AtomicBool::new(false),
            foreman: AtomicBool::new(false),
            wanted: Notify::new(),
        }
    }

    /// Hires the first workers, once.
    pub(super) fn start(shared: &Arc<Shared>) {
        let crew = &shared.crew;
        if crew.started.swap(true, Ordering::SeqCst) {
            return;
        }
        for _ in 0..crew.limit.load(Ordering::SeqCst).min(AT_FIRST) {
            hire(shared);
        }
        crew.foreman.store(true, Ordering::SeqCst);
        let foreman = Foreman(Arc::clone(shared));
        shared.setting.tasks.service("event bus", Box::pin(foreman.work()));
    }

    pub(super) fn count(&self) -> usize {
        self.hired.load(Ordering::SeqCst)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.count() == 0 && !self.foreman.load(Ordering::SeqCst)
    }

    /// Sets how many there may be.
    pub(super) fn limit(&self, limit: usize) {
        self.limit.store(limit.max(1), Ordering::SeqCst);
        self.wanted.notify_one();
    }

    pub(super) fn work_has_come(&self) {
        if self.free.load(Ordering::SeqCst) == 0 {
            self.wanted.notify_one();
        }
    }

    fn lacks_one(&self) -> bool {
        self.free.load(Ordering::SeqCst) == 0 && self.count() < self.limit.load(Ordering::SeqCst)
    }
}

fn hire(shared: &Arc<Shared>) {
    shared.crew.hired.fetch_add(1, Ordering::SeqCst);
    shared.crew.free.fetch_add(1, Ordering::SeqCst);
    let hired = Hired { shared: Arc::clone(shared), busy: false, left: false };
    shared.setting.tasks.service("event bus", Box::pin(work(hired)));
}

impl Hired {
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn is_busy(&mut self) {
        if !std::mem::replace(&mut self.busy, true) {
            let crew = &self.shared.crew;
            let last = crew.free.fetch_sub(1, Ordering::SeqCst) == 1;
            if last && self.shared.has_work() {
                crew.wanted.notify_one();
            }
        }
    }

    pub(super) fn is_free(&mut self) {
        if std::mem::replace(&mut self.busy, false) {
            self.shared.crew.free.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Counts the worker out if there are more than there may be.
    pub(super) fn is_too_many(&mut self) -> bool {
        let crew = &self.shared.crew;
        let limit = crew.limit.load(Ordering::SeqCst);
        if crew.count() <= limit {
            return false;
        }
        let fewer = |count: usize| (count > limit).then(|| count - 1);
        self.left = crew.hired.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok();
        self.left
    }
}

impl Drop for Hired {
    fn drop(&mut self) {
        let crew = &self.shared.crew;
        if !self.busy {
            crew.free.fetch_sub(1, Ordering::SeqCst);
        }
        if !self.left {
            crew.hired.fetch_sub(1, Ordering::SeqCst);
        }
        // It may have been woken for work that it leaves to the others.
        self.shared.wake.notify_one();
        crew.wanted.notify_one();
        self.shared.life.tell();
    }
}

struct Foreman(Arc<Shared>);

impl Foreman {
    async fn work(self) {
        let Shared { crew, life, setting, .. } = &*self.0;
        loop {
            // Listened for before looking, so that nothing is missed in between.
            let wanted = crew.wanted.notified();
            tokio::pin!(wanted);
            wanted.as_mut().enable();
            if ended(life) {
                return;
            }
            if crew.lacks_one() && self.0.has_work() {
                hire(&self.0);
                // Where the runtime ends, whom it hires is gone at once, and
                // the runtime waits for this task to wait.
                tokio::task::yield_now().await;
            } else if life.is_closed() {
                first(wanted, life.until(ended)).await;
            } else if setting.tasks.is_stopping() {
                self.0.close();
            } else {
                let closed = life.moved_until(Life::is_closed);
                first(first(wanted, closed), setting.tasks.stopped()).await;
            }
        }
    }
}

impl Drop for Foreman {
    fn drop(&mut self) {
        self.0.crew.foreman.store(false, Ordering::SeqCst);
        self.0.life.tell();
    }
}
