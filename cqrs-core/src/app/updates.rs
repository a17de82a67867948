//! An answer, and then every other answer that it becomes.

use std::fmt;

use super::App;
use crate::bus::{BusError, Origin, QueryError};
use crate::query::{OneQueryHandlerFor, Query};

/// The answers of a query, from [`App::follow`].
#[must_use = "a query is asked when its answer is waited for"]
pub struct Updates<Q> {
    app: App,
    query: Q,
    origin: Origin,
    /// The last answer, as JSON.
    last: Option<Vec<u8>>,
    /// How far the projections had come then.
    seen: u64,
}

impl<Q: Query + Clone + OneQueryHandlerFor<Q>> Updates<Q> {
    pub(crate) fn new(app: App, query: Q) -> Self {
        Self { app, query, origin: Origin::new(), last: None, seen: 0 }
    }

    /// Says who asks.
    pub fn from(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// The first answer at once; later the next one that differs from it, once
    /// the projections of this process have moved.
    ///
    /// # Errors
    ///
    /// [`QueryError`]; [`BusError::ShuttingDown`] when the application ends.
    /// The next call asks again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no answer: the next call gives it.
    pub async fn next(&mut self) -> Result<Q::Output, QueryError> {
        loop {
            let moved = self.app.shown();
            if self.last.is_some() && moved == self.seen {
                if !self.app.is_ready() {
                    return Err(QueryError::Bus(BusError::ShuttingDown));
                }
                self.app.moved().await;
                continue;
            }
            let asked = self.app.query(self.query.clone()).from(self.origin.clone());
            let answer = asked.await?;
            let written = serde_json::to_vec(&answer).map_err(QueryError::failed)?;
            self.seen = moved;
            if self.last.as_ref() != Some(&written) {
                self.last = Some(written);
                return Ok(answer);
            }
        }
    }
}

impl<Q> fmt::Debug for Updates<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates").field("seen", &self.seen).finish_non_exhaustive()
    }
}
