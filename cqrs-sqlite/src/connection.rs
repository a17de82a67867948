//! Opening connections, and making sure that their settings hold.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::OpenError;
use crate::fault::{Fault, Outcome};
use crate::migrations::Migrations;
use crate::options::SqliteOptions;

/// Pages that the writer keeps in memory, in KiB.
const WRITER_CACHE: i64 = 12 * 1024;
/// Pages that each reader keeps in memory, in KiB.
const READER_CACHE: i64 = 8 * 1024;
/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 96;

/// What errors and messages call the database.
pub(crate) fn label(options: &SqliteOptions) -> PathBuf {
    options.path.clone().unwrap_or_else(|| ":memory:".into())
}

/// The connection that writes.
pub(crate) fn writer(options: &SqliteOptions) -> Result<Connection, OpenError> {
    let Some(path) = &options.path else { return in_memory() };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(OpenError::NoFolder { path: path.clone() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let flags = if options.migrate { flags | OpenFlags::SQLITE_OPEN_CREATE } else { flags };
    if !options.migrate && !path.exists() {
        return Err(OpenError::NotMigrated { path: path.clone(), missing: 1 });
    }
    let fail = |fault: Fault| OpenError::new(path, &fault);
    let connection = connect(path, flags, options.busy_timeout).map_err(fail)?;
    // Before anything is changed: the file may belong to somebody else.
    Migrations { connection: &connection, path }.look()?;
    let mode = write_ahead(&connection, options.busy_timeout).map_err(fail)?;
    if mode != "wal" {
        let (setting, required) = ("journal_mode", "wal");
        return Err(OpenError::Setting { path: path.clone(), setting, required, actual: mode });
    }
    configure(&connection, WRITER_CACHE).map_err(fail)?;
    durable(&connection, path)?;
    // SQLite opens a file that it may not write without a word.
    connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(|error| fail(error.into()))?;
    Ok(connection)
}

/// A connection that looks at a file and changes nothing; `None` if it is not
/// there.
pub(crate) fn existing(options: &SqliteOptions) -> Result<Option<Connection>, OpenError> {
    let path = label(options);
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(&path, flags, options.busy_timeout);
    connection.map(Some).map_err(|fault| OpenError::new(&path, &fault))
}

/// A connection that only reads.
pub(crate) fn reader(options: &SqliteOptions) -> Result<Connection, OpenError> {
    let path = label(options);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = connect(&path, flags, options.busy_timeout)?;
        configure(&connection, READER_CACHE)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    let connection = open().map_err(|fault: Fault| OpenError::new(&path, &fault))?;
    durable(&connection, &path)?;
    Ok(connection)
}

fn in_memory() -> Result<Connection, OpenError> {
    let open = || {
        let connection = Connection::open_in_memory()?;
        remember_statements(&connection)?;
        Ok(connection)
    };
    open().map_err(|fault: Fault| OpenError::new(Path::new(":memory:"), &fault))
}

fn connect(path: &Path, flags: OpenFlags, busy: Duration) -> Outcome<Connection> {
    // SQLite may be built to read a path that begins with `file:` as a URI.
    let literal = if path.is_relative() { Path::new(".").join(path) } else { path.to_owned() };
    let connection = Connection::open_with_flags(literal, flags)?;
    connection.busy_timeout(busy)?;
    remember_statements(&connection)?;
    Ok(connection)
}

/// Keeps statements prepared, with plans that do not depend on the values
/// that are bound. Otherwise SQLite prepares a statement anew whenever its
/// bindings were cleared, which costs more than most of them.
fn remember_statements(connection: &Connection) -> Outcome<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Switches to write-ahead logging. SQLite does not wait for a lock here by
/// itself in every case, so this does.
#[expect(clippy::disallowed_methods, reason = "a lock of another process has no clock of ours")]
fn write_ahead(connection: &Connection, patience: Duration) -> Outcome<String> {
    let deadline = Instant::now() + patience;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match mode.map_err(Fault::from) {
            Err(fault) if fault.is_busy() && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn configure(connection: &Connection, cache_kib: i64) -> Outcome<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Without effect outside macOS, where a plain fsync reaches no platter.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    // The writer does checkpoints itself, after it has answered. This is the
    // backstop.
    connection.pragma_update(None, "wal_autocheckpoint", 16_384)?;
    Ok(())
}

fn durable(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let fail = |error: rusqlite::Error| OpenError::new(path, &error.into());
    let mode: String =
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(fail)?;
    let synchronous: i64 =
        connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(fail)?;
    let (setting, required, actual) = match (mode.as_str(), synchronous) {
        ("wal", 2..) => return Ok(()),
        ("wal", other) => ("synchronous", "2", other.to_string()),
        (other, _) => ("journal_mode", "wal", other.to_owned()),
    };
    Err(OpenError::Setting { path: path.to_owned(), setting, required, actual })
}
