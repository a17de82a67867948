//! The table of every contract and every store is what the suite finds.
//!
//! When it has changed on purpose, run this with `CQRS_CONTRACTS=accept`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use cqrs_core::store::Store;
use cqrs_core::store::memory::MemoryStore;
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;
use cqrs_testkit::conformance::{BoxFuture, CASES, Case, Fixture, Outcome};
use cqrs_testkit::postgres;

struct Files {
    folder: tempfile::TempDir,
    made: AtomicU32,
}

impl Files {
    async fn open(&self) -> Store {
        let path = self.folder.path().join(format!("{}.db", self.made.load(Ordering::SeqCst)));
        Store::new(SqliteStore::open(path).await.expect("the file opens"))
    }
}

impl Fixture for Files {
    fn fresh(&self) -> BoxFuture<'_, Store> {
        self.made.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.open())
    }

    fn reopen(&self, store: Store) -> BoxFuture<'_, Option<Store>> {
        drop(store);
        Box::pin(async { Some(self.open().await) })
    }
}

/// The schema of the log that was made last.
struct Schemas(Mutex<String>);

impl Schemas {
    async fn open(&self) -> Store {
        let schema = self.0.lock().expect("no code that may panic runs under the lock").clone();
        let options = PostgresStore::options(postgres::url()).schema(schema).connections(4);
        Store::new(options.open().await.expect("the log opens"))
    }
}

impl Fixture for Schemas {
    fn fresh(&self) -> BoxFuture<'_, Store> {
        *self.0.lock().expect("no code that may panic runs under the lock") = postgres::schema();
        Box::pin(self.open())
    }

    fn reopen(&self, store: Store) -> BoxFuture<'_, Option<Store>> {
        drop(store);
        Box::pin(async { Some(self.open().await) })
    }
}

fn memory() -> Arc<dyn Fixture> {
    Arc::new(|| async { MemoryStore::new() })
}

fn sqlite() -> Arc<dyn Fixture> {
    let folder = tempfile::tempdir().expect("there is room");
    Arc::new(Files { folder, made: AtomicU32::new(0) })
}

fn on_postgres() -> Arc<dyn Fixture> {
    Arc::new(Schemas(Mutex::default()))
}

/// What came of every case, several at a time.
fn outcomes(fixture: fn() -> Arc<dyn Fixture>) -> Vec<Outcome> {
    const AT_ONCE: usize = 8;
    let run = |cases: &[Case]| -> Vec<Outcome> {
        let fixture = fixture();
        cases.iter().map(|case| case.outcome(&fixture)).collect()
    };
    std::thread::scope(|scope| {
        let part = CASES.len().div_ceil(AT_ONCE);
        let parts: Vec<_> =
            CASES.chunks(part).map(|cases| scope.spawn(move || run(cases))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("outcomes are values")).collect()
    })
}

fn mark(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "✓",
        Outcome::Unasked => "–",
        _ => "✗",
    }
}

fn table(stores: &[(&str, Vec<Outcome>)]) -> String {
    let mut table = String::from(
        "# What each store keeps of the contract\n\n\
         Every case of the conformance suite, as it ran on every store: ✓ the store does it, – the \
         store lacks the\ncapability that the case is about and was not asked, ✗ it breaks the \
         contract. A test compares this table with\nwhat the suite finds.\n\n| |",
    );
    let cells = |cells: Vec<String>| format!(" {} |\n", cells.join(" | "));
    table += &cells(stores.iter().map(|(name, _)| (*name).to_owned()).collect());
    table += &format!("|---|{}\n", "---|".repeat(stores.len()));
    for (sign, what) in [("✓", "kept"), ("–", "not asked"), ("✗", "broken")] {
        let count = |outcomes: &[Outcome]| outcomes.iter().filter(|one| mark(one) == sign).count();
        let counts = stores.iter().map(|(_, outcomes)| count(outcomes).to_string()).collect();
        write!(table, "| {what} |{}", cells(counts)).expect("a string takes everything");
    }
    let mut contract = "";
    for (n, case) in CASES.iter().enumerate() {
        if case.contract() != contract {
            contract = case.contract();
            let names = stores.iter().map(|(name, _)| (*name).to_owned()).collect();
            let rule = "---|".repeat(stores.len());
            write!(table, "\n## {}\n\n| |{}|---|{rule}\n", spoken(contract), cells(names))
                .expect("a string takes everything");
        }
        let marks = stores.iter().map(|(_, outcomes)| mark(&outcomes[n]).to_owned()).collect();
        write!(table, "| {} |{}", spoken(case.name()), cells(marks))
            .expect("a string takes everything");
    }
    table
}

fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

#[test]
fn the_table_of_contracts_and_stores_is_what_the_suite_finds() {
    let stores = [
        ("memory", outcomes(memory)),
        ("SQLite", outcomes(sqlite)),
        ("PostgreSQL", outcomes(on_postgres)),
    ];

    let found = table(&stores);

    let failed = |(name, outcomes): &(&str, Vec<Outcome>)| {
        let failed = |outcome: &Outcome| match outcome {
            Outcome::Failed(failure) => Some(format!("{name}: {failure}")),
            _ => None,
        };
        outcomes.iter().filter_map(failed).collect::<Vec<_>>()
    };
    let failed: Vec<String> = stores.iter().flat_map(failed).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let file: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../cqrs-testkit/docs/contracts.md");
    if std::env::var("CQRS_CONTRACTS").is_ok_and(|word| word == "accept") {
        std::fs::write(&file, &found).expect("the repository can be written");
    }
    let stands = std::fs::read_to_string(&file).unwrap_or_default();
    let first = stands.lines().zip(found.lines()).find(|(stands, found)| stands != found);
    assert!(stands == found, "{} is out of date: {first:?}", file.display());
}
