//! From rows to a page of events.

use cqrs_core::message::{CausationId, CorrelationId, EventId, Timestamp};
use cqrs_core::store::{
    Direction, Page, PageBuilder, PageEvent, PagePool, Position, ReadRequest, Source,
    StreamVersion, Tags,
};
use std::collections::HashMap;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::query::{Bounds, Query, is_plain, stream_of};
use crate::fault::{Fault, Outcome};
use crate::names::{Kind, Names};
use crate::session::{Answer, Session};

/// A page ends early once its rows have this many bytes.
const PAGE_BYTES: usize = 16 << 20;

/// One page of events.
pub(crate) async fn read(
    session: &Session,
    names: &Names,
    pool: &PagePool,
    request: &ReadRequest,
) -> Outcome<Page> {
    let forward = request.direction() == Direction::Forward;
    let number = |bound: u64| i64::try_from(bound).unwrap_or(i64::MAX);
    let mut bounds = Bounds { after: number(request.lower()), before: number(request.upper()) };
    let limit = i64::try_from(request.page_limit()).unwrap_or(i64::MAX);
    // Everything that stands there is in the page: it says itself how far it
    // reaches.
    if is_plain(request) {
        let rows = plain(session, request, bounds, limit).await?;
        let end = match (forward, rows.full) {
            (true, _) => rows.last(request).unwrap_or(request.lower()),
            (false, _) => request.lower().saturating_add(1),
        };
        return page(session, names, pool, request, rows, end).await;
    }
    // The head of before: what is committed meanwhile is not reached.
    let head = match request.source() {
        Source::Stream(stream) => super::stream_head(session, stream).await?.get(),
        _ => super::head(session).await?.get(),
    };
    let high = request.upper().saturating_sub(1).min(head);
    if let (Some(range), false) =
        (request.recorded_range(), matches!(request.source(), Source::Stream(_)))
    {
        let (low, high) = (bounds.after.saturating_add(1), number(high));
        let (from, to) = within(session, low, high, range.start, range.end).await?;
        bounds = Bounds { after: from - 1, before: to };
    }
    let rows = filtered(session, request, bounds, limit).await?;
    let is_empty = request.lower() >= high;
    let end = match (forward, is_empty) {
        (true, true) => rows.last(request).unwrap_or(request.lower()),
        (true, false) => rows.last(request).map_or(high, |last| last.max(high)),
        (false, _) => request.lower().saturating_add(1),
    };
    page(session, names, pool, request, rows, end).await
}

/// Rows of a page, and whether there may be more.
struct Rows {
    rows: Vec<Row>,
    full: bool,
}

impl Rows {
    fn of(Answer { rows, is_left }: Answer, limit: i64) -> Self {
        let full = is_left || rows.len() as i64 >= limit;
        Self { rows, full }
    }

    /// The place of the last one.
    fn last(&self, request: &ReadRequest) -> Option<u64> {
        let column = usize::from(matches!(request.source(), Source::Stream(_)));
        self.rows.last().and_then(|row| row.try_get::<_, i64>(column).ok()).map(i64::cast_unsigned)
    }
}

async fn plain(
    session: &Session,
    request: &ReadRequest,
    Bounds { after, before }: Bounds,
    limit: i64,
) -> Outcome<Rows> {
    let sql = &session.sql;
    let forward = request.direction() == Direction::Forward;
    let stream = stream_of(request);
    let text = match (stream, forward) {
        (Some(_), true) => &sql.stream,
        (Some(_), false) => &sql.stream_backward,
        (None, true) => &sql.range,
        (None, false) => &sql.range_backward,
    };
    let bounds: [&(dyn ToSql + Sync); 3] = [&after, &before, &limit];
    let stream = stream.as_ref().map(|id| id as &(dyn ToSql + Sync));
    let arguments = bounds.into_iter().chain(stream).collect();
    Ok(Rows::of(session.rows(text, arguments, PAGE_BYTES).await?, limit))
}

async fn filtered(
    session: &Session,
    request: &ReadRequest,
    bounds: Bounds,
    limit: i64,
) -> Outcome<Rows> {
    let Query { text, arguments } = Query::of(request, bounds, limit);
    let text = session.sql.of(&text);
    let arguments =
        arguments.iter().map(|(value, ty)| (&**value as &(dyn ToSql + Sync), ty.clone()));
    let answer = session.rows_once(&text, arguments.collect(), PAGE_BYTES).await?;
    Ok(Rows::of(answer, limit))
}

/// The bounds within which the recorded time lies in a range.
async fn within(
    session: &Session,
    low: i64,
    high: i64,
    start: Timestamp,
    end: Timestamp,
) -> Outcome<(i64, i64)> {
    if start >= end || low > high {
        return Ok((low, low));
    }
    let (start, end) = (start.as_micros(), end.as_micros());
    let text = session.sql.of("SELECT f.at, @schema@.first_at(f.at, $2, $4)
         FROM (SELECT @schema@.first_at($1, $2, $3) AS at) f");
    let rows = session.query(&text, &[&low, &high, &start, &end]).await?;
    let row = rows.first().ok_or_else(|| Fault::damaged("a function gave no row"))?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

async fn page(
    session: &Session,
    names: &Names,
    pool: &PagePool,
    request: &ReadRequest,
    Rows { rows, full }: Rows,
    end: u64,
) -> Outcome<Page> {
    let own = match request.source() {
        Source::Stream(stream) => Some(stream),
        _ => None,
    };
    let fixed: Vec<(i32, Uuid)> =
        rows.iter().map(|row| Ok((row.try_get(4)?, row.try_get(5)?))).collect::<Outcome<_>>()?;
    let streams = fixed.iter().filter(|_| own.is_none()).map(|(_, stream)| *stream);
    let known = names.learn(session, fixed.iter().map(|(kind, _)| *kind), streams).await?;
    let mut page = PageBuilder::from_pool(pool);
    let own = own.map(|stream| page.stream(stream.clone()));
    let (mut kinds, mut streams) = (HashMap::new(), HashMap::new());
    let mut reached = 0;
    for (row, (kind, stream)) in rows.iter().zip(fixed) {
        let kind = match kinds.get(&kind) {
            Some(place) => *place,
            None => {
                let Kind { event_type, version, encoding } = known.kind(kind)?.clone();
                let place = page.kind(event_type, version, encoding);
                kinds.insert(kind, place);
                place
            }
        };
        let stream = match own.or_else(|| streams.get(&stream).copied()) {
            Some(place) => place,
            None => {
                let place = page.stream(known.stream(stream)?.clone());
                streams.insert(stream, place);
                place
            }
        };
        let (position, version): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        reached = if own.is_some() { version } else { position };
        let tags: Option<&str> = row.try_get(9)?;
        page.push(PageEvent {
            id: EventId::from_uuid(row.try_get(6)?),
            kind,
            stream,
            position: Position::new(position.cast_unsigned()),
            version: StreamVersion::new(version.cast_unsigned()),
            correlation_id: CorrelationId::from_uuid(row.try_get(7)?),
            causation_id: row.try_get::<_, Option<Uuid>>(8)?.map(CausationId::from_uuid),
            occurred_at: Timestamp::from_micros(row.try_get(2)?),
            recorded_at: Timestamp::from_micros(row.try_get(3)?),
            tags: tags.map_or(Tags::NONE, Tags::from_lines),
            details: row.try_get::<_, Option<&[u8]>>(10)?.unwrap_or_default(),
            payload: row.try_get(11)?,
        });
    }
    if full {
        return Ok(page.finish(reached.cast_unsigned(), false));
    }
    Ok(page.finish(end, true))
}
