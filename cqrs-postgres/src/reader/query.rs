//! From a request to the statement that finds its events.
//!
//! What narrows a read most becomes its *driver*, an index that is walked in
//! the order of the log and left after so many events: a stream, a
//! correlation, a tag, the types, the categories. Everything else is a filter
//! on the events that the driver finds. Alternatives are walked one beside the
//! other and merged.

use cqrs_core::store::{Direction, QueryItem, ReadRequest, Source};
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::identity;
use crate::sql::COLUMNS;

/// The bounds of a read, both outside of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) after: i64,
    pub(super) before: i64,
}

/// A statement with its arguments.
pub(super) struct Query {
    pub(super) text: String,
    pub(super) arguments: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Query {
    pub(super) fn of(request: &ReadRequest, bounds: Bounds, limit: i64) -> Self {
        let mut query = Self { text: String::new(), arguments: Vec::new() };
        let order = match request.direction() {
            Direction::Forward => "",
            Direction::Backward => " DESC",
        };
        let mut frame = Frame {
            after: query.argument(bounds.after, Type::INT8),
            before: query.argument(bounds.before, Type::INT8),
            limit: query.argument(limit, Type::INT8),
            order,
            filter: String::new(),
        };
        let categories = query.categories(request.source());
        frame.filter = query.filter(request);
        query.text = query.choose(request, frame, categories);
        query
    }

    fn argument(&mut self, value: impl ToSql + Sync + Send + 'static, ty: Type) -> String {
        self.arguments.push((Box::new(value), ty));
        format!("${}", self.arguments.len())
    }

    /// What every event must meet beside the source, the query and the bounds,
    /// of the table `e`.
    fn filter(&mut self, request: &ReadRequest) -> String {
        let mut filter = String::new();
        if let Some(correlation) = request.correlation() {
            let correlation = self.argument(*correlation.as_uuid(), Type::UUID);
            filter += &format!(" AND e.correlation = {correlation}");
        }
        if let (Source::Stream(_), Some(range)) = (request.source(), request.recorded_range()) {
            let from = self.argument(range.start.as_micros(), Type::INT8);
            let to = self.argument(range.end.as_micros(), Type::INT8);
            filter += &format!(" AND e.recorded_at >= {from} AND e.recorded_at < {to}");
        }
        filter
    }

    /// The numbers of the categories that a source takes, `None` for all.
    fn categories(&mut self, source: &Source) -> Option<String> {
        let numbers = "ARRAY(SELECT c.number FROM @schema@.categories c WHERE";
        match source {
            Source::All { tenant: Some(tenant) } => {
                let tenant = self.argument(tenant.as_str().to_owned(), Type::TEXT);
                Some(format!("{numbers} c.tenant = {tenant})"))
            }
            Source::Category { tenant, category } => {
                let category = self.argument(category.as_str().to_owned(), Type::TEXT);
                let tenant = tenant.as_ref().map(|tenant| {
                    let tenant = self.argument(tenant.as_str().to_owned(), Type::TEXT);
                    format!(" AND c.tenant = {tenant}")
                });
                let tenant = tenant.unwrap_or_default();
                Some(format!("{numbers} c.category = {category}{tenant})"))
            }
            _ => None,
        }
    }

    fn choose(
        &mut self,
        request: &ReadRequest,
        mut frame: Frame,
        categories: Option<String>,
    ) -> String {
        let items = request.query().items();
        let is_open = |item: &QueryItem| item.event_types().is_empty() && item.tags().is_empty();
        let items = if items.iter().any(is_open) { &[] } else { items };
        if let (Some(categories), true, None) =
            (&categories, items.is_empty(), request.correlation())
        {
            return frame.merge("category", categories);
        }
        if let Some(categories) = categories {
            frame.filter += &format!(" AND e.category = ANY ({categories})");
        }
        if let Source::Stream(stream) = request.source() {
            let id = self.argument(identity::of_stream(stream), Type::UUID);
            let wanted = self.any_of(items);
            return frame.walk("version", &format!("e.stream = {id}{wanted}"));
        }
        if request.correlation().is_some() {
            let wanted = self.any_of(items);
            return frame.walk("position", &format!("true{wanted}"));
        }
        if items.is_empty() {
            return frame.walk("position", "true");
        }
        let (tagged, by_type): (Vec<_>, Vec<_>) =
            items.iter().partition(|item| !item.tags().is_empty());
        let mut drivers: Vec<String> = tagged
            .into_iter()
            .map(|item| {
                let tag = self.argument(identity::of_tag(item.tags()[0].as_str()), Type::UUID);
                let wanted = self.matches(item);
                frame.by_tag(&tag, &wanted)
            })
            .collect();
        if !by_type.is_empty() {
            let types = by_type.into_iter().flat_map(QueryItem::event_types);
            let kinds = self.kinds(types.map(|one| one.as_str().to_owned()).collect());
            drivers.push(frame.merge("kind", &kinds));
        }
        match &drivers[..] {
            [only] => only.clone(),
            _ => frame.union(&drivers),
        }
    }

    /// The numbers of types. A name with U+0000 is no type's, and no text of the
    /// server's.
    fn kinds(&mut self, mut types: Vec<String>) -> String {
        types.retain(|name| !name.contains('\0'));
        let types = self.argument(types, Type::TEXT_ARRAY);
        format!("ARRAY(SELECT k.number FROM @schema@.kinds k WHERE k.type = ANY ({types}))")
    }

    /// That an event meets an item.
    fn matches(&mut self, item: &QueryItem) -> String {
        let mut wanted = String::new();
        if !item.event_types().is_empty() {
            let types = item.event_types().iter().map(|one| one.as_str().to_owned());
            let kinds = self.kinds(types.collect());
            wanted += &format!(" AND e.kind = ANY ({kinds})");
        }
        if !item.tags().is_empty() {
            let tags: Vec<String> = item.tags().iter().map(|tag| tag.as_str().to_owned()).collect();
            let tags = self.argument(tags, Type::TEXT_ARRAY);
            wanted += &format!(" AND string_to_array(e.tags, E'\\n') @> {tags}");
        }
        wanted
    }

    /// That an event meets one of the items; with no item, any event does.
    fn any_of(&mut self, items: &[QueryItem]) -> String {
        if items.is_empty() {
            return String::new();
        }
        let each: Vec<_> =
            items.iter().map(|item| format!("(true{})", self.matches(item))).collect();
        format!(" AND ({})", each.join(" OR "))
    }
}

/// One event by its position. With `OFFSET 0` behind it, it is looked up for each
/// row, and never joined by walking the log from its beginning.
const EVENT: &str = "SELECT * FROM @schema@.events e WHERE e.position";

/// What all parts of a statement share.
struct Frame {
    after: String,
    before: String,
    limit: String,
    order: &'static str,
    filter: String,
}

impl Frame {
    fn within(&self, place: &str) -> String {
        let Self { after, before, .. } = self;
        format!("{place} > {after} AND {place} < {before}")
    }

