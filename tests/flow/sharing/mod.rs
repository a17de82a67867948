//! Several processes share event handlers: each event once, while they come
//! and go, sleep and die.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_core::prelude::*;
use cqrs_core::store::{CheckpointName, Direction, EventStore, Position, TableName};
use cqrs_core::subscription::{Start, SubscriptionState};
use cqrs_testkit::fault::Gate;
use cqrs_testkit::{Fault, FaultyStore, ManualClock};
use support::bank::*;
use tokio::sync::watch;

use crate::stores::open;

mod division;
mod idle;
mod places;
mod turns;

mod shift {
    //! Handlers that note which process ran them.

    use super::*;

    cqrs_core::module!();

    /// What one process does; all of them note in one book.
    pub struct Desk {
        pub process: &'static str,
        pub book: Book,
        pub open: watch::Sender<bool>,
        /// Accounts that it fails at.
        pub fails: Mutex<BTreeSet<String>>,
    }

    #[derive(Debug)]
    pub struct Fails;

    impl std::fmt::Display for Fails {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("it fails at this account")
        }
    }

    impl std::error::Error for Fails {}

    impl Desk {
        pub async fn handles(
            &self,
            kind: &str,
            event: &Recorded<AccountEvent>,
        ) -> Result<(), Fails> {
            let account = event.stream().key();
            if self.fails.lock().unwrap().contains(account) {
                return Err(Fails);
            }
            self.open.subscribe().wait_for(|open| *open).await.expect("the desk is there");
            let note = (self.process, format!("{kind}{account}"), event.version().get());
            self.book.lock().unwrap().push(note);
            Ok(())
        }
    }

    /// Process, stream and version.
    pub type Book = Arc<Mutex<Vec<(&'static str, String, u64)>>>;

    #[event_handler(name = "mails", parts = 8)]
    pub async fn mails(
        event: &Recorded<AccountEvent>,
        desk: Dep<Desk>,
    ) -> Result<(), std::convert::Infallible> {
        let note = (desk.process, event.stream().key().to_owned(), event.version().get());
        desk.book.lock().unwrap().push(note);
        desk.open.subscribe().wait_for(|open| *open).await.expect("the desk is there");
        Ok(())
    }

    #[event_handler(name = "fresh", start = "now")]
    pub async fn fresh(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Fails> {
        desk.handles("fresh ", event).await
    }
}

mod before {
    //! Handlers that are divided one way,

    use super::shift::{Desk, Fails};
    use super::*;

    cqrs_core::module!();

    #[event_handler(name = "sums", parts = 8, on_failure = "park")]
    pub async fn sums(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Fails> {
        desk.handles("sums ", event).await
    }

    #[event_handler(name = "strict", parts = 4, on_failure = "stop")]
    pub async fn strict(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Fails> {
        desk.handles("strict ", event).await
    }
}

mod after {
    //! and the same in another.

    use super::shift::{Desk, Fails};
    use super::*;

    cqrs_core::module!();

    #[event_handler(name = "sums", parts = 3, on_failure = "park")]
    pub async fn sums(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Fails> {
        desk.handles("sums ", event).await
    }

    #[event_handler(name = "strict", on_failure = "stop")]
    pub async fn strict(event: &Recorded<AccountEvent>, desk: Dep<Desk>) -> Result<(), Fails> {
        desk.handles("strict ", event).await
    }
}

use shift::{Book, Desk};

/// Processes on one log, under one clock.
struct Rig {
    clock: ManualClock,
    store: MemoryStore,
    book: Book,
    clerk: App,
}

/// One of them.
struct Process {
    app: App,
    desk: Arc<Desk>,
    store: FaultyStore,
}

impl Rig {
    fn new() -> Self {
        let clock = ManualClock::new();
        let store = MemoryStore::with_clock(clock.clone());
        let clerk = App::builder()
            .modules(cqrs_core::modules![support::bank])
            .store(store.clone())
            .clock(clock.clone())
            .without_projections()
            .build()
            .expect("the bank is complete");
        Self { clock, store, book: Book::default(), clerk }
    }

    fn process(&self, name: &'static str) -> Process {
        self.process_over(
            cqrs_core::modules![shift].to_vec(),
            name,
            FaultyStore::new(self.store.clone()),
        )
    }

    /// One of a build that divides its handlers in one way,
    fn earlier(&self, name: &'static str) -> Process {
        let store = FaultyStore::new(self.store.clone());
        self.process_over(cqrs_core::modules![before].to_vec(), name, store)
    }

    /// and one of a build that does in another.
    fn later(&self, name: &'static str) -> Process {
        let store = FaultyStore::new(self.store.clone());
        self.process_over(cqrs_core::modules![after].to_vec(), name, store)
    }

    /// A process of the earlier build, of which some parts are ahead and others
    /// have parked an event or stand still at one.
    async fn uneven(&self, name: &'static str) -> Process {
        let process = self.earlier(name);
        self.open(0..40).await;
        self.pass(5).await;
        process.desk.fails.lock().unwrap().extend(["3".to_owned(), "7".to_owned()]);
        self.deposit(0..40).await;
        self.pass(5).await;
        let done = self.counts_of("strict").len();
        assert!((41..78).contains(&done), "{done} of 80 are done");
        process
    }

    fn process_over(
        &self,
        modules: Vec<cqrs_core::registry::Module>,
        name: &'static str,
        store: FaultyStore,
    ) -> Process {
        let (open, book) = (watch::Sender::new(true), Arc::clone(&self.book));
        let desk = Arc::new(Desk { process: name, book, open, fails: Mutex::default() });
        let app = App::builder()
            .modules(modules)
            .store(store.clone())
            .clock(self.clock.clone())
            .without_projections()
            .provide(Arc::clone(&desk))
            .build()
            .expect("the shift is complete");
        Process { app, desk, store }
    }

    /// Lets time pass in steps in which every task gets its turn.
    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds * 10 {
            self.clock.advance(Duration::from_millis(100));
            for _ in 0..60 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Lets some tenths of a second pass, with time for long ways.
    async fn moments(&self, tenths: u32) {
        for _ in 0..tenths {
            self.clock.advance(Duration::from_millis(100));
            for _ in 0..400 {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn open(&self, accounts: std::ops::Range<u32>) {
        for account in accounts {
            open(&self.clerk, &format!("{account}")).await;
        }
    }

    async fn deposit(&self, accounts: std::ops::Range<u32>) {
        for account in accounts {
            let deposit = Deposit { account: format!("{account}").into(), cents: 1 };
            self.clerk.execute(deposit).await.expect("it commits");
        }
    }

    /// Who has handled what, so often.
    fn counts(&self) -> BTreeMap<(String, u64), Vec<&'static str>> {
        let mut counts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (process, stream, version) in &*self.book.lock().unwrap() {
            let of = (stream.clone(), *version);
            counts.entry(of).or_default().push(*process);
        }
        counts.retain(|(stream, _), _| !stream.starts_with("fresh"));
        counts
    }

    /// Who has handled what of one kind.
    fn counts_of(&self, kind: &str) -> BTreeMap<(String, u64), Vec<&'static str>> {
        let mut counts = self.counts();
        counts.retain(|(stream, _), _| stream.starts_with(kind));
        counts
    }

    /// Every event of so many streams was handled once, in the order of each.
    fn each_once(&self, streams: u32, events: u64) {
        let counts = self.counts();
        let twice: Vec<_> = counts.iter().filter(|(_, by)| by.len() > 1).collect();
        assert!(twice.is_empty(), "handled twice: {twice:?}");
        assert_eq!(counts.len() as u64, u64::from(streams) * events, "none is left out");
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for (_, stream, version) in &*self.book.lock().unwrap() {
            let before = last.insert(stream.clone(), *version).unwrap_or_default();
            assert!(before < *version, "{stream}: {version} behind {before}");
        }
    }

    /// Of how many processes it is written what they run.
    async fn members(&self) -> usize {
        let members = TableName::named("event handlers/members");
        let all = (Bound::Unbounded, Bound::Unbounded);
        self.store.rows(&members, all, Direction::Forward, 10).await.unwrap().len()
    }

    fn book(&self) -> Vec<(&'static str, String, u64)> {
        self.book.lock().unwrap().clone()
    }
}

impl Process {
    /// The parts of the mails that it works on.
    fn parts(&self) -> BTreeSet<String> {
        let all = self.app.subscriptions().into_iter();
        let works = |state: &SubscriptionState| {
            !matches!(state, SubscriptionState::Standby | SubscriptionState::Stopped)
        };
        all.filter(|one| one.name.starts_with("mails/") && works(&one.state))
            .map(|one| one.name.to_string())
            .collect()
    }

    /// It cannot reach its store any more.
    fn cut_off(&self) {
        self.store.inject(Fault::unavailable().times(usize::MAX));
        self.store.inject(Fault::unreadable().times(usize::MAX));
        self.store.inject(Fault::unleasable().times(usize::MAX));
    }
}

/// Nobody's part is another's, and all have been given.
fn sizes(processes: &[&Process]) -> Vec<usize> {
    let parts: Vec<_> = processes.iter().map(|process| process.parts()).collect();
    let all: BTreeSet<_> = parts.iter().flatten().collect();
    let sizes: Vec<_> = parts.iter().map(BTreeSet::len).collect();
    assert_eq!((all.len(), sizes.iter().sum()), (8, 8), "{parts:?}");
    sizes
}
