//! Tenants over several databases: each in one partition, for good, and
//! nothing of it anywhere else.

use std::collections::BTreeSet;
use std::time::Duration;

use cqrs_archive::Until;
use cqrs_core::error::Code;
use cqrs_core::message::{Encoding, EventId, OperationId, SchemaVersion, TenantId};
use cqrs_core::partition::{
    PartitionError, PartitionName, PartitionStore, Partitions, PartitionsBuilder,
};
use cqrs_core::prelude::*;
use cqrs_core::registry::BuildError;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, InvalidInput, Limits, Lineage, NewEvent, Operation,
    ReadRequest, RecordedEvent, Snapshot, StateShape, Store, StreamId, StreamVersion, TableName,
    UnitOfWork,
};
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;
use cqrs_testkit::fault::Gate;
use cqrs_testkit::{Fault, FaultyStore, postgres};
use support::bank::*;

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
    directory.inject(Fault::unavailable());
    let error = one().build(bank).await.expect_err("the directory cannot be written");
    assert_eq!(error.code(), Code::STORE_UNAVAILABLE);
    assert_eq!(eu.read(ReadRequest::all()).await.expect("it reads").len(), 1, "the name is there");
    directory.recover();
    one().build(bank).await.expect("the log has its name already");

    // An answer that is lost is looked up.
    let (directory, eu) = (FaultyStore::new(MemoryStore::new()), MemoryStore::new());
    directory.inject(Fault::lost_acknowledgement().times(2));
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

    let nobody = wrong.execute(open("b")).tenant("bank.it").await.expect_err("never added");
    assert_eq!(nobody.code(), Code::UNKNOWN_TENANT);
    assert!(nobody.to_string().contains("but was never added"), "{nobody}");
    let forgotten = wrong.execute(open("b")).await.expect_err("it names no tenant");
    assert_eq!(forgotten.code(), Code::UNKNOWN_TENANT);

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

/// A process that has not met any tenant, its directory, and `acme` in it.
async fn stranger(limits: Limits) -> (FaultyStore, MemoryStore, Store) {
    let (directory, log) = (MemoryStore::new(), MemoryStore::with_limits(limits));
    let known = Partitions::builder(directory.clone()).partition("one", log.clone());
    let known = known.build(bank).await.expect("it is complete");
    known.add_tenant("acme").await.expect("it has a place");
    known.add_tenant("other").await.expect("it has a place");
    let directory = FaultyStore::new(directory);
    let late = Partitions::builder(directory.clone()).partition("one", log.clone());
    let late = late.build(bank).await.expect("it is what it was");
    let store = late.app("one").expect("it is there").store().clone();
    (directory, log, store)
}

async fn notes(log: &MemoryStore) -> Vec<u128> {
    let page = log.read(ReadRequest::category("note")).await.expect("it reads");
    page.events().map(|event| event.id().as_uuid().as_u128()).collect()
}

#[tokio::test]
async fn units_keep_their_order_while_the_directory_is_asked() {
    let (directory, log, store) = stranger(Limits::default()).await;
    store.commit(note(10, "other")).await.expect("it is asked for");
    let gate = Gate::new();
    directory.inject(Fault::stalled_read(&gate));
    let first = store.commit(note(1, "acme"));
    let dropped = store.commit(note(2, "acme"));
    let behind = store.commit(note(3, "other"));
    let nobody = store.commit(note(4, "nobody"));
    let last = store.commit(note(5, "acme"));
    drop(dropped);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(notes(&log).await, [10], "nothing is written before the answer");
    gate.release();
    let (first, behind, nobody, last) =
        tokio::time::timeout(GUARD, async { tokio::join!(first, behind, nobody, last) })
            .await
            .expect("they end");
    first.expect("it is at home");
    behind.expect("it is at home");
    last.expect("it is at home");
    assert_eq!(nobody.expect_err("it was never added").code(), Code::UNKNOWN_TENANT);
    assert_eq!(notes(&log).await, [10, 1, 2, 3, 5]);
    store.commit(note(6, "acme")).await.expect("nothing is asked now");
}

#[tokio::test]
async fn a_directory_that_is_away_harms_only_those_whom_nobody_has_met() {
    let (directory, log, store) = stranger(Limits::default()).await;
    store.commit(note(1, "acme")).await.expect("it is asked for");
    directory.inject(Fault::unreadable());
    store.commit(note(2, "acme")).await.expect("it was met");
    let refused = store.commit(note(3, "other")).await.expect_err("nobody knows it");
    assert_eq!(refused.code(), Code::STORE_UNAVAILABLE);
    assert!(refused.is_retryable());
    assert!(refused.to_string().contains("the directory of tenants: "), "{refused}");
    directory.recover();
    store.commit(note(3, "other")).await.expect("it is asked for");
    assert_eq!(notes(&log).await, [1, 2, 3]);
}

