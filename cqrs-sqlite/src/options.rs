//! How a store is opened.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cqrs_core::runtime::{Clock, SystemClock};
use cqrs_core::store::Limits;

use crate::{OpenError, SqliteStore};

/// Settings of a [`SqliteStore`]; the defaults suit most applications.
///
/// ```no_run
/// # async fn run() -> Result<(), cqrs_sqlite::OpenError> {
/// use std::time::Duration;
/// let store = cqrs_sqlite::SqliteStore::options()
///     .path("bank.db")
///     .busy_timeout(Duration::from_secs(10))
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until `open` is called"]
pub struct SqliteOptions {
    pub(crate) path: Option<PathBuf>,
    pub(crate) busy_timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) limits: Limits,
    pub(crate) migrate: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) index_every: u64,
    pub(crate) pragmas: Vec<String>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            path: None,
            busy_timeout: Duration::from_secs(5),
            readers: cores.clamp(2, 4),
            limits: Limits::default(),
            migrate: true,
            clock: Arc::new(SystemClock::new()),
            index_every: 0,
            pragmas: Vec::new(),
        }
    }
}

impl SqliteOptions {
    /// The file of the log; it is created if it does not exist. Without a
    /// path the store lives in memory and ends with its last handle.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// How long to wait for another process that writes. Default 5 s.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many reads may run at once, each on a thread and a connection of
    /// its own; at least 1. Default: the number of cores, from 2 to 4. A store
    /// in memory reads where it writes.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// The limits that every unit of work is held to.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether missing migrations are run, and a file that is not there is made.
    /// Default yes; turn it off where [`Migrator`](crate::Migrator) does.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// The clock that leases end by. Default: the system's, which processes on
    /// one machine have in common.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// For tests: derive the indexes whenever this many events wait.
    #[doc(hidden)]
    pub fn index_every(mut self, events: u64) -> Self {
        self.index_every = events.max(1);
        self
    }

    /// For tests: runs a statement on the writing connection once it is open.
    #[doc(hidden)]
    pub fn pragma(mut self, statement: impl Into<String>) -> Self {
        self.pragmas.push(statement.into());
        self
    }

    /// Opens the store.
    ///
    /// # Errors
    ///
    /// [`OpenError`] tells what keeps the file from being a durable log.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes whatever was opened, and may wait for that.
    pub async fn open(self) -> Result<SqliteStore, OpenError> {
        SqliteStore::start(self).await
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("path", &self.path)
            .field("busy_timeout", &self.busy_timeout)
            .field("readers", &self.readers)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