    fn end(&self, place: &str) -> String {
        let Self { order, limit, .. } = self;
        format!("ORDER BY {place}{order} LIMIT {limit}")
    }

    /// Along the events themselves.
    fn walk(&self, place: &str, which: &str) -> String {
        let (within, end) = (self.within(&format!("e.{place}")), self.end(&format!("e.{place}")));
        let filter = &self.filter;
        format!("SELECT {COLUMNS} FROM @schema@.events e WHERE {which} AND {within}{filter} {end}")
    }

    /// Along the events that carry a tag.
    fn by_tag(&self, tag: &str, wanted: &str) -> String {
        let (within, order) = (self.within("t.position"), self.order);
        let (filter, limit) = (&self.filter, &self.limit);
        format!(
            "SELECT {COLUMNS} FROM @schema@.tags t CROSS JOIN LATERAL ({EVENT} = t.position OFFSET 0) e \
             WHERE t.tag = {tag} AND {within}{filter}{wanted} \
             ORDER BY t.tag{order}, t.position{order} LIMIT {limit}"
        )
    }

    /// Along the events of each number in a column, side by side. Compared as
    /// pairs, they leave no other index to walk: by its statistics the server
    /// would walk the log instead, for ever where the events stand at its end.
    fn merge(&self, column: &str, numbers: &str) -> String {
        let Self { filter, order, limit, after, before, .. } = self;
        let (pair, end) = (format!("(e.{column}, e.position)"), self.end("e.position"));
        format!(
            "SELECT {COLUMNS} FROM (\
             SELECT each.position FROM unnest({numbers}) n(number) CROSS JOIN LATERAL (\
             SELECT e.position FROM @schema@.events e \
             WHERE {pair} > (n.number, {after}) AND {pair} < (n.number, {before}){filter} \
             ORDER BY e.{column}{order}, e.position{order} LIMIT {limit}) each \
             ORDER BY each.position{order} LIMIT {limit}) found \
             CROSS JOIN LATERAL ({EVENT} = found.position OFFSET 0) e {end}"
        )
    }

    /// Several drivers, each event once.
    fn union(&self, drivers: &[String]) -> String {
        let each: Vec<_> = drivers.iter().map(|driver| format!("({driver})")).collect();
        format!(
            "SELECT DISTINCT ON (e.position) e.* FROM ({}) e {}",
            each.join(" UNION ALL "),
            self.end("e.position")
        )
    }
}

/// Whether a request asks for everything within its bounds.
pub(super) fn is_plain(request: &ReadRequest) -> bool {
    let everywhere = match request.source() {
        Source::All { tenant } => tenant.is_none(),
        Source::Stream(_) => true,
        _ => false,
    };
    everywhere
        && request.query().items().is_empty()
        && request.correlation().is_none()
        && request.recorded_range().is_none()
}

/// The id of the stream that a request reads.
pub(super) fn stream_of(request: &ReadRequest) -> Option<Uuid> {
    match request.source() {
        Source::Stream(stream) => Some(identity::of_stream(stream)),
        _ => None,
    }
}