#[test]
fn nobody_waits_for_a_runtime_that_has_ended() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let (directory, log, store) = first.block_on(stranger(Limits::default()));
    let gate = Gate::new();
    directory.inject(Fault::stalled_read(&gate));
    let waits = {
        let _within = first.enter();
        store.commit(note(1, "acme"))
    };
    first.shutdown_background();
    let ended = second.block_on(async { tokio::time::timeout(GUARD, waits).await });
    let refused = ended.expect("it does not wait").expect_err("nobody asks any more");
    assert_eq!(refused.code(), Code::STORE_UNAVAILABLE);
    directory.recover();
    gate.release();
    second.block_on(async {
        store.commit(note(2, "acme")).await.expect("another runtime asks");
        assert_eq!(notes(&log).await, [2]);
    });
}

#[tokio::test]
async fn what_waits_for_the_directory_is_bounded() {
    let mut limits = Limits::default();
    limits.queued_bytes = 1_000;
    let (directory, log, store) = stranger(limits).await;
    let gate = Gate::new();
    directory.inject(Fault::stalled_read(&gate));
    let large = |number| {
        let payload = vec![0_u8; 600];
        note(number, "acme").put(TableName::named("rows"), vec![1], payload)
    };
    let first = store.commit(large(1));
    let refused = tokio::time::timeout(GUARD, store.commit(large(2))).await;
    let refused = refused.expect("it does not wait").expect_err("there is no room");
    assert!(matches!(refused, CommitError::Overloaded { limit: 1_000, .. }), "{refused}");
    gate.release();
    first.await.expect("it was taken");
    assert_eq!(notes(&log).await, [1]);

    // What has left counts no more.
    for number in 3..9 {
        let gate = Gate::new();
        directory.inject(Fault::stalled_read(&gate));
        let nobody = [large(number), note(number + 10, "nobody")].map(|unit| {
            store.commit(unit.append(stream("nobody", "b"), ExpectedVersion::Any, vec![]))
        });
        gate.release();
        for refused in nobody {
            let refused = refused.await.expect_err("it was never added");
            assert_eq!(refused.code(), Code::UNKNOWN_TENANT);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_comes_when_the_asking_ends_is_asked_for() {
    let (_directory, _log, store) = stranger(Limits::default()).await;
    let callers = (0..8).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..500 {
                let refused = store.commit(note(caller * 1_000 + number, "nobody")).await;
                let refused = refused.expect_err("it was never added");
                assert_eq!(refused.code(), Code::UNKNOWN_TENANT, "{refused}");
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("it gets its answers");
    }
}

#[tokio::test]
async fn a_unit_that_builds_on_a_refused_one_is_refused() {
    let (_directory, log, store) = stranger(Limits::default()).await;
    let lineage = Lineage::new();
    let refused = store.commit(note(1, "nobody").in_lineage(lineage.clone())).await;
    assert_eq!(refused.expect_err("never added").code(), Code::UNKNOWN_TENANT);
    let behind = store.commit(note(2, "acme").in_lineage(lineage)).await;
    assert!(matches!(behind, Err(CommitError::Superseded)));
    assert_eq!(notes(&log).await, [0_u128; 0]);
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
    assert_eq!(
        lines(directory).await,
        [
            r#"partition.opened/eu partition.named v1 {"partition":"eu"}"#,
            r#"partition.opened/us partition.named v1 {"partition":"us"}"#,
            r#"bank.fr/partition.tenant/place partition.tenant_placed v1 {"partition":"eu"}"#,
        ]
    );
    assert_eq!(lines(eu).await, [r#"partition.own/name partition.named v1 {"partition":"eu"}"#]);

    let damaged = MemoryStore::new();
    let event = event(9);
    let stream = StreamId::of_tenant(TenantId::new("acme"), "partition.tenant", "place");
    let written = unit(9).append(stream.expect("a name"), ExpectedVersion::NoStream, vec![event]);
    damaged.commit(written).await.expect("it is written");
    let none = Partitions::builder(damaged).build(bank).await.expect("it may be empty");
    let error = none.tenant("acme").await.expect_err("it cannot be read");
    assert_eq!(error.code(), Code::STORE_DAMAGED);
    assert!(error.to_string().contains("acme/partition.tenant/place"), "{error}");
}
