//! Reading one stream.
//!
//! Up to `indexed.through` the runs of `by_stream` say where the events are.
//! Behind it each event knows where its stream stood before the unit that
//! wrote it, so that the way back from the head finds the others, a step for
//! each unit.

use cqrs_core::store::{Direction, Page, ReadRequest, StreamId, StreamVersion};
use rusqlite::{Connection, OptionalExtension};

use super::events;
use super::page::{Collector, Span};
use crate::fault::{Fault, Outcome};
use crate::header::Header;
use crate::session::Session;
use crate::sql;

struct Place {
    stream: i64,
    version: i64,
    position: i64,
    indexed: i64,
}

/// Events of a stream side by side in the log, behind the index.
struct Run {
    version: i64,
    first: i64,
    last: i64,
}

/// The version of a stream's newest event.
pub(crate) fn head(session: &mut Session, stream: &StreamId) -> Outcome<StreamVersion> {
    let place = place(&session.connection, stream)?;
    Ok(place.map_or(StreamVersion::NONE, |place| StreamVersion::new(place.version as u64)))
}

pub(super) fn read(
    session: &mut Session,
    request: &ReadRequest,
    stream: &StreamId,
) -> Outcome<Page> {
    let Session { connection, names, pool, event_bytes, .. } = session;
    let place = place(connection, stream)?;
    let span = Span::new(request, place.as_ref().map_or(0, |place| place.version as u64));
    let mut page = Collector::new(connection, names, (&*pool, event_bytes), request, None);
    let Some(place) = place.filter(|_| !span.is_empty()) else { return Ok(page.finish(span)) };
    page.expect(span.last() - span.first() + 1);
    let tail = tail(connection, &place, span)?;
    if request.direction() == Direction::Forward {
        indexed(connection, sql::STREAM_FORWARD, &place, span, &mut page)?;
        for run in tail.iter().rev() {
            walk(connection, sql::RANGE_FORWARD, run, span, &mut page)?;
        }
    } else {
        for run in &tail {
            walk(connection, sql::RANGE_BACKWARD, run, span, &mut page)?;
        }
        indexed(connection, sql::STREAM_BACKWARD, &place, span, &mut page)?;
    }
    Ok(page.finish(span))
}

fn place(connection: &Connection, stream: &StreamId) -> Outcome<Option<Place>> {
    let name = (stream.tenant().as_str(), stream.category().as_str(), stream.key());
    let place = connection.prepare_cached(sql::STREAM_PLACE)?.query_row(name, |row| {
        Ok(Place {
            stream: row.get(0)?,
            version: row.get(1)?,
            position: row.get(2)?,
            indexed: row.get(3)?,
        })
    });
    Ok(place.optional()?)
}

fn indexed(
    connection: &Connection,
    statement: &str,
    place: &Place,
    span: Span,
    page: &mut Collector<'_>,
) -> Outcome<()> {
    if page.is_full() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query((place.stream, span.first() - 1, span.last() + 1))?;
    while let Some(row) = rows.next()? {
        page.offer(row)?;
        if page.is_full() {
            break;
        }
    }
    Ok(())
}

/// The runs behind the index, newest first, as far back as the span needs.
fn tail(connection: &Connection, place: &Place, span: Span) -> Outcome<Vec<Run>> {
    let mut runs = Vec::new();
    let (mut version, mut position) = (place.version, place.position);
    while position > place.indexed && version >= span.first() {
        let Header { version: found, previous, .. } = events::header(connection, position)?;
        let before = match previous {
            0 => 0,
            previous => events::header(connection, previous)?.version,
        };
        if found != version || before >= version || previous >= position {
            let what = format!("event at position {position} does not follow position {previous}");
            return Err(Fault::Damaged(what));
        }
        let first = position - (version - before - 1);
        runs.push(Run { version: before + 1, first, last: position });
        (version, position) = (before, previous);
    }
    Ok(runs)
}

fn walk(
    connection: &Connection,
    statement: &str,
    run: &Run,
    span: Span,
    page: &mut Collector<'_>,
) -> Outcome<()> {
    let first = run.first + (span.first() - run.version).max(0);
    let last = run.last.min(run.first.saturating_add(span.last() - run.version));
    if page.is_full() || first > last {
        return Ok(());
    }
    events::range(connection, statement, first, last, page)
}
