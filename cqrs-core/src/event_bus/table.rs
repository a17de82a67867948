//! The subscriptions of a bus: a list that is copied when it changes.
//!
//! Whoever dispatches takes the list as it stands and lets go of the lock
//! before any handler runs. So subscribing, unsubscribing and dispatching
//! never wait for a handler, also when a handler does them; an event goes to
//! those who were subscribed when it was published.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex};

use super::{Subscriber, Subscription};
use crate::runtime::NameHash;

/// One subscriber of a bus, with what the bus keeps for it.
pub(super) struct Entry<Kept> {
    pub(super) subscriber: Subscriber,
    pub(super) kept: Kept,
    number: u64,
}

/// Those who get one event, in the order in which they get it.
pub(super) type Entries<Kept> = Arc<[Arc<Entry<Kept>>]>;

pub(super) struct Subscriptions<Kept>(Mutex<Table<Kept>>);

struct Table<Kept> {
    next: u64,
    all: Entries<Kept>,
    /// For each name that somebody has named: all who want it, also by topic.
    named: HashMap<Box<str>, Entries<Kept>, BuildHasherDefault<NameHash>>,
    /// Those with topics, for names that nobody has named.
    by_topic: Entries<Kept>,
    nobody: Entries<Kept>,
}

impl<Kept: Send + Sync + 'static> Subscriptions<Kept> {
    pub(super) fn new() -> Arc<Self> {
        let nobody: Entries<Kept> = Arc::new([]);
        Arc::new(Self(Mutex::new(Table {
            next: 0,
            all: Arc::clone(&nobody),
            named: HashMap::default(),
            by_topic: Arc::clone(&nobody),
            nobody,
        })))
    }

    pub(super) fn add(self: &Arc<Self>, subscriber: Subscriber, kept: Kept) -> Subscription {
        let name = Arc::clone(subscriber.name());
        let number = {
            let mut table = self.0.lock().expect("nothing panics under the lock");
            table.next += 1;
            let number = table.next;
            table.add(&Arc::new(Entry { subscriber, kept, number }));
            number
        };
        let from = Arc::downgrade(self);
        Subscription::new(name, move || {
            if let Some(from) = from.upgrade() {
                from.remove(number);
            }
        })
    }

    fn remove(&self, number: u64) {
        let removed = {
            let mut table = self.0.lock().expect("nothing panics under the lock");
            table.remove(number)
        };
        // A handler's own drop may do anything, so not under the lock.
        drop(removed);
    }

    /// Who wants events of a name.
    #[inline]
    pub(super) fn of(&self, name: &str) -> Entries<Kept> {
        let topics = {
            let table = self.0.lock().expect("nothing panics under the lock");
            match table.named.get(name) {
                Some(entries) => return Arc::clone(entries),
                None if table.by_topic.is_empty() => return Arc::clone(&table.nobody),
                None => Arc::clone(&table.by_topic),
            }
        };
        topics.iter().filter(|one| one.subscriber.interest().wants(name)).cloned().collect()
    }

    pub(super) fn all(&self) -> Entries<Kept> {
        Arc::clone(&self.0.lock().expect("nothing panics under the lock").all)
    }
}

impl<Kept> Table<Kept> {
    fn add(&mut self, entry: &Arc<Entry<Kept>>) {
        let interest = entry.subscriber.interest();
        for name in interest.names() {
            if !self.named.contains_key(name) {
                let wanting = |one: &&Arc<Entry<Kept>>| one.subscriber.interest().wants(name);
                let before = self.by_topic.iter().filter(wanting).cloned().collect();
                self.named.insert(name.into(), before);
            }
        }
        for (name, entries) in &mut self.named {
            if interest.wants(name) {
                *entries = with(entries, entry);
            }
        }
        if interest.has_topics() {
            self.by_topic = with(&self.by_topic, entry);
        }
        self.all = with(&self.all, entry);
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Entry<Kept>>> {
        let removed = self.all.iter().find(|one| one.number == number).cloned()?;
        let interest = removed.subscriber.interest();
        for (name, entries) in &mut self.named {
            if interest.wants(name) {
                *entries = without(entries, number);
            }
        }
        self.by_topic = without(&self.by_topic, number);
        self.all = without(&self.all, number);
        // A name that is only met by topics is found by these.
        let all = &self.all;
        self.named.retain(|name, _| {
            all.iter().any(|one| one.subscriber.interest().names().any(|other| other == &**name))
        });
        Some(removed)
    }
}

/// The list with one more: behind all who rank as high.
fn with<Kept>(entries: &Entries<Kept>, entry: &Arc<Entry<Kept>>) -> Entries<Kept> {
    let rank = entry.subscriber.rank();
    let place = entries.partition_point(|one| one.subscriber.rank() >= rank);
    let (before, behind) = entries.split_at(place);
    before.iter().chain([entry]).chain(behind).cloned().collect()
}

fn without<Kept>(entries: &Entries<Kept>, number: u64) -> Entries<Kept> {
    entries.iter().filter(|one| one.number != number).cloned().collect()
}

impl<Kept> fmt::Debug for Subscriptions<Kept> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.0.lock().expect("nothing panics under the lock");
        f.debug_list().entries(table.all.iter().map(|one| one.subscriber.name())).finish()
    }
}
