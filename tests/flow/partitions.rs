//! Tenants over several databases: each in one partition, for good, and
//! nothing of it anywhere else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_archive::Until;
use cqrs_core::error::Code;
use cqrs_core::message::{Encoding, EventId, OperationId, SchemaVersion, TenantId};
use cqrs_core::partition::{
    PartitionError, PartitionName, PartitionStore, Partitions, PartitionsBuilder,
};
use cqrs_core::prelude::*;
use cqrs_core::registry::BuildError;
use cqrs_core::runtime::Services;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, InvalidInput, Lineage, NewEvent, Operation,
    ReadRequest, RecordedEvent, Snapshot, StateShape, Store, StreamId, StreamVersion, TableName,
    UnitOfWork,
};
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;
use cqrs_testkit::fault::Gate;
use cqrs_testkit::{Fault, FaultyStore, ManualClock, postgres};
use support::bank::*;

use crate::projections::of_tenants;
use crate::stores::{GUARD, builder, log};

fn bank(store: PartitionStore) -> Result<App, BuildError> {
    builder().store(store).build()
}

/// French tenants live in `eu`, all others in `us`.
fn by_region(tenant: &TenantId) -> String {
    if tenant.as_str().ends_with(".fr") { "eu" } else { "us" }.to_owned()
}

fn two(directory: &MemoryStore, eu: &MemoryStore, us: &MemoryStore) -> PartitionsBuilder {
    Partitions::builder(directory.clone())
        .partition("eu", eu.clone())
        .partition("us", us.clone())
        .place_by(by_region)
}

struct Rig {
    directory: MemoryStore,
    eu: MemoryStore,
    us: MemoryStore,
    partitions: Partitions,
}

async fn rig() -> Rig {
    let (directory, eu, us) = (MemoryStore::new(), MemoryStore::new(), MemoryStore::new());
    let partitions = two(&directory, &eu, &us).build(bank).await.expect("it is complete");
    Rig { directory, eu, us, partitions }
}

fn open(account: &str) -> Open {
    Open { account: account.into(), owner: "Ada".into() }
}

/// Tenants of the accounts that an application's log holds.
async fn tenants_in(app: &App) -> BTreeSet<String> {
    let events = log(app).await.into_iter();
    let accounts = events.filter(|event| event.stream().category().as_str() == "account");
    accounts.map(|event| event.stream().tenant().to_string()).collect()
}

#[tokio::test]
async fn tenants_live_in_two_databases() {
    let (eu, us) = (postgres::fresh_database(), postgres::fresh_database());
    let database = |url: String| async { PostgresStore::open(url).await.expect("it is there") };
    let (first, second) = (database(eu.clone()).await, database(us.clone()).await);
    let partitions = Partitions::builder(first.clone())
        .partition("eu", first)
        .partition("us", second)
        .place_by(by_region)
        .build(bank)
        .await
        .expect("both are new");

    for (id, home) in [("crédit.fr", "eu"), ("bank.com", "us"), ("banque.fr", "eu")] {
        let tenant = partitions.add_tenant(id).await.expect("it has a place");
        assert_eq!(tenant.partition().as_str(), home);
        let done = tenant.execute(open("a")).await.expect("it is the tenant's own account");
        tenant.execute(Deposit { account: "a".into(), cents: 5 }).await.expect("it is open");
        let account = tenant.repository::<Account>().load(&"a".into()).await.expect("it is there");
        assert_eq!((account.state().open, account.state().cents), (true, 5));
        tenant
            .app()
            .wait_for(done.receipt.token().expect("it was stored"), GUARD)
            .await
            .expect("soon");
        let balance = tenant.query(BalanceOf { account: "a".into() }).await.expect("it is known");
        assert!(balance.is_some());
    }
    let held = |name: &str| tenants_in(partitions.app(name).expect("it is there"));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(held("eu").await, names(&["crédit.fr", "banque.fr"]));
    assert_eq!(held("us").await, names(&["bank.com"]));
    assert!(partitions.shutdown().await.iter().all(|(_, end)| end.is_orderly()));

    // A third one comes, and the rule becomes another: who is there stays.
    let (first, second) = (database(eu).await, database(us).await);
    let third = SqliteStore::in_memory().await.expect("it opens");
    let partitions = Partitions::builder(first.clone())
        .partition("us", second)
        .partition("eu", first)
        .partition("asia", third)
        .place_by(|_| "asia".to_owned())
        .build(bank)
        .await
        .expect("the two are what they were");
    for (id, home) in [("bank.com", "us"), ("crédit.fr", "eu"), ("bank.jp", "asia")] {
        let tenant = partitions.add_tenant(id).await.expect("it has a place");
        assert_eq!(tenant.partition().as_str(), home, "{id}");
        let kept = tenant.execute(open("a")).await;
        assert_eq!(kept.is_ok(), id == "bank.jp", "{id} has its account already, or not yet");
    }
    let tenants = partitions.tenants().await.expect("the directory can be read");
    let tenants: Vec<_> = tenants.iter().map(|(id, home)| (id.as_str(), home.as_str())).collect();
    let all = [("crédit.fr", "eu"), ("bank.com", "us"), ("banque.fr", "eu"), ("bank.jp", "asia")];
    assert_eq!(tenants, all);
}

