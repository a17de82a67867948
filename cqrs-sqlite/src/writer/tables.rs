//! What commits beside the events: snapshots, rows, checkpoints.

use std::collections::HashMap;

use cqrs_core::store::{
    Checkpoint, CheckpointName, CommitError, Cursor, Epoch, Snapshot, TableName, TableWrite,
    UnitOfWork,
};
use rusqlite::{Connection, OptionalExtension};

use super::log::Log;
use crate::fault::Outcome;
use crate::reader;
use crate::sql;

impl Log {
    /// Whether the unit's worker still holds its checkpoint.
    pub(super) fn check_fence(&mut self, work: &UnitOfWork) -> Outcome<Result<(), CommitError>> {
        let Some(advance) = work.advance() else { return Ok(Ok(())) };
        let found = reader::checkpoint(&self.session.connection, advance.name())?;
        let actual = found.map_or(Epoch::default(), |checkpoint| checkpoint.epoch);
        let (checkpoint, held) = (advance.name().clone(), advance.epoch());
        Ok(if actual == held && actual > Epoch::default() {
            Ok(())
        } else {
            Err(CommitError::Fenced { checkpoint, held, actual })
        })
    }

    pub(super) fn write_tables(&mut self, work: &UnitOfWork) -> Outcome<()> {
        for snapshot in work.snapshots() {
            self.save(snapshot)?;
        }
        let connection = &self.session.connection;
        let mut bytes = 0;
        for write in work.tables() {
            change(&mut self.tables, connection, write)?;
            bytes += write.value().map_or(0, bytes::Bytes::len) + 32;
        }
        self.pages.filled(2 * bytes);
        match work.advance() {
            Some(advance) => {
                put_checkpoint(connection, advance.name(), advance.epoch(), advance.to())
            }
            None => Ok(()),
        }
    }

    /// Raises the epoch of a checkpoint.
    pub(super) fn claim(&mut self, name: &CheckpointName) -> Outcome<Checkpoint> {
        let connection = &self.session.connection;
        let found = reader::checkpoint(connection, name)?;
        let (epoch, cursor) = found.map_or((0, None), |found| (found.epoch.get(), found.cursor));
        let epoch = Epoch::new(epoch + 1);
        put_checkpoint(connection, name, epoch, cursor)?;
        Ok(Checkpoint { name: name.clone(), epoch, cursor })
    }

    /// Saves a snapshot unless a later one of the same shape is there.
    fn save(&mut self, snapshot: &Snapshot) -> Outcome<()> {
        let connection = &self.session.connection;
        let head = self.heads.ensure(connection, snapshot.stream())?;
        let (version, shape) = (snapshot.version().get().cast_signed(), snapshot.shape());
        let fingerprint = shape.fingerprint.cast_signed();
        let newer = connection
            .prepare_cached(sql::SNAPSHOT_PLACE)?
            .query_row([head.stream], |row| {
                Ok(row.get::<_, i64>(0)? > version
                    && row.get::<_, u32>(1)? == shape.version
                    && row.get::<_, i64>(2)? == fingerprint)
            })
            .optional()?;
        if newer != Some(true) {
            connection.prepare_cached(sql::SET_SNAPSHOT)?.execute((
                head.stream,
                version,
                shape.version,
                fingerprint,
                snapshot.encoding().as_str(),
                snapshot.taken_at().as_micros(),
                &snapshot.data()[..],
            ))?;
            self.pages.changed(1);
            self.pages.filled(snapshot.data().len());
        }
        Ok(())
    }
}

fn put_checkpoint(
    connection: &Connection,
    name: &CheckpointName,
    epoch: Epoch,
    cursor: Option<Cursor>,
) -> Outcome<()> {
    connection.prepare_cached(sql::SET_CHECKPOINT)?.execute((
        name.as_str(),
        epoch.get().cast_signed(),
        cursor.map(|cursor| *cursor.log.as_uuid().as_bytes()),
        cursor.map(|cursor| cursor.position.get().cast_signed()),
    ))?;
    Ok(())
}

fn change(
    tables: &mut HashMap<String, i64>,
    connection: &Connection,
    write: &TableWrite,
) -> Outcome<()> {
    let number = table(tables, connection, write.table())?;
    match (write.key(), write.value()) {
        (None, _) => connection.prepare_cached(sql::DELETE_ROWS)?.execute([number])?,
        (Some(key), None) => connection.prepare_cached(sql::DELETE_ROW)?.execute((number, key))?,
        (Some(key), Some(value)) => {
            connection.prepare_cached(sql::SET_ROW)?.execute((number, key, &value[..]))?
        }
    };
    Ok(())
}

/// The number of a table, which may be new.
fn table(
    tables: &mut HashMap<String, i64>,
    connection: &Connection,
    name: &TableName,
) -> Outcome<i64> {
    if let Some(number) = tables.get(name.as_str()) {
        return Ok(*number);
    }
    let found = connection
        .prepare_cached(sql::TABLE)?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?;
    let number = match found {
        Some(number) => number,
        None => connection.prepare_cached(sql::NEW_TABLE)?.insert([name.as_str()])?,
    };
    tables.insert(name.as_str().to_owned(), number);
    Ok(number)
}
