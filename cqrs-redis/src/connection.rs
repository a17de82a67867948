//! The one connection, made when it is first needed and again when it is lost.
//!
//! The client's own manager is not used: behind a lost connection it waits and
//! tries on by itself, while the pauses behind a failure are decided by the
//! cache in front.

use std::sync::atomic::{AtomicU32, Ordering};

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue, RedisError, RedisResult};
use tokio::sync::Mutex;

pub(crate) struct Connection {
    client: Client,
    /// The number tells connections apart: only the one that a call has failed
    /// on is given up for it.
    current: Mutex<(u64, Option<MultiplexedConnection>)>,
    /// Calls in a row whose futures were dropped before an answer.
    unanswered: AtomicU32,
}

/// A call that is under way; counted if it is dropped.
struct UnderWay<'a>(&'a AtomicU32);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A caller who has gone away says nothing about the server; several do.
const PATIENCE: u32 = 3;

impl Connection {
    pub(crate) fn new(client: Client) -> Self {
        let (current, unanswered) = (Mutex::new((0, None)), AtomicU32::new(0));
        Self { client, current, unanswered }
    }

    /// Sends a command.
    ///
    /// # Cancel safety
    ///
    /// A command whose future is dropped may have its effect; its answer is
    /// taken off the connection all the same.
    pub(crate) async fn call<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let under_way = UnderWay(&self.unanswered);
        let ended = self.send(command).await;
        std::mem::forget(under_way);
        self.unanswered.store(0, Ordering::Relaxed);
        ended
    }

    async fn send<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (number, mut connection) = self.connection().await?;
        let ended = command.query_async(&mut connection).await;
        if ended.as_ref().is_err_and(is_lost) {
            self.give_up(number).await;
        }
        ended
    }

    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let mut current = self.current.lock().await;
        if self.unanswered.load(Ordering::Relaxed) >= PATIENCE {
            current.1 = None;
        }
        if let Some(connection) = &current.1 {
            return Ok((current.0, connection.clone()));
        }
        let connection = self.client.get_multiplexed_async_connection().await?;
        // The calls that this one is made for may be given up as well.
        self.unanswered.store(0, Ordering::Relaxed);
        *current = (current.0 + 1, Some(connection.clone()));
        Ok((current.0, connection))
    }

    async fn give_up(&self, number: u64) {
        let mut current = self.current.lock().await;
        if current.0 == number {
            current.1 = None;
        }
    }
}

/// Whether the connection is of no more use.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error()
}
