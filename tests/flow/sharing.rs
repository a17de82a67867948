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
        self.process_over(name, FaultyStore::new(self.store.clone()))
    }

    fn process_over(&self, name: &'static str, store: FaultyStore) -> Process {
        self.process_of(cqrs_core::modules![shift], name, store)
    }

    fn process_of(
        &self,
        modules: impl IntoIterator<Item = cqrs_core::registry::Module>,
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

#[tokio::test]
async fn processes_share_the_parts_of_a_handler_and_each_event_is_handled_once() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.open(0..40).await;
    rig.pass(1).await;
    assert_eq!(sizes(&[&one]), [8]);

    let two = rig.process("two");
    for _ in 0..5 {
        rig.deposit(0..40).await;
        rig.pass(2).await;
    }
    assert_eq!(sizes(&[&one, &two]), [4, 4]);
    let three = rig.process("three");
    for _ in 0..5 {
        rig.deposit(0..40).await;
        rig.pass(2).await;
    }
    let mut three_of = sizes(&[&one, &two, &three]);
    three_of.sort_unstable();
    assert_eq!(three_of, [2, 3, 3]);

    rig.each_once(40, 11);
    for process in ["one", "two", "three"] {
        assert!(rig.book().iter().any(|(by, ..)| *by == process), "{process} has done nothing");
    }
}

#[tokio::test]
async fn few_parts_move_when_a_process_joins_and_when_it_leaves() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.pass(10).await;
    let before = one.parts();
    assert_eq!(before.len(), 4);

    let three = rig.process("three");
    rig.pass(10).await;
    assert!(one.parts().is_subset(&before), "a part that stays in balance does not move");
    assert!(three.app.shutdown().await.is_orderly());
    rig.pass(10).await;

    assert_eq!(sizes(&[&one, &two]), [4, 4]);
}

#[tokio::test]
async fn a_process_that_is_stopped_hands_over_at_once_and_leaves_nothing_behind() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.open(0..40).await;
    rig.pass(10).await;

    assert!(one.app.shutdown().await.is_orderly());
    rig.deposit(0..40).await;
    rig.pass(5).await;

    rig.each_once(40, 2);
    assert_eq!(sizes(&[&two]), [8]);
    assert!(two.app.shutdown().await.is_orderly());
    assert_eq!(rig.store.leases("").await.unwrap(), []);
    assert_eq!(rig.members().await, 0);
}

#[tokio::test]
async fn the_parts_of_a_process_that_dies_go_to_the_others_when_its_leases_end() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.open(0..40).await;
    rig.pass(10).await;
    assert_eq!(sizes(&[&one, &two]), [4, 4]);

    one.cut_off();
    rig.deposit(0..40).await;
    rig.pass(5).await;
    assert!(rig.counts().len() < 80, "its leases last");
    rig.pass(15).await;

    assert_eq!(two.parts().len(), 8);
    assert_eq!(rig.counts().len(), 80, "nothing is left out");
    assert_eq!(rig.members().await, 1, "what is written of it is removed");
}

#[tokio::test]
async fn a_handler_that_takes_long_is_not_run_by_another_process_meanwhile() {
    let rig = Rig::new();
    let one = rig.process("one");
    one.desk.open.send_replace(false);
    rig.open(0..1).await;
    rig.pass(1).await;
    assert_eq!(rig.counts().len(), 1, "it has begun");

    let two = rig.process("two");
    rig.pass(120).await;
    assert_eq!(rig.counts().len(), 1);
    one.desk.open.send_replace(true);
    rig.deposit(0..1).await;
    rig.pass(10).await;

    rig.each_once(1, 2);
    assert_eq!(sizes(&[&one, &two]), [4, 4]);
}

#[tokio::test]
async fn a_process_that_slept_through_its_lease_ends_its_event_and_does_no_more() {
    let rig = Rig::new();
    rig.open(0..1).await;
    rig.deposit(0..1).await;
    let one = rig.process("one");
    one.desk.open.send_replace(false);
    rig.pass(1).await;
    let two = rig.process("two");
    // It handles on, but cannot renew.
    let gate = Gate::new();
    one.store.inject(Fault::stalled_lease(&gate).times(usize::MAX));
    rig.pass(30).await;
    let by: Vec<_> = rig.book().into_iter().filter(|(_, stream, _)| stream == "0").collect();
    assert_eq!(by.len(), 3, "the first has come again, to the other: {by:?}");

    one.desk.open.send_replace(true);
    rig.pass(10).await;

    assert_eq!(two.parts().len(), 8);
    assert_eq!(rig.counts()[&("0".to_owned(), 2)], ["two"]);
    let parts = (0..8).map(|part| format!("event handler mails/{part}of8"));
    let mut places = Vec::new();
    for part in parts {
        let found = rig.store.checkpoint(&CheckpointName::from(part)).await.unwrap();
        places.extend(found.and_then(|found| found.cursor).map(|cursor| cursor.position.get()));
    }
    assert_eq!(places.into_iter().max(), Some(2), "the place of the other stands");
}