#[tokio::test]
async fn a_log_is_the_partition_that_it_was() {
    let Rig { directory, eu, us, .. } = rig().await;
    let code = |built: Result<Partitions, PartitionError>| {
        let error = built.expect_err("it is refused");
        (error.code(), error.to_string())
    };

    let swapped = two(&directory, &us, &eu).build(bank).await;
    let text = "the log is partition us; give partition eu the store that it had before";
    assert_eq!(code(swapped), (Code::OTHER_LOG, text.to_owned()));

    let empty = two(&directory, &eu, &MemoryStore::new()).build(bank).await;
    let text =
        "it was opened before with another log; give partition us the store that it had before";
    assert_eq!(code(empty), (Code::OTHER_LOG, text.to_owned()));

    let renamed = Partitions::builder(MemoryStore::new()).partition("fr", eu.clone());
    assert_eq!(code(renamed.build(bank).await).0, Code::OTHER_LOG);

    let both = two(&directory, &eu, &us).partition("eu", eu.clone()).build(bank).await;
    assert_eq!(code(both), (Code::CONFIGURATION, "partition eu stands twice".to_owned()));
    for name in [String::new(), "a\nb".to_owned(), "x".repeat(256)] {
        let named = Partitions::builder(MemoryStore::new()).partition(name, MemoryStore::new());
        assert_eq!(code(named.build(bank).await).0, Code::INVALID_INPUT);
    }
    let incomplete = two(&directory, &eu, &us)
        .build(|store| App::builder().store(store).expect_crates(["none"]).build());
    let (kind, text) = code(incomplete.await);
    assert_eq!(kind, Code::CONFIGURATION);
    assert!(text.starts_with("the application of partition eu cannot be built: "), "{text}");

    // Restored from an archive it is the same partition, and its tenants are there.
    let mut archive = Vec::new();
    cqrs_archive::export(&us, &mut archive).await.expect("it can be read");
    let restored = MemoryStore::new();
    cqrs_archive::import(&archive[..], &restored, Until::End).await.expect("it is empty");
    two(&directory, &eu, &restored).build(bank).await.expect("it is `us`");
}

#[tokio::test]
async fn whoever_stops_between_the_name_and_the_directory_goes_on() {
    let (directory, eu) = (FaultyStore::new(MemoryStore::new()), MemoryStore::new());
    let one = || Partitions::builder(directory.clone()).partition("eu", eu.clone());
    let opened = StreamId::new("partition.opened", "eu").expect("a name");
    directory.inject(Fault::unavailable().of_stream(opened));
    let error = one().build(bank).await.expect_err("the directory cannot be written");
    assert_eq!(error.code(), Code::STORE_UNAVAILABLE);
    assert_eq!(eu.read(ReadRequest::all()).await.expect("it reads").len(), 1, "the name is there");
    directory.recover();
    one().build(bank).await.expect("the log has its name already");

    // An answer that is lost is looked up.
    let (directory, eu) = (FaultyStore::new(MemoryStore::new()), MemoryStore::new());
    directory.inject(Fault::lost_acknowledgement().times(3));
    let one = Partitions::builder(directory.clone()).partition("eu", eu.clone());
    let partitions = one.build(bank).await.expect("it was written");
    partitions.add_tenant("acme").await.expect("it was written, too");
}

