//! Reading the log, whole or filtered.

use std::collections::HashSet;

use cqrs_core::message::Timestamp;
use cqrs_core::store::{Direction, Page, ReadRequest, Source};
use rusqlite::{Connection, OptionalExtension, params};

use super::page::{Collector, Span};
use super::runs::{Choice, Union};
use super::stream;
use crate::fault::{Fault, Outcome};
use crate::header::Header;
use crate::session::Session;
use crate::sql;

/// One page of events.
pub(crate) fn read(session: &mut Session, request: &ReadRequest) -> Outcome<Page> {
    session.snapshot(|session| match request.source() {
        Source::Stream(stream) => stream::read(session, request, stream),
        _ => read_log(session, request),
    })
}

fn read_log(session: &mut Session, request: &ReadRequest) -> Outcome<Page> {
    let Session { connection, names, pool, event_bytes, .. } = session;
    let (head, indexed): (i64, i64) = connection
        .prepare_cached(sql::PLACE)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let span = Span::new(request, head as u64);
    let categories = categories(connection, request.source())?;
    let nowhere = categories.as_ref().is_some_and(HashSet::is_empty);
    let choice = Choice::of(connection, request, categories.as_ref())?;
    let mut page = Collector::new(connection, names, (&*pool, event_bytes), request, categories);
    let (first, last) = within(connection, request, span)?;
    if nowhere || first > last {
        return Ok(page.finish(span));
    }
    let forward = request.direction() == Direction::Forward;
    let scan = if forward { sql::RANGE_FORWARD } else { sql::RANGE_BACKWARD };
    let Some(choice) = choice else {
        range(connection, scan, first, last, &mut page)?;
        return Ok(page.finish(span));
    };
    let near = |page: &mut Collector<'_>| {
        let last = last.min(indexed);
        let mut union = Union::new(connection, &choice, forward, first, last);
        while let Some((first, last)) = union.next()? {
            range(connection, scan, first, last, page)?;
            if page.is_full() {
                break;
            }
        }
        Outcome::Ok(())
    };
    let far =
        |page: &mut Collector<'_>| range(connection, scan, first.max(indexed + 1), last, page);
    if forward {
        near(&mut page)?;
        far(&mut page)?;
    } else {
        far(&mut page)?;
        near(&mut page)?;
    }
    Ok(page.finish(span))
}

/// Offers the events of a range until the page is full.
pub(super) fn range(
    connection: &Connection,
    statement: &str,
    first: i64,
    last: i64,
    page: &mut Collector<'_>,
) -> Outcome<()> {
    if page.is_full() || first > last {
        return Ok(());
    }
    page.expect(last - first + 1);
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query(params![first, last])?;
    while let Some(row) = rows.next()? {
        page.offer(row)?;
        if page.is_full() {
            break;
        }
    }
    Ok(())
}

/// The header of the event at a position.
pub(super) fn header(connection: &Connection, position: i64) -> Outcome<Header> {
    connection
        .prepare_cached(sql::HEADER)?
        .query_row([position], |row| Ok(Header::decode(row.get_ref(0)?)))
        .optional()?
        .ok_or_else(|| Fault::damaged(format!("no event stands at position {position}")))?
}

/// The numbers of the categories that a source takes, `None` for all.
fn categories(connection: &Connection, source: &Source) -> Outcome<Option<HashSet<i64>>> {
    let (statement, mut names) = match source {
        Source::Category { tenant: Some(tenant), category } => {
            (sql::CATEGORY, vec![tenant.as_str(), category.as_str()])
        }
        Source::Category { tenant: None, category } => {
            (sql::CATEGORIES_BY_NAME, vec![category.as_str()])
        }
        Source::All { tenant: Some(tenant) } => (sql::CATEGORIES_BY_TENANT, vec![tenant.as_str()]),
        _ => return Ok(None),
    };
    let mut statement = connection.prepare_cached(statement)?;
    let names = rusqlite::params_from_iter(names.drain(..));
    let numbers = statement.query_map(names, |row| row.get(0))?;
    Ok(Some(numbers.collect::<Result<_, _>>()?))
}

/// The bounds within which the recorded time lies in the request's range. It
/// never goes back along the log, so that bisection finds them.
fn within(connection: &Connection, request: &ReadRequest, span: Span) -> Outcome<(i64, i64)> {
    let (first, last) = (span.first(), span.last());
    let Some(range) = request.recorded_range().filter(|_| !span.is_empty()) else {
        return Ok((first, last));
    };
    if range.is_empty() {
        return Ok((1, 0));
    }
    let from = not_before(connection, first, last, range.start)?;
    let to = not_before(connection, from, last, range.end)?;
    Ok((from, to - 1))
}

/// The first position from `low` on that was recorded at or after a time,
/// `high + 1` if none was.
fn not_before(connection: &Connection, mut low: i64, mut high: i64, at: Timestamp) -> Outcome<i64> {
    while low <= high {
        let middle = low + (high - low) / 2;
        if header(connection, middle)?.recorded_at < at.as_micros() {
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}
