//! Queries that answer row by row.
//!
//! ```
//! use std::sync::Arc;
//! use cqrs_core::prelude::*;
//!
//! /// All numbers below a limit.
//! #[derive(Query)]
//! #[query(stream = u32)]
//! struct Below { limit: u32 }
//!
//! #[query_handler]
//! async fn below(query: &Below, rows: Emit<u32>) -> Result<(), QueryError> {
//!     for number in 0..query.limit {
//!         rows.row(number).await?;
//!     }
//!     Ok(())
//! }
//! module!();
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let app = App::new(modules![crate], MemoryStore::new())?;
//! let mut rows = app.stream(Below { limit: 1_000_000 });
//! let mut sum = 0;
//! for _ in 0..3 {
//!     sum += rows.next().await.expect("there are more")?;
//! }
//! assert_eq!(sum, 3);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use tokio::sync::mpsc;

use super::Query;
use crate::app::{Parameter, Wiring};
use crate::bus::{BusError, Context, QueryError};
use crate::runtime::BoxFuture;

/// Rows that wait for their reader; the handler waits when there are more.
const AHEAD: usize = 64;

/// A query that answers row by row: `#[query(stream = Row)]`.
pub trait Streams: Query<Output = ()> {
    /// A row.
    type Row: Send + 'static;
}

/// Where the handler of a streaming query puts its rows; a handler's
/// parameter. Where the query was asked without reading rows, they go
/// nowhere.
pub struct Emit<R>(Option<mpsc::Sender<R>>);

impl<R> Clone for Emit<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Send + 'static> Emit<R> {
    /// Puts a row, when its reader has room for it.
    ///
    /// # Errors
    ///
    /// [`BusError::Cancelled`] once nobody reads any more: end the query.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the row.
    pub async fn row(&self, row: R) -> Result<(), QueryError> {
        let Some(rows) = &self.0 else { return Ok(()) };
        rows.send(row).await.map_err(|_| QueryError::Bus(BusError::Cancelled))
    }
}

impl<R: Send + 'static> Parameter for Emit<R> {
    fn resolve(_wiring: &mut Wiring<'_>) -> Option<Self> {
        Some(Self(None))
    }

    fn bind(&self, ctx: &Context) -> Self {
        ctx.extension::<Self>().cloned().unwrap_or(Self(None))
    }
}

impl<R> fmt::Debug for Emit<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Emit")
    }
}

/// The rows of a query as they come. The query runs while they are read; when
/// this is dropped, it ends.
#[must_use = "the query runs while its rows are read"]
pub struct RowStream<'a, R> {
    run: Option<BoxFuture<'a, Result<(), QueryError>>>,
    rows: mpsc::Receiver<R>,
}

impl<'a, R: Send + 'static> RowStream<'a, R> {
    pub(crate) fn new(run: impl FnOnce(Emit<R>) -> BoxFuture<'a, Result<(), QueryError>>) -> Self {
        let (sender, rows) = mpsc::channel(AHEAD);
        Self { run: Some(run(Emit(Some(sender)))), rows }
    }

    /// The next row; `None` when all were read. After an error comes nothing.
    ///
    /// # Errors
    ///
    /// [`QueryError`], once the rows before it were read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no row.
    pub async fn next(&mut self) -> Option<Result<R, QueryError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), for streams of other crates.
    pub fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Result<R, QueryError>>> {
        if let Poll::Ready(Some(row)) = self.rows.poll_recv(cx) {
            return Poll::Ready(Some(Ok(row)));
        }
        let Some(run) = &mut self.run else { return Poll::Ready(None) };
        let ended = match Pin::new(run).poll(cx) {
            Poll::Pending => None,
            Poll::Ready(ended) => Some(ended),
        };
        if let Some(ended) = ended {
            self.run = None;
            if let Ok(row) = self.rows.try_recv() {
                // What was put last comes before the end.
                if let Err(error) = ended {
                    self.run = Some(Box::pin(std::future::ready(Err(error))));
                } else {
                    self.run = Some(Box::pin(std::future::ready(Ok(()))));
                }
                return Poll::Ready(Some(Ok(row)));
            }
            return Poll::Ready(ended.err().map(Err));
        }
        // Running it may have put rows.
        match self.rows.poll_recv(cx) {
            Poll::Ready(Some(row)) => Poll::Ready(Some(Ok(row))),
            _ => Poll::Pending,
        }
    }
}

impl<R> fmt::Debug for RowStream<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("runs", &self.run.is_some()).finish()
    }
}
