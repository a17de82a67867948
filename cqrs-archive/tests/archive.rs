//! Logs go from store to store and stay what they were; what is no archive is
//! refused with a type and a line.

use cqrs_archive::{
    ArchiveError, Imported, Manifest, Until, backup, export, import, restore, verify,
};
use cqrs_core::message::{CausationId, CorrelationId, Encoding, EventId, SchemaVersion};
use cqrs_core::store::memory::MemoryStore;
use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, Limits, NewEvent, Operation, Position, ReadRequest,
    RecordedEvent, Store, StreamId, Tag, UnitOfWork,
};
use cqrs_core::{OperationId, TenantId, Timestamp};
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;
use uuid::Uuid;

fn event(n: u64) -> NewEvent {
    let id = EventId::from_uuid(Uuid::from_u64_pair(7, n));
    let (encoding, payload) = match n % 3 {
        0 => (Encoding::JSON, format!("{{\"n\":{n},\"text\":\"\\u0000 ä \\n\"}}").into_bytes()),
        1 => (Encoding::from("msgpack".to_owned()), vec![0x81, 0xff, 0xfe, n as u8]),
        _ => (Encoding::JSON, Vec::new()),
    };
    let at = Timestamp::from_micros(1_000 * n as i64 - 3_000);
    let version = SchemaVersion::new(1 + (n % 4) as u32);
    let event = NewEvent::new(id, format!("type-{}", n % 5), version, encoding, payload, at);
    let tag = |text: String| Tag::parse(&text).expect("it is a tag");
    match n % 4 {
        0 => event.with_tags([tag(format!("a:{n}")), tag("b:ü".to_owned())].into_iter().collect()),
        1 => event.with_details(&br#"{"actor":"Ada"}"#[..]),
        2 => event.caused_by(
            CorrelationId::from_uuid(Uuid::from_u64_pair(8, n)),
            Some(CausationId::from_uuid(Uuid::from_u64_pair(9, n))),
        ),
        _ => event.with_details(vec![0xc3, 0x28]),
    }
}

fn stream(n: u64) -> StreamId {
    let tenant = TenantId::new(["", "north", "a\"b"][n as usize % 3]);
    StreamId::of_tenant(tenant, format!("c/{}", n % 2), format!("k ' {}", n % 4)).expect("a name")
}

fn unit(n: u64) -> UnitOfWork {
    let id = OperationId::from_uuid(Uuid::from_u64_pair(0x7000, n));
    let operation = if n.is_multiple_of(2) { Operation::given(id) } else { Operation::fresh(id) };
    let operation = if n % 5 == 1 { operation.with_fingerprint(u128::MAX - 5) } else { operation };
    let at = Timestamp::from_micros(10_000 * n as i64);
    let work = UnitOfWork::new(operation, at);
    let events = (0..=n % 3).map(|part| event(10 * n + part)).collect();
    let work = work.append(stream(n), ExpectedVersion::Any, events);
    let work = match n % 4 {
        3 => work.append(stream(n + 1), ExpectedVersion::Any, vec![event(10 * n + 9)]),
        _ => work,
    };
    work.with_reply(vec![n as u8; n as usize % 3].into())
}

const UNITS: u64 = 24;

async fn filled(store: &Store) {
    for n in 0..UNITS {
        store.commit(unit(n)).await.expect("it commits");
    }
}

async fn events(store: &Store) -> Vec<RecordedEvent> {
    let page = store.read(ReadRequest::all().limit(10_000)).await.expect("it can be read");
    page.into_events()
}

async fn archive(store: &Store) -> (Vec<u8>, Manifest) {
    let mut archive = Vec::new();
    let manifest = export(store, &mut archive).await.expect("it is written");
    (archive, manifest)
}

async fn stores(folder: &tempfile::TempDir) -> [Store; 3] {
    let sqlite = SqliteStore::open(folder.path().join("log.db")).await.expect("it opens");
    let options = PostgresStore::options(cqrs_testkit::postgres::url());
    let schema = cqrs_testkit::postgres::schema();
    let postgres = options.schema(schema).open().await.expect("it opens");
    [Store::new(MemoryStore::new()), Store::new(sqlite), Store::new(postgres)]
}

#[tokio::test]
async fn a_log_goes_from_any_store_to_any_other_and_stays_what_it_was() {
    for from in 0..3 {
        let (sources, targets) = (tempfile::tempdir(), tempfile::tempdir());
        let (sources, targets) = (sources.expect("there is room"), targets.expect("there is room"));
        let source = stores(&sources).await[from].clone();
        filled(&source).await;
        let (bytes, manifest) = archive(&source).await;
        assert_eq!(verify(&bytes[..]).await.expect("it is whole"), manifest);
        assert_eq!(manifest.units, UNITS);
        for target in stores(&targets).await {
            let done = import(&bytes[..], &target, Until::End).await.expect("it is brought in");
            assert_eq!((done.events, done.units, done.repeated), (manifest.events, UNITS, 0));
            assert_eq!(events(&target).await, events(&source).await);
            let operations = |store: &Store| {
                let store = store.clone();
                async move { store.operations(Position::NONE, 1_000).await.expect("it lists") }
            };
            assert_eq!(operations(&target).await, operations(&source).await);
            // A request that is repeated takes effect once.
            let again = target.commit(unit(4)).await.expect("it is known");
            assert!(again.is_repeated());
            assert_ne!(
                target.info().await.expect("it answers").log,
                source.info().await.expect("it answers").log
            );
            // And so does an import.
            let again = import(&bytes[..], &target, Until::End).await.expect("it is known");
            assert_eq!(again.repeated, UNITS);
            assert_eq!(events(&target).await.len() as u64, manifest.events);
        }
    }
}

#[tokio::test]
async fn an_import_ends_before_a_unit_that_goes_beyond() {
    let source = Store::new(MemoryStore::new());
    filled(&source).await;
    let (bytes, _) = archive(&source).await;
    let all = events(&source).await;
    let operations = source.operations(Position::NONE, 1_000).await.expect("it lists");
    for position in 0..=all.len() as u64 {
        let target = Store::new(MemoryStore::new());
        let until = Until::Position(Position::new(position));
        let done = import(&bytes[..], &target, until).await.expect("it is brought in");
        let whole = operations.iter().take_while(|one| one.last().get() <= position);
        let expected: u64 = whole.map(|one| one.events).sum();
        assert_eq!((done.events, events(&target).await.len() as u64), (expected, expected));
        assert_eq!(events(&target).await, all[..expected as usize]);
    }
    let target = Store::new(MemoryStore::new());
    let until = Until::Time(Timestamp::from_micros(55_000));
    import(&bytes[..], &target, until).await.expect("it is brought in");
    let before = all.iter().filter(|event| event.recorded_at().as_micros() <= 55_000).count();
    assert_eq!(events(&target).await.len(), before);
}

#[tokio::test]
async fn a_backup_while_others_write_is_one_state_of_the_log() {
    let folder = tempfile::tempdir().expect("there is room");
    for (number, store) in stores(&folder).await.into_iter().enumerate() {
        filled(&store).await;
        let path = folder.path().join(format!("backup-{number}"));
        let (writing, backed) = tokio::join!(
            async {
                for n in 100..160 {
                    store.commit(unit(n)).await.expect("it commits");
                    tokio::task::yield_now().await;
                }
            },
            backup(&store, &path)
        );
        let ((), manifest) = (writing, backed.expect("it is written"));
        let target = Store::new(MemoryStore::new());
        let done = restore(&path, &target, Until::End).await.expect("it is brought in");
        assert_eq!(done.events, manifest.events);
        let all = events(&store).await;
        assert_eq!(events(&target).await, all[..manifest.events as usize]);
        assert!(!folder.path().join(format!("backup-{number}.part")).exists());
    }
}

#[tokio::test]
async fn an_archive_cut_anywhere_is_refused_and_nothing_of_it_restored() {
    let store = Store::new(MemoryStore::new());
    for n in 0..3 {
        store.commit(unit(n)).await.expect("it commits");
    }
    let (bytes, _) = archive(&store).await;
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("archive");
    for length in 0..bytes.len() {
        let error = verify(&bytes[..length]).await.expect_err("it is cut");
        assert!(matches!(error, ArchiveError::CutOff { .. }), "{length}: {error:?}");
        if length % 100 == 0 {
            std::fs::write(&path, &bytes[..length]).expect("there is room");
            let target = Store::new(MemoryStore::new());
            restore(&path, &target, Until::End).await.expect_err("it is cut");
            assert_eq!(events(&target).await, []);
        }
    }
}

#[tokio::test]
async fn a_changed_byte_is_found_wherever_it_stands() {
    let store = Store::new(MemoryStore::new());
    for n in 0..3 {
        store.commit(unit(n)).await.expect("it commits");
    }
    let (bytes, _) = archive(&store).await;
    for place in 0..bytes.len() {
        for change in [1, 0x20] {
            let mut bytes = bytes.clone();
            bytes[place] ^= change;
            if let Ok(manifest) = verify(&bytes[..]).await {
                panic!("byte {place} was changed unnoticed: {manifest:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_archive_is_refused_with_its_line() {
    let store = Store::new(MemoryStore::new());
    for n in 0..3 {
        store.commit(unit(n)).await.expect("it commits");
    }
    let (bytes, _) = archive(&store).await;
    let text = String::from_utf8(bytes).expect("it is text");
    let lines: Vec<&str> = text.lines().collect();
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        change(&mut lines);
        lines.join("\n") + "\n"
    };
    let cases = [
        (changed(&|lines| lines[0] = "{}".to_owned()), "line 1"),
        (changed(&|lines| lines[0] = lines[0].replace("\"format\":1", "\"format\":2")), "format 2"),
        (changed(&|lines| lines[2] = "what".to_owned()), "line 3"),
        (changed(&|lines| lines[2] = lines[0].clone()), "a second first line"),
        (changed(&|lines| drop(lines.remove(2))), "events of the unit before are missing"),
        (changed(&|lines| lines.insert(3, lines[2].clone())), "position 1 where 2 is due"),
        (changed(&|lines| lines[2] = lines[2].replace("\"schema\":1", "\"schema\":0")), "from 1"),
        (changed(&|lines| lines[2] = lines[2].replace("\"c/0\"", "\"\"")), "is empty"),
    ];
    for (text, said) in cases {
        let error = verify(text.as_bytes()).await.expect_err("it is no archive");
        assert!(error.to_string().contains(said), "{said}: {error}");
        let target = Store::new(MemoryStore::new());
        let refused = import(text.as_bytes(), &target, Until::End).await;
        let refused = refused.expect_err("it is no archive");
        assert_eq!(refused.to_string(), error.to_string(), "an import says the same");
    }
    let text =
        changed(&|lines| lines[3] = lines[3].replace("\"fingerprint\":\"", "\"fingerprint\":\"x"));
    let target = Store::new(MemoryStore::new());
    let refused = import(text.as_bytes(), &target, Until::End).await.expect_err("it is no number");
    assert!(refused.to_string().starts_with("line 4 of the archive: "), "{refused}");
    // The unit's second event.
    let text = changed(&|lines| lines[5] = lines[5].replace("\"version\":2", "\"version\":7"));
    assert!(text.contains("\"version\":7"), "{text}");
    let target = Store::new(MemoryStore::new());
    let refused = import(text.as_bytes(), &target, Until::End).await.expect_err("it has a gap");
    assert!(refused.to_string().contains("version 7 of"), "{refused}");
    for noise in [&b""[..], b"\n", b"\xff\xfe\n", b"[[[[[[[[\n", b"null\n", b"{\"archive\":1}\n"] {
        verify(noise).await.expect_err("it is no archive");
    }
}

#[tokio::test]
async fn a_store_that_holds_something_else_is_left_as_it_is() {
    let (source, target) = (Store::new(MemoryStore::new()), Store::new(MemoryStore::new()));
    filled(&source).await;
    let (bytes, _) = archive(&source).await;
    let id = OperationId::from_uuid(Uuid::from_u128(1));
    let other = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH).append(
        stream(0),
        ExpectedVersion::Any,
        vec![event(999)],
    );
    target.commit(other).await.expect("it commits");
    let error = import(&bytes[..], &target, Until::End).await.expect_err("it is another log");
    let ArchiveError::Commit { position, source } = &error else { panic!("{error:?}") };
    assert_eq!(position.get(), 1);
    assert!(matches!(source, CommitError::Conflict { .. }), "{source:?}");
}

/// Units are handed over before those in front of them have committed.
#[tokio::test]
async fn nothing_commits_behind_a_unit_that_did_not() {
    let source = Store::new(MemoryStore::new());
    filled(&source).await;
    let (bytes, _) = archive(&source).await;
    let folder = tempfile::tempdir().expect("there is room");
    for target in stores(&folder).await {
        // In the way of the archive's last streams, not of its first.
        let all = events(&source).await;
        let blocked = all[all.len() / 2].stream().clone();
        let id = OperationId::from_uuid(Uuid::from_u128(1));
        let other = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH).append(
            blocked.clone(),
            ExpectedVersion::Any,
            vec![event(999)],
        );
        target.commit(other).await.expect("it commits");
        let error = import(&bytes[..], &target, Until::End).await.expect_err("it is in the way");
        let ArchiveError::Commit { position, source: CommitError::Conflict { .. } } = &error else {
            panic!("{error:?}")
        };
        let there = events(&target).await.len() as u64 - 1;
        assert_eq!(there, position.get() - 1, "what stood before it, and nothing else");
    }
}

#[tokio::test]
async fn an_import_into_a_log_that_somebody_else_writes_says_so() {
    let source = Store::new(MemoryStore::new());
    filled(&source).await;
    let (bytes, _) = archive(&source).await;
    let target = Store::new(MemoryStore::new());
    let half = Until::Position(Position::new(20));
    import(&bytes[..], &target, half).await.expect("it is brought in");
    let foreign = |n: u64| {
        let id = OperationId::from_uuid(Uuid::from_u128(u128::from(n)));
        let other = StreamId::new("other", n.to_string()).expect("it is a name");
        let work = UnitOfWork::new(Operation::fresh(id), Timestamp::EPOCH);
        work.append(other, ExpectedVersion::Any, vec![event(n)])
    };
    target.commit(foreign(999)).await.expect("it commits");
    // The rest follows in order, behind what was written meanwhile.
    import(&bytes[..], &target, Until::End).await.expect("it is brought in");
    // A log in which the archive's units stand in another order.
    let target = Store::new(MemoryStore::new());
    let (first, second) = (foreign(1), foreign(2));
    target.commit(second.clone()).await.expect("it commits");
    target.commit(first.clone()).await.expect("it commits");
    let source = Store::new(MemoryStore::new());
    source.commit(first).await.expect("it commits");
    source.commit(second).await.expect("it commits");
    let (bytes, _) = archive(&source).await;
    let error = import(&bytes[..], &target, Until::End).await.expect_err("it is another order");
    assert!(matches!(error, ArchiveError::Displaced { .. }), "{error:?}");
}

#[tokio::test]
async fn a_log_that_could_not_be_brought_back_is_not_archived() {
    let schema = cqrs_testkit::postgres::schema();
    let options = PostgresStore::options(cqrs_testkit::postgres::url()).schema(&schema);
    let store = options.open().await.expect("it opens");
    for n in 0..3 {
        store.commit(unit(n)).await.expect("it commits");
    }
    let mut psql = std::process::Command::new("psql");
    let delete = format!("DELETE FROM {schema}.events WHERE position = 2");
    psql.args(["-q", "-d", &cqrs_testkit::postgres::url(), "-c", &delete]);
    assert!(psql.status().expect("it is installed").success());
    let error = export(&store, &mut Vec::new()).await.expect_err("it has a gap");
    assert!(error.to_string().contains("position 3 follows where 2 is due"), "{error}");

    // Six bytes for each that JSON escapes.
    let mut limits = Limits::default();
    (limits.payload_bytes, limits.unit_bytes) = (usize::MAX, usize::MAX);
    let store = MemoryStore::with_limits(limits);
    let id = OperationId::from_uuid(Uuid::from_u128(1));
    let (version, at) = (SchemaVersion::FIRST, Timestamp::EPOCH);
    let payload = vec![0; 12 << 20];
    let id_of_event = EventId::from_uuid(Uuid::from_u128(1));
    let event = NewEvent::new(id_of_event, "long", version, Encoding::JSON, payload, at);
    let work = UnitOfWork::new(Operation::fresh(id), at);
    let work = work.append(stream(0), ExpectedVersion::Any, vec![event]);
    store.commit(work).await.expect("it commits");
    let folder = tempfile::tempdir().expect("there is room");
    let error = backup(&store, folder.path().join("b")).await.expect_err("it is too long");
    assert!(error.to_string().contains("the event at position 1 needs"), "{error}");
    assert_eq!(folder.path().read_dir().expect("it is there").count(), 0, "nothing is left");
}

#[tokio::test]
async fn backups_to_one_path_do_not_meet() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("backup");
    let store = Store::new(MemoryStore::new());
    filled(&store).await;
    // Of one that was cut short, or is still written.
    std::fs::write(folder.path().join("backup.part"), "theirs").expect("there is room");
    let (one, two) = tokio::join!(backup(&store, &path), backup(&store, &path));
    assert_eq!(one.expect("it is written"), two.expect("it is written"));
    cqrs_archive::verify_file(&path).await.expect("it is whole");
    let theirs = std::fs::read_to_string(folder.path().join("backup.part"));
    assert_eq!(theirs.expect("it is there"), "theirs");
    assert_eq!(folder.path().read_dir().expect("it is there").count(), 2);
}

#[tokio::test]
async fn a_folder_full_of_backups_that_were_cut_short_takes_no_more() {
    let folder = tempfile::tempdir().expect("there is room");
    let store = Store::new(MemoryStore::new());
    filled(&store).await;
    let part = |number: u32| match number {
        0 => folder.path().join("backup.part"),
        _ => folder.path().join(format!("backup.{number}.part")),
    };
    for number in 0..=1_000 {
        std::fs::write(part(number), "theirs").expect("there is room");
    }
    let error = backup(&store, folder.path().join("backup")).await.expect_err("there are too many");
    let ArchiveError::Io(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    std::fs::remove_file(part(1_000)).expect("it is there");
    backup(&store, folder.path().join("backup")).await.expect("there is room for one");
    assert!(!part(1_000).exists(), "it has become the backup");

    let nowhere = backup(&store, folder.path().join("missing/backup")).await;
    let ArchiveError::Io(error) = nowhere.expect_err("there is no such folder") else {
        panic!("it is no other error")
    };
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[tokio::test]
async fn an_empty_log_is_an_archive_too() {
    let store = Store::new(MemoryStore::new());
    let (bytes, manifest) = archive(&store).await;
    assert_eq!((manifest.events, manifest.units), (0, 0));
    let target = Store::new(MemoryStore::new());
    let done = import(&bytes[..], &target, Until::End).await.expect("it is brought in");
    assert_eq!(done, Imported::default());
}