#[tokio::test]
async fn a_place_that_another_process_sets_is_noticed_without_a_new_event() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.open(0..20).await;
    rig.pass(10).await;
    rig.each_once(20, 1);
    assert_eq!(sizes(&[&one, &two]), [4, 4]);

    assert!(two.app.reset_handler("mails", Start::Beginning).await.expect("the store does it"));
    rig.pass(10).await;

    assert!(rig.counts().values().all(|by| by.len() == 2), "{:?}", rig.counts());
}

#[tokio::test]
async fn a_new_handler_that_begins_now_does_so_although_its_first_commit_fails() {
    let rig = Rig::new();
    rig.open(0..3).await;
    let store = FaultyStore::new(rig.store.clone());
    store.inject(Fault::unavailable().of_checkpoint("event handler fresh").times(8));
    let _one = rig.process_over("one", store);
    rig.pass(20).await;
    rig.deposit(0..1).await;
    rig.pass(5).await;

    let fresh: Vec<_> =
        rig.book().into_iter().filter(|(_, stream, _)| stream.starts_with("fresh")).collect();
    assert_eq!(fresh, [("one", "fresh 0".to_owned(), 2)]);
}

#[tokio::test]
async fn an_event_does_not_come_again_because_its_place_could_not_be_stored() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.open(0..1).await;
    rig.pass(1).await;
    one.desk.open.send_replace(false);
    rig.deposit(0..1).await;
    rig.pass(1).await;
    for part in 0..8 {
        let place = format!("event handler mails/{part}of8");
        one.store.inject(Fault::unavailable().of_checkpoint(place).times(6));
    }
    one.desk.open.send_replace(true);
    rig.pass(1).await;
    let states: Vec<_> = one.app.subscriptions().into_iter().map(|one| one.state).collect();
    let fails = |state: &SubscriptionState| matches!(state, SubscriptionState::Failing(_));
    assert!(states.iter().any(fails), "{states:?}");

    rig.pass(30).await;
    one.app.shutdown().await;
    let two = rig.process("two");
    rig.deposit(0..1).await;
    rig.pass(10).await;

    rig.each_once(1, 3);
    drop(two);
}

#[tokio::test]
async fn a_handler_that_is_divided_anew_handles_nothing_twice_and_leaves_nothing_out() {
    let rig = Rig::new();
    let store = || FaultyStore::new(rig.store.clone());
    let one = rig.process_of(cqrs_core::modules![before], "one", store());
    rig.open(0..40).await;
    rig.pass(5).await;
    one.desk.fails.lock().unwrap().extend(["3".to_owned(), "7".to_owned()]);
    rig.deposit(0..40).await;
    rig.pass(5).await;
    let parked = |process: &Process| -> u64 {
        let all = process.app.subscriptions().into_iter();
        all.filter(|one| one.name.starts_with("sums")).map(|one| one.parked).sum()
    };
    assert_eq!(parked(&one), 2);
    let done = rig.counts_of("strict").len();
    assert!((41..78).contains(&done), "some parts of it are ahead and some stand still: {done}");

    // The next build comes while the last one still runs, and waits for it.
    let two = rig.process_of(cqrs_core::modules![after], "two", store());
    rig.deposit(20..40).await;
    rig.pass(10).await;
    assert!(rig.book().iter().all(|(by, ..)| *by == "one"));
    let waits = two.app.subscriptions().into_iter().find(|one| &*one.name == "sums/0of3");
    let SubscriptionState::Failing(reason) = waits.expect("it runs").state else {
        panic!("it cannot go on")
    };
    assert!(reason.contains("a process still works on `sums/0of8`"), "{reason}");
    one.app.shutdown().await;
    rig.pass(20).await;
    rig.deposit(0..40).await;
    rig.pass(10).await;

    assert!(rig.book().iter().any(|(by, ..)| *by == "two"));
    assert_eq!(rig.counts_of("strict").len(), 40 + 40 + 20 + 40);
    let twice = |kind| rig.counts_of(kind).into_values().filter(|by| by.len() > 1).count();
    assert_eq!((twice("strict"), twice("sums")), (0, 0));
    // What is parked has come along, and holds up its streams.
    assert_eq!(parked(&two), 4);
    assert_eq!(rig.counts_of("sums").len(), 140 - 4);
    let letters = two.app.dead_letters();
    for part in (0..8).map(|part| format!("sums/{part}of8")) {
        assert_eq!(letters.list(&part, Position::NONE, 10).await.unwrap(), [], "{part}");
    }
    for part in ["sums/0of3", "sums/1of3", "sums/2of3"] {
        for letter in letters.list(part, Position::NONE, 10).await.expect("they can be read") {
            letters.retry(part, letter.position).await.expect("it is there");
        }
    }
    rig.pass(10).await;
    assert_eq!((parked(&two), rig.counts_of("sums").len(), twice("sums")), (0, 140, 0));
}

