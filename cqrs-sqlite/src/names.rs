//! What the small numbers in an event's row stand for, kept per connection.
//!
//! Numbers are given once and never change their meaning, so that what has
//! been read once stays true. The one exception is a number that was given in
//! a transaction that rolled back; the writer forgets everything then.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use cqrs_core::TenantId;
use cqrs_core::message::{Encoding, SchemaVersion};
use cqrs_core::store::{
    Category, EventQuery, EventTypeName, KindInPage, PageBuilder, StreamId, StreamInPage, Tags,
};
use rusqlite::{Connection, OptionalExtension};

use crate::fault::{Fault, Outcome};
use crate::sql;

/// Streams, kinds and categories whose names a connection remembers; powers
/// of two.
const STREAMS: usize = 1 << 13;
const KINDS: usize = 1 << 8;
const CATEGORIES: usize = 1 << 8;

/// Names that the process keeps for ever, so that an event can refer to its
/// type without a copy. Names beyond this many are copied.
const INTERNED: usize = 1 << 12;

/// A kind's place in a page, and whether the request wants its events whatever
/// their tags are.
#[derive(Clone, Copy)]
pub(crate) struct PageKind {
    pub(crate) place: KindInPage,
    pub(crate) wanted: bool,
}

/// The type, shape and format of an event.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) event_type: EventTypeName,
    pub(crate) schema_version: SchemaVersion,
    pub(crate) encoding: Encoding,
}

pub(crate) struct Names {
    kinds: Slots<Kind, PageKind>,
    categories: Slots<(TenantId, Category), ()>,
    streams: Slots<StreamId, StreamInPage>,
    /// Counts the pages that were begun.
    page: u64,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            kinds: Slots::new(KINDS),
            categories: Slots::new(CATEGORIES),
            streams: Slots::new(STREAMS),
            page: 0,
        }
    }
}

impl Names {
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// From here on names are asked for another page.
    pub(crate) fn begin_page(&mut self) {
        self.page += 1;
    }

    pub(crate) fn stream(&mut self, connection: &Connection, number: i64) -> Outcome<&StreamId> {
        let categories = &mut self.categories;
        let slot = self.streams.get_or(number, || load_stream(categories, connection, number))?;
        Ok(&slot.name)
    }

    /// A kind, and its place in the page.
    #[inline]
    pub(crate) fn kind_in_page(
        &mut self,
        connection: &Connection,
        number: i64,
        page: &mut PageBuilder,
        query: &EventQuery,
    ) -> Outcome<(&Kind, PageKind)> {
        let slot = self.kinds.get_or(number, || load_kind(connection, number))?;
        let Slot { name: kind, .. } = slot;
        let in_page = *slot.place.get_or_make(self.page, || {
            let (name, encoding) = (kind.event_type.clone(), kind.encoding.clone());
            let wanted = query.matches(name.as_str(), &Tags::NONE);
            PageKind { place: page.kind(name, kind.schema_version, encoding), wanted }
        });
        Ok((&slot.name, in_page))
    }

    /// A stream's place in the page.
    #[inline]
    pub(crate) fn stream_in_page(
        &mut self,
        connection: &Connection,
        number: i64,
        page: &mut PageBuilder,
    ) -> Outcome<StreamInPage> {
        let categories = &mut self.categories;
        let load = || load_stream(categories, connection, number);
        let slot = self.streams.get_or(number, load)?;
        let Slot { name: stream, .. } = slot;
        Ok(*slot.place.get_or_make(self.page, || page.stream(stream.clone())))
    }
}

/// What is remembered under a number: slot `number % slots.len()` holds what
/// was asked for last.
struct Slots<T, P> {
    slots: Vec<Option<Slot<T, P>>>,
    count: usize,
}

struct Slot<T, P> {
    number: i64,
    name: T,
    place: InPage<P>,
}

/// A place in the page for which it was made.
struct InPage<P>(Option<(u64, P)>);

impl<P> InPage<P> {
    #[inline]
    fn get_or_make(&mut self, page: u64, make: impl FnOnce() -> P) -> &P {
        if self.0.as_ref().is_none_or(|(of, _)| *of != page) {
            self.0 = Some((page, make()));
        }
        &self.0.as_ref().expect("the place was filled above").1
    }
}

impl<T, P> Slots<T, P> {
    fn new(count: usize) -> Self {
        Self { slots: Vec::new(), count }
    }

    #[inline]
    fn get_or(
        &mut self,
        number: i64,
        load: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<&mut Slot<T, P>> {
        if self.slots.is_empty() {
            self.slots.resize_with(self.count, || None);
        }
        let slot = &mut self.slots[number as usize & (self.count - 1)];
        if slot.as_ref().is_none_or(|kept| kept.number != number) {
            *slot = Some(Slot { number, name: load()?, place: InPage(None) });
        }
        Ok(slot.as_mut().expect("the slot was filled above"))
    }
}

fn load_stream(
    categories: &mut Slots<(TenantId, Category), ()>,
    connection: &Connection,
    number: i64,
) -> Outcome<StreamId> {
    let (category, key) = connection
        .prepare_cached(sql::STREAM_NAME)?
        .query_row([number], |row| Ok((row.get(0)?, row.get::<_, Box<str>>(1)?)))
        .optional()?
        .ok_or_else(|| Fault::damaged(format!("stream number {number} has no name")))?;
    let slot = categories.get_or(category, || load_category(connection, category))?;
    let (tenant, category) = slot.name.clone();
    StreamId::of_tenant(tenant, category, key)
        .map_err(|error| Fault::damaged(format!("stream number {number}: {error}")))
}

fn load_category(connection: &Connection, number: i64) -> Outcome<(TenantId, Category)> {
    let (tenant, name) = connection
        .prepare_cached(sql::CATEGORY_NAME)?
        .query_row([number], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(|| Fault::damaged(format!("category number {number} has no name")))?;
    let category = interned(name).map_or_else(Category::from, Category::named);
    Ok((tenant.into(), category))
}

fn load_kind(connection: &Connection, number: i64) -> Outcome<Kind> {
    let (name, version, encoding): (String, u32, String) = connection
        .prepare_cached(sql::KIND)?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .filter(|(_, version, _)| *version > 0)
        .ok_or_else(|| Fault::damaged(format!("kind number {number} is not recorded")))?;
    Ok(Kind {
        event_type: interned(name).map_or_else(EventTypeName::from, EventTypeName::named),
        schema_version: SchemaVersion::new(version),
        encoding: interned(encoding).map_or_else(Encoding::from, |name| match name {
            "json" => Encoding::JSON,
            name => Encoding::named(name),
        }),
    })
}

/// The name as one that lives as long as the process, or the name itself when
/// there are too many of them.
fn interned(name: String) -> Result<&'static str, String> {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(known) = names.get(name.as_str()) {
        return Ok(known);
    }
    if names.len() >= INTERNED {
        return Err(name);
    }
    let kept: &'static str = Box::leak(name.into_boxed_str());
    names.insert(kept);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::interned;

    #[test]
    fn equal_names_are_kept_once() {
        let one = interned("names.kept_once".to_owned()).expect("there is room");
        let two = interned("names.kept_once".to_owned()).expect("there is room");
        assert!(std::ptr::eq(one, two));
    }
}
