//! Workers: tasks that take turns from the ready lanes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::DeliveryError;
use super::crew::Hired;
use super::lanes::{Job, Turn};
use super::life::{Life, first};
use super::queued::Shared;

/// Turns after which a worker lets other tasks of the runtime run.
const STRETCH: u32 = 32;

/// Works until the bus is closed and nothing is in flight, or there are more
/// workers than there may be.
pub(super) async fn work(mut hired: Hired) {
    let shared = Arc::clone(hired.shared());
    let tasks = shared.setting.tasks.clone();
    let mut turns = 0_u32;
    loop {
        // Listened for before looking, so that nothing is missed in between.
        let woken = shared.wake.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        if hired.is_too_many() {
            return;
        }
        if let Some(turn) = shared.turn() {
            hired.is_busy();
            InHand::of(&shared, turn).handle().await;
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(STRETCH) {
                tokio::task::yield_now().await;
            }
            continue;
        }
        hired.is_free();
        if ended(&shared.life) {
            return;
        }
        if shared.life.is_closed() {
            first(woken, shared.life.until(ended)).await;
        } else if tasks.is_stopping() {
            shared.close();
        } else {
            first(first(woken, shared.life.moved_until(Life::is_closed)), tasks.stopped()).await;
        }
    }
}

pub(super) fn ended(life: &Life) -> bool {
    life.is_closed() && life.in_flight() == 0
}

/// A lane in the hands of a worker, with its next job until that is handled.
pub(super) struct InHand<'a> {
    shared: &'a Shared,
    turn: Turn,
    job: Option<Job>,
}

impl<'a> InHand<'a> {
    pub(super) fn of(shared: &'a Shared, turn: Turn) -> Self {
        let job = turn.entry.kept.take(turn.lane);
        Self { shared, turn, job }
    }

    async fn handle(mut self) {
        if let Some(job) = &self.job
            && !self.shared.life.is_cut()
        {
            let (life, services) = (&self.shared.life, &self.shared.setting.services);
            let handler = self.turn.entry.subscriber.handler();
            let handled = match life.inside(|| handler.now(services, &job.event)) {
                Some(handled) => Some(handled),
                None => life.handling(handler.handle(services, &job.event)).await,
            };
            if let Some(handled) = handled {
                self.ended(handled);
            }
        }
    }

    fn ended(&mut self, handled: Result<(), DeliveryError>) {
        if let Some(job) = self.job.take()
            && let Err(error) = handled
        {
            self.shared.failed(&job, &self.turn.entry, error);
        }
    }
}

impl Drop for InHand<'_> {
    /// A job that is still there was given up: the bus was cut, or the task
    /// was ended.
    fn drop(&mut self) {
        let given_up = self.job.is_some();
        if given_up {
            self.shared.given_up.fetch_add(1, Ordering::Relaxed);
            self.ended(Err(DeliveryError::Stopped));
        }
        let (entry, lane) = (&self.turn.entry, self.turn.lane);
        if entry.kept.give_back(lane) {
            self.shared
                .ready
                .lock()
                .expect("nothing panics under the lock")
                .push(Arc::clone(entry), lane);
            if given_up {
                // This worker may take no further turn.
                self.shared.wake.notify_one();
            }
        }
        entry.kept.room.add_permits(1);
        self.shared.life.leave(1);
    }
}
