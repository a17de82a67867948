//! Runs the program, and fills the logs that it works on.
#![allow(dead_code, reason = "each test uses its part")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cqrs_core::Timestamp;
use cqrs_core::message::{Encoding, EventId, OperationId, SchemaVersion};
use cqrs_core::store::{
    EventStore, ExpectedVersion, NewEvent, Operation, ReadRequest, RecordedEvent, Store, StreamId,
    UnitOfWork,
};
use cqrs_postgres::PostgresStore;
use cqrs_sqlite::SqliteStore;
use cqrs_testkit::postgres;
use uuid::Uuid;

/// A place for a log, with the arguments that name it.
pub struct Place {
    pub folder: tempfile::TempDir,
    pub args: Vec<String>,
    schema: Option<String>,
}

/// An empty place of each kind.
pub fn places() -> [Place; 2] {
    [sqlite(), on_postgres()]
}

pub fn sqlite() -> Place {
    let folder = tempfile::tempdir().expect("there is room");
    Place { folder, args: vec!["--store".into(), "sqlite:log.db".into()], schema: None }
}

fn on_postgres() -> Place {
    let (folder, schema) = (tempfile::tempdir().expect("there is room"), postgres::schema());
    let store = format!("postgres:{}", postgres::url());
    let args = ["--store", &store, "--schema", &schema].map(str::to_owned).to_vec();
    Place { folder, args, schema: Some(schema) }
}

impl Place {
    /// Runs the program in the place's folder, on its log.
    pub fn run(&self, command: &str) -> Ran {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.extend(self.args.iter().map(String::as_str));
        run(self.folder.path(), &args)
    }

    pub async fn open(&self) -> Store {
        match &self.schema {
            None => {
                let path = self.folder.path().join("log.db");
                Store::new(SqliteStore::open(path).await.expect("it opens"))
            }
            Some(schema) => {
                let options = PostgresStore::options(postgres::url()).schema(schema);
                Store::new(options.open().await.expect("it opens"))
            }
        }
    }

    /// Writes units of one event each, a second apart.
    pub async fn filled(&self, units: u64) {
        let store = self.open().await;
        for n in 1..=units {
            store.commit(unit(n)).await.expect("it commits");
        }
    }
}

/// What the program said, and its exit code.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub error: String,
}

/// Runs the program.
pub fn run(folder: &Path, args: &[&str]) -> Ran {
    run_on(folder, args, b"")
}

/// Runs the program with something on its standard input.
pub fn run_on(folder: &Path, args: &[&str], input: &[u8]) -> Ran {
    let mut program = Command::new(env!("CARGO_BIN_EXE_cqrs"));
    let program = program.args(args).current_dir(folder).stdin(Stdio::piped());
    let program = program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().expect("it runs");
    // One that does not read it is not harmed by it.
    let _ = program.stdin.take().expect("it is piped").write_all(input);
    let Output { status, stdout, stderr } = program.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it writes text");
    let code = status.code().expect("it ends by itself");
    Ran { code, out: text(stdout), error: text(stderr) }
}

impl Ran {
    /// That it ended so.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Everything it said, without what differs from run to run.
    pub fn said(&self) -> String {
        let said = format!("exit {}\n{}{}", self.code, self.out, self.error);
        let is_random = |word: &str| {
            [32, 36].contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        };
        let word = |c: char| !(c.is_ascii_hexdigit() || c == '-');
        let random: Vec<_> = said.split(word).filter(|word| is_random(word)).collect();
        random.iter().fold(said.clone(), |said, word| said.replace(word, "…"))
    }
}

pub fn unit(n: u64) -> UnitOfWork {
    let id = OperationId::from_uuid(Uuid::from_u64_pair(1, n));
    let at = Timestamp::from_micros(1_700_000_000_000_000 + 1_000_000 * n.cast_signed());
    let (version, json) = (SchemaVersion::FIRST, Encoding::JSON);
    let event_id = EventId::from_uuid(Uuid::from_u64_pair(2, n));
    let event = NewEvent::new(event_id, "noted", version, json, format!("{{\"n\":{n}}}"), at);
    let stream = StreamId::new("note", (n % 3).to_string()).expect("it is a name");
    UnitOfWork::new(Operation::given(id), at).append(stream, ExpectedVersion::Any, vec![event])
}

pub async fn events(store: &Store) -> Vec<RecordedEvent> {
    let page = store.read(ReadRequest::all().limit(1_000)).await.expect("it can be read");
    page.into_events()
}