#[tokio::test]
async fn a_handler_is_divided_back_again_while_it_still_catches_up() {
    let rig = Rig::new();
    let store = || FaultyStore::new(rig.store.clone());
    let one = rig.process_of(cqrs_core::modules![before], "one", store());
    rig.open(0..40).await;
    rig.pass(5).await;
    one.desk.fails.lock().unwrap().extend(["3".to_owned(), "7".to_owned()]);
    rig.deposit(0..40).await;
    rig.pass(5).await;
    one.app.shutdown().await;
    let two = rig.process_of(cqrs_core::modules![after], "two", store());
    two.desk.fails.lock().unwrap().extend(["7".to_owned()]);
    rig.pass(20).await;
    let done = rig.counts_of("strict").len();
    assert!(done < 80, "it stands still at the second");
    two.app.shutdown().await;

    let three = rig.process_of(cqrs_core::modules![before], "three", store());
    rig.pass(20).await;
    assert_eq!(rig.counts_of("strict").len(), 80);
    assert!(rig.counts_of("strict").into_values().all(|by| by.len() == 1));

    // Whoever sets the place wants everything again.
    assert!(three.app.reset_handler("strict", Start::Beginning).await.expect("it can be set"));
    rig.pass(5).await;
    assert!(rig.counts_of("strict").into_values().all(|by| by.len() == 2));
}

#[tokio::test]
async fn a_place_that_another_process_sets_while_the_handler_stands_still_is_not_lost() {
    let rig = Rig::new();
    let one =
        rig.process_of(cqrs_core::modules![after], "one", FaultyStore::new(rig.store.clone()));
    rig.open(0..20).await;
    rig.pass(5).await;
    one.desk.fails.lock().unwrap().insert("9".to_owned());
    rig.deposit(0..20).await;
    rig.pass(5).await;
    let stands = one.app.subscriptions().into_iter().find(|one| &*one.name == "strict").unwrap();
    assert!(matches!(stands.state, SubscriptionState::Failing(_)), "{stands:?}");

    let two =
        rig.process_of(cqrs_core::modules![after], "two", FaultyStore::new(rig.store.clone()));
    assert!(two.app.reset_handler("strict", Start::Beginning).await.expect("it can be set"));
    rig.pass(10).await;
    one.desk.fails.lock().unwrap().clear();
    two.desk.fails.lock().unwrap().clear();
    rig.pass(10).await;

    let counts = rig.counts_of("strict");
    assert_eq!(counts.len(), 40);
    let first = counts.iter().filter(|((_, version), _)| *version == 1);
    for (event, by) in first {
        assert_eq!(by.len(), 2, "{event:?} was to come again");
    }
}

#[tokio::test]
async fn a_place_that_another_process_sets_holds_when_a_paused_handler_goes_on() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.open(0..5).await;
    rig.pass(5).await;
    assert!(one.app.pause_handler("mails"));
    rig.pass(1).await;
    rig.deposit(0..5).await;

    let two = rig.process("two");
    assert!(two.app.reset_handler("mails", Start::Now).await.expect("it can be set"));
    assert!(one.app.resume_handler("mails"));
    rig.pass(10).await;
    rig.deposit(0..5).await;
    rig.pass(10).await;

    let left_out = rig.counts().into_keys().filter(|(_, version)| *version == 2);
    assert_eq!(left_out.collect::<Vec<_>>(), [], "they were to be left out");
    assert_eq!(rig.counts().len(), 10);
}

#[tokio::test]
async fn a_handler_that_begins_now_on_an_empty_log_begins_there_for_ever() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.pass(1).await;
    one.desk.fails.lock().unwrap().insert("0".to_owned());
    one.cut_off();
    rig.pass(20).await;
    rig.open(0..3).await;

    let _next = rig.process("next");
    rig.pass(20).await;

    let fresh = rig.book().into_iter().filter(|(_, stream, _)| stream.starts_with("fresh"));
    assert_eq!(fresh.count(), 3, "they came behind its birth");
}

