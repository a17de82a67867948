//! The program as a process, the application in this process, and ledgers.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use cqrs_core::prelude::*;
use cqrs_core::store::Store;
use examples::bank::{self, Imported, Ledger, Observer, Refusal};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const HEADER: &str =
    "transaction_id,account_id,date,kind,operation,purpose,amount,balance\n";

/// The built example. It stands beside the folder of this test's binary, and
/// is built now where that binary was built alone.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("a test runs from a file");
        let folder = test.ancestors().nth(2).expect("a test stands in target/<profile>/deps");
        let program = folder.join("examples").join("bank");
        let program = program.with_extension(std::env::consts::EXE_EXTENSION);
        let built = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
        if built(&program) < built(&test) {
            build(folder);
        }
        program
    })
}

fn build(folder: &Path) {
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile has a name");
    let profile = if profile == "debug" { "dev" } else { profile };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "examples", "--example", "bank", "--profile", profile]);
    cargo.arg("--target-dir").args(folder.parent());
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(cargo.status().expect("cargo runs").success(), "the example cannot be built");
}

/// A folder with a database and ledgers in it.
pub(crate) struct Bank {
    pub(crate) folder: TempDir,
}

/// How the program has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bank {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("there is room for a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("there is room for a file");
        path
    }

    /// Writes a ledger: the header and these rows.
    pub(crate) fn ledger(&self, name: &str, rows: &str) -> PathBuf {
        self.file(name, format!("{HEADER}{rows}"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(self.folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
        command
    }

    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("the program starts")
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        let output = self.command(args).output().expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("the program writes text");
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs with `--json` and reads the one object.
    pub(crate) fn json(&self, args: &[&str], code: i32) -> Value {
        let ended = self.run(&[args, &["--json"]].concat());
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.err);
        serde_json::from_str(&ended.out).expect("one JSON object on standard output")
    }
}

impl Ended {
    /// That it failed with this code and said all of this.
    #[track_caller]
    pub(crate) fn said(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is not in: {}", self.err);
        }
    }
}

/// The application on a store of this process.
pub(crate) fn app(store: impl cqrs_core::store::EventStore) -> App {
    bank::build(Store::new(store)).expect("the bank is complete")
}

/// Keeps what was rejected, as `line code`.
#[derive(Default)]
pub(crate) struct Rejections(pub(crate) Vec<String>);

impl Observer for Rejections {
    fn progress(&mut self, _rows: u64, _bytes: (u64, Option<u64>)) {}

    fn rejected(&mut self, _file: &str, refusal: &Refusal) {
        let line = match refusal {
            Refusal::Row(error) => error.line,
            Refusal::Command { line, .. } => *line,
        };
        self.0.push(format!("{line} {}", refusal.code()));
    }
}

/// Imports a file that the bank can take; what was rejected comes with it.
pub(crate) async fn import(app: &App, path: &Path) -> (Imported, Vec<String>) {
    let mut rejections = Rejections::default();
    let ledger = Ledger::open(path).expect("the ledger opens");
    let done = bank::import(app, ledger, &mut rejections).await.expect("the import ends");
    (done, rejections.0)
}

/// A ledger that was made up by rule, and what must come of it.
pub(crate) struct MadeUp {
    pub(crate) rows: String,
    pub(crate) count: u64,
    pub(crate) sum: i64,
    pub(crate) drifted: u64,
}

/// Makes up a ledger. Amounts follow from the row's number alone, and every
/// balance in the file is rounded to whole units, as banks do.
pub(crate) fn made_up(count: u64, accounts: u64) -> MadeUp {
    let mut balances = vec![0_i64; usize::try_from(accounts).expect("few accounts")];
    let (mut rows, mut drifted) = (String::new(), 0);
    for row in 0..count {
        let spread = (row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let account = if row < accounts { row } else { spread % accounts };
        let cents = i64::try_from(spread / accounts % 1_000_000).expect("it is below a million");
        let (kind, signed) =
            if spread.is_multiple_of(3) { ("debit", -cents) } else { ("credit", cents) };
        let balance = &mut balances[usize::try_from(account).expect("few accounts")];
        *balance += signed;
        let stated = *balance / 100;
        drifted += u64::from(stated * 100 != *balance);
        let (month, day) = (row * 12 / count + 1, row % 28 + 1);
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        writeln!(rows, "{row},a{account},1993-{month:02}-{day:02},{kind},cash,,{amount},{stated}")
            .expect("a string takes everything");
    }
    MadeUp { rows, count, sum: balances.iter().sum(), drifted }
}

/// Cents as the program writes them.
pub(crate) fn decimal(cents: i64) -> String {
    bank::Cents::new(cents).to_string()
}
