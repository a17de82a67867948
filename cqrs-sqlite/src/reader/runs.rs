//! Which of the derived tables a read follows, and the union of their runs.

use std::collections::{HashSet, VecDeque};

use cqrs_core::store::{QueryItem, ReadRequest};
use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, ToSql};

use crate::fault::Outcome;
use crate::sql;

/// Beyond this many lists, a scan of the log is cheaper than their union.
const MOST_LISTS: usize = 64;

/// The lists whose union holds every event that the request wants.
pub(super) struct Choice(Vec<(List, Value)>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Category,
    Kind,
    Tag,
    Correlation,
}

impl List {
    fn statement(self, forward: bool) -> &'static str {
        match (self, forward) {
            (Self::Category, true) => sql::RUNS_BY_CATEGORY_FORWARD,
            (Self::Category, false) => sql::RUNS_BY_CATEGORY_BACKWARD,
            (Self::Kind, true) => sql::RUNS_BY_KIND_FORWARD,
            (Self::Kind, false) => sql::RUNS_BY_KIND_BACKWARD,
            (Self::Tag, true) => sql::RUNS_BY_TAG_FORWARD,
            (Self::Tag, false) => sql::RUNS_BY_TAG_BACKWARD,
            (Self::Correlation, true) => sql::RUNS_BY_CORRELATION_FORWARD,
            (Self::Correlation, false) => sql::RUNS_BY_CORRELATION_BACKWARD,
        }
    }
}

impl Choice {
    /// The narrowest lists that the request names, `None` for a scan.
    pub(super) fn of(
        connection: &Connection,
        request: &ReadRequest,
        categories: Option<&HashSet<i64>>,
    ) -> Outcome<Option<Self>> {
        if let Some(one) = request.correlation() {
            let key = Value::Blob(one.as_uuid().as_bytes().to_vec());
            return Ok(Some(Self(vec![(List::Correlation, key)])));
        }
        let after = request.lower().min(i64::MAX as u64) as i64;
        if let Some(lists) = of_query(connection, request.query().items(), after)? {
            return Ok((lists.len() <= MOST_LISTS).then_some(Self(lists)));
        }
        let lists = categories.map(|numbers| {
            numbers.iter().map(|number| (List::Category, Value::Integer(*number))).collect()
        });
        Ok(lists.filter(|lists: &Vec<_>| lists.len() <= MOST_LISTS).map(Self))
    }
}

/// One list for each alternative; none if an alternative takes everything.
fn of_query(
    connection: &Connection,
    items: &[QueryItem],
    after: i64,
) -> Outcome<Option<Vec<(List, Value)>>> {
    if items.is_empty() {
        return Ok(None);
    }
    let mut lists = Vec::new();
    for item in items {
        if !item.tags().is_empty() {
            lists.push((List::Tag, rarest(connection, item, after)?));
        } else if item.event_types().is_empty() {
            return Ok(None);
        }
        if item.tags().is_empty() {
            let mut kinds = connection.prepare_cached(sql::KINDS_OF_TYPE)?;
            for name in item.event_types() {
                let mut rows = kinds.query([name.as_str()])?;
                while let Some(row) = rows.next()? {
                    lists.push((List::Kind, Value::Integer(row.get(0)?)));
                }
            }
        }
    }
    lists.dedup();
    Ok(Some(lists))
}

/// The tag of an item that the fewest events carry.
fn rarest(connection: &Connection, item: &QueryItem, after: i64) -> Outcome<Value> {
    let mut rarest = (i64::MAX, "");
    for tag in item.tags() {
        let weight = match item.tags() {
            [_] => 0,
            _ => connection
                .prepare_cached(sql::TAG_WEIGHT)?
                .query_row((tag.as_str(), after), |row| row.get(0))?,
        };
        rarest = rarest.min((weight, tag.as_str()));
    }
    Ok(Value::Text(rarest.1.to_owned()))
}

/// Runs are joined up to this many positions, so that the first of them can
/// be read before the last are known.
const JOINED: i64 = 4096;

/// The runs of several lists, joined where they touch, in one order.
pub(super) struct Union<'c> {
    connection: &'c Connection,
    forward: bool,
    lists: Vec<Runs<'c>>,
    /// The inclusive bounds of what has not been handed out.
    rest: (i64, i64),
}

/// The runs of one list, fetched in portions.
struct Runs<'c> {
    list: List,
    key: &'c Value,
    /// The exclusive bounds of what has not been fetched.
    after: i64,
    before: i64,
    fetched: VecDeque<(i64, i64)>,
    exhausted: bool,
}

struct ByRef<'a>(&'a Value);

impl ToSql for ByRef<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl<'c> Union<'c> {
    /// The runs between two positions, both included.
    pub(super) fn new(
        connection: &'c Connection,
        choice: &'c Choice,
        forward: bool,
        first: i64,
        last: i64,
    ) -> Self {
        let runs = |(list, key): &'c (List, Value)| Runs {
            list: *list,
            key,
            after: first - 1,
            before: last + 1,
            fetched: VecDeque::new(),
            exhausted: first > last,
        };
        let lists = choice.0.iter().map(runs).collect();
        Self { connection, forward, lists, rest: (first, last) }
    }

    /// The next positions, first and last included.
    pub(super) fn next(&mut self) -> Outcome<Option<(i64, i64)>> {
        let mut joined: Option<(i64, i64)> = None;
        for index in 0..self.lists.len() {
            let Some(run) = self.peek(index)? else { continue };
            joined = match joined {
                Some(best) if self.forward && best.0 <= run.0 => Some(best),
                Some(best) if !self.forward && best.1 >= run.1 => Some(best),
                _ => Some(run),
            };
        }
        let Some(mut joined) = joined else { return Ok(None) };
        while self.grow(&mut joined)? {}
        if self.forward {
            self.rest.0 = joined.1 + 1;
        } else {
            self.rest.1 = joined.0 - 1;
        }
        Ok(Some(joined))
    }

    /// Adds what touches the run. Returns whether that made it longer.
    fn grow(&mut self, joined: &mut (i64, i64)) -> Outcome<bool> {
        let before = *joined;
        for index in 0..self.lists.len() {
            while joined.1 - joined.0 < JOINED
                && let Some(run) = self.peek(index)?
                && run.0 <= joined.1 + 1
                && run.1 >= joined.0 - 1
            {
                *joined = (joined.0.min(run.0), joined.1.max(run.1));
                self.lists[index].fetched.pop_front();
            }
        }
        Ok(*joined != before)
    }

    /// The next run of a list, without what has been handed out.
    fn peek(&mut self, index: usize) -> Outcome<Option<(i64, i64)>> {
        let (low, high) = self.rest;
        let runs = &mut self.lists[index];
        loop {
            match runs.fetched.front() {
                Some(&(first, last)) if first.max(low) <= last.min(high) => {
                    return Ok(Some((first.max(low), last.min(high))));
                }
                Some(_) => drop(runs.fetched.pop_front()),
                None if runs.exhausted => return Ok(None),
                None => runs.fetch(self.connection, self.forward)?,
            }
        }
    }
}

impl Runs<'_> {
    fn fetch(&mut self, connection: &Connection, forward: bool) -> Outcome<()> {
        let mut statement = connection.prepare_cached(self.list.statement(forward))?;
        let mut rows = statement.query((ByRef(self.key), self.after, self.before))?;
        self.exhausted = true;
        while let Some(row) = rows.next()? {
            let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
            self.fetched.push_back((first, last));
            if forward {
                self.after = last;
            } else {
                self.before = first;
            }
            self.exhausted = false;
        }
        Ok(())
    }
}