#[tokio::test]
async fn a_tenant_has_one_partition_or_none() {
    let Rig { directory, eu, partitions, .. } = rig().await;
    let unknown = partitions.tenant("bank.com").await.expect_err("it was never added");
    assert_eq!(unknown.code(), Code::UNKNOWN_TENANT);
    assert_eq!(
        unknown.to_string(),
        "tenant \"bank.com\" is unknown; `add_tenant` gives it a partition"
    );
    assert_eq!(partitions.tenants().await.expect("it reads"), [], "asking adds nobody");

    let bank_com = partitions.add_tenant_to("bank.com", "eu").await.expect("the choice is free");
    assert_eq!(bank_com.partition().as_str(), "eu", "whatever the rule says");
    let moved = partitions.add_tenant_to("bank.com", "us").await.expect_err("it lives elsewhere");
    assert_eq!(moved.code(), Code::OTHER_PARTITION);
    assert_eq!(moved.to_string(), "tenant \"bank.com\" lives in partition eu, and not in us");
    let nowhere = partitions.add_tenant_to("bank.it", "asia").await.expect_err("there is none");
    assert_eq!(
        (nowhere.code(), nowhere.to_string()),
        (Code::CONFIGURATION, "there is no partition asia; there are: eu, us".to_owned())
    );

    partitions.add_tenant("bank.de").await.expect("it has a place");
    let only_eu = Partitions::builder(directory).partition("eu", eu);
    let only_eu = only_eu.build(bank).await.expect("a process may have some of them");
    let absent = only_eu.tenant("bank.de").await.expect_err("its partition is not here");
    assert_eq!(absent.code(), Code::OTHER_PARTITION);
    assert_eq!(absent.to_string(), "tenant \"bank.de\" lives in partition us, and not in eu");

    let none = Partitions::builder(MemoryStore::new()).build(bank).await.expect("it may be empty");
    let nowhere = none.add_tenant("bank.it").await.expect_err("there is no partition");
    assert_eq!(nowhere.code(), Code::CONFIGURATION);
}

#[tokio::test]
async fn tenants_with_strange_names_have_streams_of_their_own() {
    let Rig { partitions, .. } = rig().await;
    let names = ["", "a/b", "a", "b\u{202e}", "'; DROP TABLE events; --", "place", "é", "e\u{301}"];
    for name in names {
        let tenant = partitions.add_tenant(name).await.expect("any name will do");
        tenant.execute(open("a")).await.expect("none has met another");
    }
    assert_eq!(partitions.tenants().await.expect("it reads").len(), names.len());
    for name in ["a\0b".to_owned(), "a\nb".to_owned(), "x".repeat(256)] {
        let refused = partitions.add_tenant(name.clone()).await.expect_err("no name");
        assert_eq!(refused.code(), Code::INVALID_ID, "{name:?}");
        assert_eq!(partitions.tenant(name).await.expect_err("no name").code(), Code::INVALID_ID);
    }
}