#[tokio::test]
async fn whoever_waits_for_handlers_waits_for_those_of_other_processes_too() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.pass(10).await;
    assert_eq!(sizes(&[&one, &two]), [4, 4]);
    rig.open(0..1).await;
    let done = rig.clerk.execute(Deposit { account: "0".into(), cents: 1 }).await.unwrap();
    let token = done.receipt.token().expect("it has stored an event").clone();

    for process in [&one, &two] {
        let app = process.app.clone();
        let token = token.clone();
        let waits =
            tokio::spawn(
                async move { app.wait_for_handlers(&token, Duration::from_secs(8)).await },
            );
        rig.pass(10).await;
        waits.await.unwrap().expect("all are done");
    }
}

#[tokio::test]
async fn a_build_that_waits_for_another_one_sets_no_place() {
    let rig = Rig::new();
    let one =
        rig.process_of(cqrs_core::modules![before], "one", FaultyStore::new(rig.store.clone()));
    rig.open(0..10).await;
    rig.pass(5).await;
    let two =
        rig.process_of(cqrs_core::modules![after], "two", FaultyStore::new(rig.store.clone()));
    rig.pass(5).await;

    let refused = two.app.reset_handler("sums", Start::Beginning).await.expect_err("not its own");

    assert!(refused.to_string().contains("set its place there"), "{refused}");
    rig.pass(10).await;
    assert_eq!(rig.counts_of("sums").len(), 10);
    assert!(rig.counts_of("sums").values().all(|by| by[..] == ["one"]));
    drop(one);
}

#[tokio::test]
async fn builds_that_divide_a_new_handler_otherwise_do_not_both_work() {
    let rig = Rig::new();
    let one =
        rig.process_of(cqrs_core::modules![before], "one", FaultyStore::new(rig.store.clone()));
    let two =
        rig.process_of(cqrs_core::modules![after], "two", FaultyStore::new(rig.store.clone()));
    rig.open(0..40).await;
    rig.pass(20).await;

    for kind in ["sums", "strict"] {
        let counts = rig.counts_of(kind);
        assert_eq!(counts.len(), 40);
        let first = counts.values().next().unwrap().clone();
        assert!(counts.values().all(|by| *by == first && by.len() == 1), "{counts:?}");
    }
    drop((one, two));
}

#[tokio::test]
async fn who_is_stopped_while_it_waits_for_a_part_leaves_nothing_behind() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.pass(5).await;
    one.cut_off();
    let two = rig.process("two");
    rig.pass(2).await;

    assert!(two.app.shutdown().await.is_orderly());

    let held = rig.store.leases("").await.unwrap();
    assert_eq!(held.len(), 8 + 1 + 1, "those of the one that is cut off: {held:?}");
}

#[tokio::test]
async fn the_places_of_members_are_used_again() {
    let rig = Rig::new();
    for _ in 0..5 {
        let (one, two) = (rig.process("one"), rig.process("two"));
        rig.pass(3).await;
        let members: Vec<_> = rig.store.leases("event handlers/member/").await.unwrap();
        let mut names: Vec<_> = members.iter().map(|one| one.name().as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["event handlers/member/0", "event handlers/member/1"]);
        one.app.shutdown().await;
        two.app.shutdown().await;
    }
}

#[tokio::test]
async fn what_waits_behind_a_dead_letter_is_not_worked_off_while_the_application_stops() {
    let rig = Rig::new();
    let store = || FaultyStore::new(rig.store.clone());
    let one = rig.process_of(cqrs_core::modules![after], "one", store());
    rig.open(0..1).await;
    rig.pass(2).await;
    one.desk.fails.lock().unwrap().insert("0".to_owned());
    for _ in 0..3 {
        rig.deposit(0..1).await;
    }
    rig.pass(2).await;
    one.desk.fails.lock().unwrap().clear();
    one.desk.open.send_replace(false);
    let part = one.app.subscriptions().into_iter().find(|one| one.parked == 3).expect("parked");
    let letters = one.app.dead_letters();
    let first = letters.list(&part.name, Position::NONE, 1).await.unwrap()[0].position;
    letters.retry(&part.name, first).await.expect("it is there");
    rig.pass(2).await;

    let app = one.app.clone();
    let stops = tokio::spawn(async move { app.shutdown().await });
    rig.pass(1).await;
    one.desk.open.send_replace(true);
    rig.pass(1).await;
    assert!(stops.await.unwrap().is_orderly());
    assert_eq!(rig.counts_of("sums").len(), 2, "only what had begun");

    let _two = rig.process_of(cqrs_core::modules![after], "two", store());
    rig.pass(5).await;
    assert_eq!(rig.counts_of("sums").len(), 4, "the wish goes on");
    assert!(rig.counts_of("sums").values().all(|by| by.len() == 1));
}
