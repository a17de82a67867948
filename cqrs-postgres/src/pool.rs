//! The connections that read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cqrs_core::store::LogId;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
    TimeoutType, Timeouts,
};
use tokio_postgres::types::Type;

use crate::fault::{Fault, Outcome};
use crate::migrations::ORIGIN;
use crate::options::PostgresOptions;
use crate::server::{ByServer, Server};
use crate::session::Session;
use crate::sql::Sql;

/// What the pool of connections that read is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Connections that it may have.
    pub most: usize,
    /// Connections that it has.
    pub open: usize,
    /// Those of them that nobody uses.
    pub idle: usize,
    /// Reads that wait for one.
    pub waiting: usize,
    /// Reads that have waited in vain, since the store was opened.
    pub timed_out: u64,
}

/// Connections to one log, which are made when they are needed. Clones share
/// them.
#[derive(Clone)]
pub(crate) struct Readers {
    pool: Pool,
    server: Server,
    sql: Arc<Sql>,
    log: LogId,
    timed_out: Arc<AtomicU64>,
}

impl Readers {
    pub(crate) fn new(
        server: &Server,
        options: &PostgresOptions,
        sql: &Arc<Sql>,
        log: uuid::Uuid,
    ) -> Outcome<Self> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager =
            Manager::from_connect(server.config().clone(), ByServer(server.clone()), config);
        let (wait, create) = (Some(options.wait), Some(server.patience()));
        let timeouts = Timeouts { wait, create, ..Timeouts::default() };
        let pool = Pool::builder(manager)
            .max_size(options.connections)
            .runtime(Runtime::Tokio1)
            .timeouts(timeouts)
            .post_create(same_log(sql, log))
            .build();
        Ok(Self {
            pool: pool.map_err(|error| Fault::damaged(error.to_string()))?,
            server: server.clone(),
            sql: Arc::clone(sql),
            log: LogId::from_uuid(log),
            timed_out: Arc::default(),
        })
    }

    /// A connection, once there is one.
    pub(crate) async fn connection(&self) -> Outcome<Object> {
        Ok(self.pool.get().await?)
    }

    /// A connection to read on.
    pub(crate) async fn session(&self) -> Outcome<Session> {
        let connection = self.pool.get().await;
        if let Err(PoolError::Timeout(TimeoutType::Wait)) = connection {
            self.timed_out.fetch_add(1, Ordering::Relaxed);
        }
        let (sql, cancel) = (Arc::clone(&self.sql), Arc::clone(self.server.cancel()));
        Ok(Session::pooled(connection?, sql, cancel, self.log))
    }

    /// Looks whether the log is still the one that was opened.
    pub(crate) async fn look_at_log(&self) -> Outcome<()> {
        self.session().await?.look().await
    }

    /// Whether a read that failed so is run again, on another connection: a
    /// read changes nothing.
    pub(crate) fn is_run_again(&self, fault: &Fault, broken: &mut usize) -> bool {
        *broken += 1;
        fault.is_broken() && *broken <= self.pool.status().max_size + 1
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            most: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
            timed_out: self.timed_out.load(Ordering::Relaxed),
        }
    }

    /// Whether two connections are one at the server: what is set on one is
    /// found on the other.
    pub(crate) async fn share(&self, session: &Session) -> Outcome<bool> {
        let mark = uuid::Uuid::from_u64_pair(
            std::process::id().into(),
            session.backend().map_or(0, |one| one.process.unsigned_abs().into()),
        );
        let (set, mark) = ("SELECT set_config('cqrs.mark', $1, false)", mark.to_string());
        let get = "SELECT coalesce(current_setting('cqrs.mark', true), '')";
        let other = self.connection().await?;
        for _ in 0..3 {
            session.client().query_typed(set, &[(&mark, Type::TEXT)]).await?;
            let found = other.query_typed_one(get, &[]).await?;
            if found.try_get::<_, &str>(0)? == mark {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Closes what nobody has used for so long, again and again.
    pub(crate) async fn close_idle(self, idle: Duration) {
        loop {
            tokio::time::sleep(idle.max(Duration::from_millis(1))).await;
            self.pool.retain(|_, used| used.last_used() < idle);
        }
    }
}

/// Refuses a connection that leads to another log: to a copy of the server, or
/// to one that was restored.
fn same_log(sql: &Sql, log: uuid::Uuid) -> Hook {
    let look = "SELECT EXISTS (SELECT FROM @schema@.log WHERE id = $1 AND origin =";
    let look: Arc<str> = sql.of(&format!("{look} {ORIGIN})")).into();
    Hook::async_fn(move |client, _| {
        let look = Arc::clone(&look);
        Box::pin(async move {
            let row = client.query_typed_one(&look, &[(&log, Type::UUID)]).await;
            match row.and_then(|row| row.try_get(0)).map_err(HookError::Backend)? {
                true => Ok(()),
                false => Err(HookError::message("another log")),
            }
        })
    })
}