#[tokio::test]
async fn a_call_that_reaches_the_wrong_partition_writes_nothing() {
    let Rig { eu, us, partitions, .. } = rig().await;
    let tenant = partitions.add_tenant("bank.com").await.expect("it has a place");
    tenant.execute(open("a")).await.expect("it is at home");
    let before = (log(partitions.app("eu").unwrap()).await, log(tenant.app()).await);

    let wrong = partitions.app("eu").expect("it is there");
    let refused = wrong.execute(open("b")).tenant("bank.com").await.expect_err("not its home");
    assert_eq!(refused.code(), Code::OTHER_PARTITION);
    let text = "tenant \"bank.com\" does not live in partition eu, but in us";
    assert!(refused.to_string().contains(text), "{refused}");
    assert!(!refused.is_retryable());

    for tenant in ["bank.it", ""] {
        // At first it is not known that there is none.
        let nobody = loop {
            let refused = wrong.execute(open("b")).tenant(tenant).await.expect_err("never added");
            if refused.code() != Code::STORE_UNAVAILABLE {
                break refused;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(nobody.code(), Code::UNKNOWN_TENANT);
        assert!(nobody.to_string().contains("but was never added"), "{nobody}");
    }

    let after = (log(partitions.app("eu").unwrap()).await, log(tenant.app()).await);
    assert_eq!(before, after);
    // The same holds for states, and for a unit of which only a part is wrong.
    let store = Store::new(partitions.app("eu").unwrap().store().clone());
    let both = unit(1).append(stream("bank.fr", "a"), ExpectedVersion::Any, vec![event(1)]).append(
        stream("bank.com", "a"),
        ExpectedVersion::Any,
        vec![],
    );
    partitions.add_tenant("bank.fr").await.expect("it has a place");
    let state = StateShape { version: 1, fingerprint: 1 };
    let state = Snapshot::new(
        stream("bank.com", "a"),
        StreamVersion::new(1),
        state,
        Encoding::JSON,
        "{}".into(),
        Timestamp::EPOCH,
    );
    for part in [both, note(2, "bank.fr").save(state)] {
        let refused = store.commit(part).await.expect_err("a part of it is wrong");
        assert!(matches!(refused, CommitError::Invalid(InvalidInput::OtherPartition { .. })));
    }
    assert_eq!(eu.read(ReadRequest::all()).await.expect("it reads").len(), 1);
    assert_eq!(us.read(ReadRequest::all()).await.expect("it reads").len(), 2);
}

fn stream(tenant: &'static str, key: &str) -> StreamId {
    StreamId::of_tenant(TenantId::new(tenant), "note", key).expect("a name")
}

fn event(number: u128) -> NewEvent {
    let id = EventId::from_uuid(uuid::Uuid::from_u128(number));
    let version = SchemaVersion::FIRST;
    NewEvent::new(id, "note.made", version, Encoding::JSON, "{}", Timestamp::EPOCH)
}

fn unit(number: u128) -> UnitOfWork {
    let id = OperationId::from_uuid(uuid::Uuid::from_u128(number));
    UnitOfWork::new(Operation::given(id), Timestamp::EPOCH)
}

/// Adds an event to a stream of the tenant.
fn note(number: u128, tenant: &'static str) -> UnitOfWork {
    unit(number).append(stream(tenant, "n"), ExpectedVersion::Any, vec![event(number)])
}

/// A process that has met no tenant, as `acme` and `other` came later.
async fn stranger() -> (FaultyStore, MemoryStore, Store) {
    let (memory, log) = (MemoryStore::new(), MemoryStore::new());
    let directory = FaultyStore::new(memory.clone());
    let process = Partitions::builder(directory.clone()).partition("one", log.clone());
    let process = process.build(bank).await.expect("it is complete");
    let another = Partitions::builder(memory).partition("one", log.clone());
    let another = another.build(bank).await.expect("it is what it was");
    another.add_tenant("acme").await.expect("it has a place");
    another.add_tenant("other").await.expect("it has a place");
    let store = process.app("one").expect("it is there").store().clone();
    (directory, log, store)
}

async fn notes(log: &MemoryStore) -> Vec<u128> {
    let page = log.read(ReadRequest::category("note")).await.expect("it reads");
    page.events().map(|event| event.id().as_uuid().as_u128()).collect()
}

/// Commits again while that may help.
async fn persists(store: &Store, number: u128, tenant: &'static str) -> Result<(), CommitError> {
    let since = Instant::now();
    for tries in 0.. {
        match store.commit(note(number, tenant)).await {
            Err(error) if error.is_retryable() && since.elapsed() < GUARD => {}
            done => return done.map(drop),
        }
        // What ends with its runtime takes its time.
        let pause = Duration::from_millis(u64::from(tries > 100));
        tokio::time::sleep(pause).await;
    }
    unreachable!("it is tried until it ends")
}

#[tokio::test]
async fn a_tenant_that_was_added_elsewhere_is_looked_up_behind_the_call() {
    let (directory, log, store) = stranger().await;
    let reads = directory.reads();
    let refused = store.commit(note(1, "acme")).await.expect_err("nobody has met it");
    assert_eq!(refused.code(), Code::STORE_UNAVAILABLE);
    assert!(refused.is_retryable());
    assert_eq!(
        refused.to_string(),
        "the store cannot write: where tenant \"acme\" lives is being looked up"
    );
    persists(&store, 1, "acme").await.expect("it was met");
    store.commit(note(2, "acme")).await.expect("nothing is asked now");
    assert_eq!(directory.reads() - reads, 1);
    assert_eq!(notes(&log).await, [1, 2]);
}

#[tokio::test]
async fn a_command_for_a_tenant_that_nobody_has_met_goes_through() {
    let (directory, eu) = (MemoryStore::new(), MemoryStore::new());
    let one = || Partitions::builder(directory.clone()).partition("eu", eu.clone());
    let first = one().build(bank).await.expect("it is complete");
    let second = one().build(bank).await.expect("it is what it was");
    first.add_tenant("acme").await.expect("it has a place");
    let app = second.app("eu").expect("it is there");
    let mut tries = 0;
    while let Err(error) = app.execute(open("a")).tenant("acme").await {
        assert_eq!(error.code(), Code::STORE_UNAVAILABLE);
        tries += 1;
        assert!(tries < 100, "{error}");
        tokio::task::yield_now().await;
    }
    assert_eq!(tenants_in(app).await.len(), 1);
}

#[tokio::test]
async fn a_tenant_that_there_is_not_is_asked_for_once_a_second() {
    let (directory, log, store) = stranger().await;
    let refused = persists(&store, 1, "nobody").await.expect_err("it was never added");
    assert_eq!(refused.code(), Code::UNKNOWN_TENANT);
    let reads = directory.reads();
    for number in 2..100 {
        let refused = store.commit(note(number, "nobody")).await.expect_err("it is not there");
        assert_eq!(refused.code(), Code::UNKNOWN_TENANT);
    }
    assert_eq!(directory.reads(), reads);
    for number in 0..3_000_u128 {
        let tenant: &'static str = Box::leak(format!("made up {number}").into_boxed_str());
        let refused = persists(&store, number, tenant).await.expect_err("it is not there");
        assert_eq!(refused.code(), Code::UNKNOWN_TENANT);
    }
    assert_eq!(notes(&log).await, [0_u128; 0]);
}

#[tokio::test]
async fn who_comes_is_found_once_the_second_is_over() {
    let (clock, memory, log) = (ManualClock::new(), MemoryStore::new(), MemoryStore::new());
    let mut services = Services::default();
    services.clock = Arc::new(clock.clone());
    let process = Partitions::builder(memory.clone()).partition("one", log.clone());
    let process = process.services(services).build(bank).await.expect("it is complete");
    let another = Partitions::builder(memory).partition("one", log.clone());
    let another = another.build(bank).await.expect("it is what it was");
    let store = process.app("one").expect("it is there").store().clone();
    persists(&store, 1, "late").await.expect_err("it was never added");
    another.add_tenant("late").await.expect("it has a place");
    clock.advance(Duration::from_millis(999));
    let refused = store.commit(note(1, "late")).await.expect_err("it was not there");
    assert_eq!(refused.code(), Code::UNKNOWN_TENANT);
    clock.advance(Duration::from_millis(1));
    persists(&store, 1, "late").await.expect("it is there now");
    // Who is added here is known here at once.
    persists(&store, 2, "here").await.expect_err("it was never added");
    process.add_tenant("here").await.expect("it has a place");
    store.commit(note(2, "here")).await.expect("it is known");
    assert_eq!(notes(&log).await, [1, 2]);
}

#[tokio::test]
async fn a_directory_that_is_away_or_hangs_harms_only_those_whom_nobody_has_met() {
    let (directory, log, store) = stranger().await;
    persists(&store, 1, "acme").await.expect("it is asked for");
    let gate = Gate::new();
    for fault in [Fault::unreadable().times(100), Fault::stalled_read(&gate)] {
        directory.inject(fault);
        for _ in 0..3 {
            let refused = store.commit(note(9, "other")).await.expect_err("nobody knows it");
            assert_eq!(refused.code(), Code::STORE_UNAVAILABLE);
            tokio::task::yield_now().await;
        }
        let number = 2 + notes(&log).await.len() as u128;
        store.commit(note(number, "acme")).await.expect("it was met");
        let rows = unit(number + 100).put(TableName::named("rows"), vec![1], vec![2]);
        store.commit(rows).await.expect("it is nobody's");
        directory.recover();
    }
    gate.release();
    persists(&store, 9, "other").await.expect("it is asked for");
    assert_eq!(notes(&log).await, [1, 3, 4, 9]);
}

#[test]
fn a_runtime_that_ends_while_a_tenant_is_asked_for_harms_nobody() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let (directory, log, store) = first.block_on(stranger());
    let gate = Gate::new();
    directory.inject(Fault::stalled_read(&gate));
    first.block_on(async {
        store.commit(note(1, "acme")).await.expect_err("nobody has met it");
    });
    let handle = first.handle().clone();
    first.shutdown_background();
    {
        // What is spawned there ends at once.
        let _within = handle.enter();
        drop(store.commit(note(1, "acme")));
    }
    directory.recover();
    second.block_on(persists(&store, 2, "acme")).expect("it is asked for");
    assert_eq!(second.block_on(notes(&log)), [2]);
}

#[tokio::test]
async fn a_unit_that_builds_on_a_refused_one_is_refused() {
    let (_directory, log, store) = stranger().await;
    persists(&store, 1, "acme").await.expect("it is met");
    let lineage = Lineage::new();
    store.commit(note(2, "nobody").in_lineage(lineage.clone())).await.expect_err("never added");
    let behind = store.commit(note(3, "acme").in_lineage(lineage)).await;
    assert!(matches!(behind, Err(CommitError::Superseded)));
    assert_eq!(notes(&log).await, [1]);
}

#[tokio::test]
async fn a_log_belongs_to_one_directory() {
    let Rig { directory, eu, us, partitions } = rig().await;
    partitions.add_tenant("bank.fr").await.expect("it has a place");
    let empty = two(&MemoryStore::new(), &eu, &us).build(bank).await;
    let error = empty.expect_err("it knows no tenant");
    assert_eq!(error.code(), Code::OTHER_LOG);
    let text = "the log belongs to another directory; \
                give partition eu the store that it had before";
    assert_eq!(error.to_string(), text);
    two(&directory, &eu, &us).build(bank).await.expect("it is the old one");
}

#[tokio::test]
async fn a_log_that_becomes_a_partition_brings_its_tenants_along() {
    let (directory, old) = (MemoryStore::new(), MemoryStore::new());
    let before = builder().store(old.clone()).build().expect("it is complete");
    for tenant in ["", "bank.fr", "bank.com"] {
        before.execute(open("a")).tenant(tenant).await.expect("it is new");
    }
    drop(before);
    let partitions = Partitions::builder(directory.clone())
        .partition("first", old.clone())
        .partition("second", MemoryStore::new())
        .place_by(|_| "second".to_owned());
    let partitions = partitions.build(bank).await.expect("it takes them over");
    for tenant in ["", "bank.fr", "bank.com"] {
        let tenant = partitions.add_tenant(tenant).await.expect("it has a place");
        assert_eq!(tenant.partition().as_str(), "first");
        tenant.execute(Deposit { account: "a".into(), cents: 1 }).await.expect("it is open");
    }
    // One whose tenants live elsewhere already is no partition.
    let other = MemoryStore::new();
    let before = builder().store(other.clone()).build().expect("it is complete");
    before.execute(open("a")).tenant("bank.fr").await.expect("it is new there");
    drop(before);
    let third = Partitions::builder(directory).partition("third", other.clone());
    let refused = third.build(bank).await.expect_err("one tenant, two logs");
    assert_eq!(refused.code(), Code::OTHER_PARTITION);
    assert_eq!(other.read(ReadRequest::all()).await.expect("it reads").len(), 1, "untouched");
}

#[tokio::test]
async fn a_tenant_keeps_its_place_when_the_rule_names_one_that_is_not_here() {
    let Rig { directory, eu, us, partitions } = rig().await;
    partitions.add_tenant("bank.fr").await.expect("it has a place");
    let later = two(&directory, &eu, &us).place_by(|_| "asia".to_owned());
    let later = later.build(bank).await.expect("they are what they were");
    let kept = later.add_tenant("bank.fr").await.expect("it has a place");
    assert_eq!(kept.partition().as_str(), "eu");
    let new = later.add_tenant("bank.it").await.expect_err("there is no such partition");
    assert_eq!(new.code(), Code::CONFIGURATION);
}

#[tokio::test]
async fn a_tenant_is_asked_by_name_as_well() {
    let store = MemoryStore::new();
    let partitions = Partitions::builder(store.clone()).partition("one", store);
    let partitions = partitions
        .build(|store| builder().modules(modules![of_tenants]).store(store).build())
        .await
        .expect("it is complete");
    for (tenant, cents) in [("north", 5), ("south", 7)] {
        let tenant = partitions.add_tenant(tenant).await.expect("it has a place");
        let open = br#"{"account":"a","owner":"Ada"}"#;
        tenant.execute_json("Open", open).await.expect("it is new");
        let deposit = format!(r#"{{"account":"a","cents":{cents}}}"#);
        tenant.execute_json("Deposit", deposit.as_bytes()).await.expect("it is open");
        tenant.app().catch_up(GUARD).await.expect("soon");
        let held = tenant.query_json("HeldBy", br#"{"account":"a"}"#).await.expect("it answers");
        assert_eq!(held, cents.to_string().as_bytes());
    }
}

#[tokio::test]
async fn processes_agree_where_a_new_tenant_lives() {
    let (directory, eu, us) = (MemoryStore::new(), MemoryStore::new(), MemoryStore::new());
    let mut processes = Vec::new();
    for home in ["eu", "us"] {
        let process = two(&directory, &eu, &us).place_by(move |_| home.to_owned());
        processes.push(process.build(bank).await.expect("it is complete"));
    }
    for round in 0..50 {
        let tenant = format!("t{round}");
        let added = processes.iter().map(|process| {
            let (process, tenant) = (process.clone(), tenant.clone());
            tokio::spawn(async move {
                let tenant = process.add_tenant(tenant).await.expect("it has a place");
                (tenant.partition().clone(), tenant.execute(open("a")).await.is_ok())
            })
        });
        let added: Vec<_> = added.collect();
        let mut homes = Vec::new();
        for one in added {
            homes.push(one.await.expect("it does not panic"));
        }
        assert_eq!(homes[0].0, homes[1].0);
        assert!(homes[0].1 != homes[1].1, "one of two opens the one account");
    }
}

#[tokio::test]
async fn without_a_rule_tenants_are_spread_and_a_new_partition_takes_its_share() {
    let directory = MemoryStore::new();
    let (one, two, three) = (MemoryStore::new(), MemoryStore::new(), MemoryStore::new());
    let first = Partitions::builder(directory.clone())
        .partition("one", one.clone())
        .partition("two", two.clone());
    let counted = |tenants: Vec<(TenantId, PartitionName)>, name: &str| {
        tenants.iter().filter(|(_, home)| home.as_str() == name).count()
    };
    let partitions = first.build(bank).await.expect("it is complete");
    for n in 0..300 {
        partitions.add_tenant(format!("tenant-{n}")).await.expect("it has a place");
    }
    let before = partitions.tenants().await.expect("it reads");
    assert!((100..200).contains(&counted(before.clone(), "one")), "{before:?}");
    let more = Partitions::builder(directory)
        .partition("one", one)
        .partition("two", two)
        .partition("three", three);
    let partitions = more.build(bank).await.expect("it is complete");
    for n in 0..600 {
        partitions.add_tenant(format!("tenant-{n}")).await.expect("it has a place");
    }
    let after = partitions.tenants().await.expect("it reads");
    assert_eq!(after[..300], before, "who is there stays");
    assert!((60..140).contains(&counted(after, "three")));
}

#[tokio::test]
async fn what_is_written_about_partitions_stays_readable() {
    let Rig { directory, eu, partitions, .. } = rig().await;
    partitions.add_tenant("bank.fr").await.expect("it has a place");
    let id = |line: &str| line.split_once("\"directory\":\"").map(|(_, id)| id[..36].to_owned());
    let lines = |store: MemoryStore| async move {
        let page = store.read(ReadRequest::all()).await.expect("it reads");
        let line = |event: RecordedEvent| {
            let payload = String::from_utf8_lossy(event.payload()).into_owned();
            format!(
                "{} {} v{} {payload}",
                event.stream(),
                event.event_type(),
                event.schema_version()
            )
        };
        page.events().map(line).collect::<Vec<_>>()
    };
    let (directory, eu) = (lines(directory).await, lines(eu).await);
    let known = id(&directory[0]).expect("it has an id");
    let said = [&directory[..], &eu[..]].concat().join("\n").replace(&known, "ID");
    let expected = r#"
partition.directory/id partition.directory_begun v1 {"partition":"directory","directory":"ID"}
partition.opened/eu partition.named v1 {"partition":"eu"}
partition.opened/us partition.named v1 {"partition":"us"}
bank.fr/partition.tenant/place partition.tenant_placed v1 {"partition":"eu"}
partition.own/name partition.named v1 {"partition":"eu","directory":"ID"}"#;
    assert_eq!(said, expected.trim_start());

    let damaged = MemoryStore::new();
    let event = event(9);
    let stream = StreamId::of_tenant(TenantId::new("acme"), "partition.tenant", "place");
    let written = unit(9).append(stream.expect("a name"), ExpectedVersion::NoStream, vec![event]);
    damaged.commit(written).await.expect("it is written");
    let built = Partitions::builder(damaged).build(bank).await;
    let error = built.expect_err("it cannot be read");
    assert_eq!(error.code(), Code::STORE_DAMAGED);
    assert!(error.to_string().contains("acme/partition.tenant/place"), "{error}");
}
