//! Events that are published together.
//!
//! One task owns what was collected and does all the publishing, so that no
//! caller that is dropped can lose anything, and batches never overtake each
//! other. Dropping the emitter closes the way to the task; the task publishes
//! what it has and what is still on the way, and ends.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{BatchError, BusEvent, DeliveryError, EventBus, Failure, PublishError};
use crate::runtime::{BoxFuture, TaskSet};

/// Collects events and publishes them in batches: when enough are there, when
/// the first has waited long enough, when asked to, and at the end.
///
/// Dropping it loses nothing as long as the runtime goes on: what was emitted
/// is published by its task, which then ends. What the bus refuses is reported
/// in the bus's [errors](EventBus::errors).
pub struct BatchEmitter {
    way: mpsc::Sender<Item>,
}

/// When a batch is published.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchOptions {
    /// So many events are a batch: 100 by default, at least 1.
    pub size: usize,
    /// How long the first event of a batch waits at most: 100 ms by default.
    pub interval: Duration,
    /// How many events may wait beside the batch before
    /// [`emit`](BatchEmitter::emit) waits: 1,000 by default, at least 1.
    pub capacity: usize,
}

/// A batch was not published, or not handled by everybody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The task has ended, since its owner was stopped.
    #[error("the batch emitter is stopped: emit before its owner stops")]
    Stopped,
    /// Some events failed; all others were handled.
    #[error(transparent)]
    Failed(#[from] BatchError),
}

enum Item {
    Event(BusEvent),
    Flush(oneshot::Sender<Result<(), BatchError>>),
}

enum Woken {
    Item(Item),
    Time,
    Ended,
    Stop,
}

struct Emitting {
    bus: Arc<dyn EventBus>,
    options: BatchOptions,
    way: mpsc::Receiver<Item>,
    batch: Vec<BusEvent>,
    timer: Option<BoxFuture<'static, ()>>,
}

impl BatchEmitter {
    /// An emitter in front of a bus; its task runs on the bus's spawner.
    #[must_use]
    pub fn new(bus: Arc<dyn EventBus>, options: BatchOptions) -> Self {
        let tasks = TaskSet::new(Arc::clone(&bus.services().spawner));
        Self::within(bus, options, &tasks)
    }

    /// For an application: the task belongs to its set.
    pub(crate) fn within(bus: Arc<dyn EventBus>, options: BatchOptions, tasks: &TaskSet) -> Self {
        let (sender, way) = mpsc::channel(options.capacity.clamp(1, 1 << 24));
        let mut emitting = Emitting { bus, options, way, batch: Vec::new(), timer: None };
        let owner = tasks.clone();
        tasks.service("batch emitter", Box::pin(async move { emitting.run(&owner).await }));
        Self { way: sender }
    }

    /// Takes an event; waits while too many are on the way.
    ///
    /// # Errors
    ///
    /// [`PublishError::Stopped`] when the emitter's owner was stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it returned, the event was not taken.
    pub async fn emit(&self, event: BusEvent) -> Result<(), PublishError> {
        self.way.send(Item::Event(event)).await.map_err(|_| PublishError::Stopped)
    }

    /// Publishes what was collected, and returns when it is handled.
    ///
    /// # Errors
    ///
    /// [`FlushError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, the batch is published all the same.
    pub async fn flush(&self) -> Result<(), FlushError> {
        let (answer, answered) = oneshot::channel();
        self.way.send(Item::Flush(answer)).await.map_err(|_| FlushError::Stopped)?;
        Ok(answered.await.map_err(|_| FlushError::Stopped)??)
    }

    /// Publishes what was collected, and ends.
    ///
    /// # Errors
    ///
    /// [`FlushError`].
    ///
    /// # Cancel safety
    ///
    /// As [`flush`](Self::flush).
    pub async fn close(self) -> Result<(), FlushError> {
        self.flush().await
    }
}

impl fmt::Debug for BatchEmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchEmitter")
    }
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self { size: 100, interval: Duration::from_millis(100), capacity: 1000 }
    }
}

impl BatchOptions {
    /// Sets how many events are a batch.
    #[must_use]
    pub fn size(self, size: usize) -> Self {
        Self { size, ..self }
    }

    /// Sets how long the first event of a batch waits at most.
    #[must_use]
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Sets how many events may wait beside the batch.
    #[must_use]
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }
}

impl Emitting {
    async fn run(&mut self, owner: &TaskSet) {
        loop {
            match self.woken(owner).await {
                Woken::Item(item) => self.take(item).await,
                Woken::Time => {
                    // What fails is reported where it fails.
                    let _ = self.publish().await;
                }
                Woken::Stop => break,
                Woken::Ended => {
                    let _ = self.publish().await;
                    return;
                }
            }
        }
        // From here on nothing is taken; what was taken is published.
        self.way.close();
        while let Some(item) = self.way.recv().await {
            self.take(item).await;
        }
        let _ = self.publish().await;
    }

    async fn woken(&mut self, owner: &TaskSet) -> Woken {
        let stopped = owner.stopped();
        tokio::pin!(stopped);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(item) = self.way.poll_recv(cx) {
                return Poll::Ready(item.map_or(Woken::Ended, Woken::Item));
            }
            if let Some(timer) = &mut self.timer
                && timer.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Woken::Time);
            }
            stopped.as_mut().poll(cx).map(|()| Woken::Stop)
        })
        .await
    }

    async fn take(&mut self, item: Item) {
        match item {
            Item::Event(event) => {
                if self.batch.is_empty() {
                    let clock = &self.bus.services().clock;
                    self.timer = Some(clock.sleep(self.options.interval));
                }
                self.batch.push(event);
                if self.batch.len() >= self.options.size {
                    let _ = self.publish().await;
                }
            }
            Item::Flush(answer) => {
                let published = self.publish().await;
                // Whoever asked may have gone.
                let _ = answer.send(published);
            }
        }
    }

    async fn publish(&mut self) -> Result<(), BatchError> {
        self.timer = None;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let published = self.bus.publish_batch(batch.clone()).await;
        if let Err(failed) = &published {
            self.report(&batch, failed);
        }
        published
    }

    /// Reports what the bus did not take; what its handlers failed at is
    /// reported already.
    fn report(&self, batch: &[BusEvent], failed: &BatchError) {
        for (index, error) in failed.iter() {
            let Some(event) = batch.get(index) else { continue };
            if !matches!(error, PublishError::Handlers(_)) {
                let error = DeliveryError::NotPublished(Box::new(error.clone()));
                self.bus.errors().report(Failure::new(
                    event.clone(),
                    "batch emitter".into(),
                    error,
                ));
            }
        }
    }
}
