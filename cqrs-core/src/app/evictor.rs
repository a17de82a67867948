//! Voids the answers that events make wrong.
//!
//! An answer is voided once the projections of this process show the event. If
//! that were done before, the next query would keep an answer of the time
//! before it.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::coop::consume_budget;

use super::Live;
use crate::cache::Invalidations;
use crate::policy::Answers;
use crate::projection::{RunnerHandle, WaitError};
use crate::runtime::{Services, TaskSet};
use crate::store::{
    Cursor, EventQuery, EventStore, Page, Pages, Position, ReadError, ReadRequest, Store,
};
use crate::subscription::{BACKSTOP, Lookout, first};

/// How long to wait before a store that could not be read is read again.
const PAUSE: Duration = Duration::from_millis(200);
const FIRST_PAGE: usize = 100;
const PAGE: usize = 1_000;

/// How far the answers are right.
#[derive(Clone, Debug)]
pub(crate) struct Evictor {
    position: watch::Receiver<Position>,
}

struct Task {
    answers: Answers,
    table: Invalidations,
    projections: Vec<RunnerHandle>,
    store: Store,
    lookout: Lookout,
    services: Arc<Services>,
    tasks: TaskSet,
    position: watch::Sender<Position>,
}

impl Evictor {
    /// Starts to follow the log, if there is anything to void.
    pub(super) fn start(
        live: &Live,
        answers: Answers,
        projections: &HashMap<TypeId, RunnerHandle>,
        store: &Store,
        services: &Arc<Services>,
        tasks: &TaskSet,
        lookout: &Lookout,
    ) -> Option<Self> {
        let table = live.invalidations().clone();
        if table.is_empty() {
            return None;
        }
        let head = store.watch().head();
        let (position, receiver) = watch::channel(head);
        let task = Task {
            answers,
            table,
            projections: projections.values().cloned().collect(),
            store: store.clone(),
            lookout: lookout.clone(),
            services: Arc::clone(services),
            tasks: tasks.clone(),
            position,
        };
        tasks.service("cache eviction", Box::pin(task.run(head)));
        Some(Self { position: receiver })
    }

    /// Waits until what was kept before a position is void.
    pub(super) async fn reached(&self, wanted: Position) -> Result<(), WaitError> {
        let mut position = self.position.clone();
        position.wait_for(|at| *at >= wanted).await.map_err(|_| WaitError::Stopped)?;
        Ok(())
    }
}

impl Task {
    async fn run(self, mut at: Position) {
        while !self.tasks.is_stopping() {
            if let Err(error) = self.follow(&mut at).await {
                // Nobody knows what is right any more.
                self.answers.local().clear();
                tracing::warn!(target: "cqrs::cache", %error, "the log cannot be followed, nothing is kept");
                first(self.services.clock.sleep(PAUSE), self.tasks.stopped()).await;
            }
        }
    }

    async fn follow(&self, at: &mut Position) -> Result<(), ReadError> {
        let mut heads = self.lookout.watch();
        let info = self.store.info().await?;
        while !self.tasks.is_stopping() {
            let cursor = Cursor { log: info.log, position: *at };
            let query = EventQuery::types(self.table.event_types().map(str::to_owned));
            let request = ReadRequest::all().matching(query).resume(cursor).limit(FIRST_PAGE);
            let mut pages = Pages::new(&self.store, request, PAGE);
            while let Some(page) = pages.next().await {
                let page = page?;
                self.take(&page).await;
                *at = Position::new(page.reached());
                self.position.send_replace(*at);
                if page.is_last() || self.tasks.is_stopping() {
                    break;
                }
            }
            let commit = first(heads.above(*at), self.services.clock.sleep(BACKSTOP));
            first(commit, self.tasks.stopped()).await;
        }
        Ok(())
    }

    async fn take(&self, page: &Page) {
        for event in page.events() {
            // Where the log never waits, others wait for this.
            consume_budget().await;
            for projection in &self.projections {
                // One that has stopped shows nothing new.
                let shown = async { projection.reached(event.position()).await.unwrap_or(()) };
                first(shown, self.tasks.stopped()).await;
            }
            self.answers.invalidate_by(&self.table, &event).await;
        }
    }
}
