//! Processes share an event handler while one is stopped, one is killed and one
//! sleeps through its leases.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cqrs_core::prelude::*;
use cqrs_testkit::postgres::Server;
use support::bank::{Deposit, Open};

use crate::count;

const ACCOUNTS: u32 = 24;
/// As much as every wait in here may take.
const GUARD: Duration = Duration::from_secs(60);

/// What was handled, in the order in which it was.
type Book = Arc<Mutex<Vec<Handled>>>;

#[derive(Clone, Debug)]
struct Handled {
    by: String,
    position: u64,
    stream: String,
    version: u64,
}

/// A process that handles, killed when it is dropped.
struct Process(Child);

impl Process {
    fn signal(&self, signal: &str) {
        let arguments = [format!("-{signal}"), self.0.id().to_string()];
        let sent = Command::new("kill").args(arguments).status().expect("a signal can be sent");
        assert!(sent.success());
    }

    /// Ends its input, and waits until it has ended.
    fn stop(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("it ends").success(), "it failed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes into the book what comes out of a pipe that all processes share.
fn read(pipe: PipeReader, book: Book) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let line = line.expect("they say text");
            let words: Vec<_> = line.split(' ').collect();
            let [by, position, stream, version] = words[..] else { panic!("torn: {line}") };
            let number = |text: &str| text.parse().expect("a number");
            let (position, version) = (number(position), number(version));
            let (by, stream) = (by.to_owned(), stream.to_owned());
            book.lock().unwrap().push(Handled { by, position, stream, version });
        }
    });
}

/// What writes.
struct Clerk {
    app: App,
    written: u64,
    book: Book,
    place: String,
    says: PipeWriter,
}

impl Clerk {
    async fn new(place: &str) -> Self {
        let app = App::builder()
            .modules(cqrs_core::modules![support::bank])
            .store(support::place::open(place).await)
            .without_projections()
            .build()
            .expect("the bank is complete");
        let (pipe, says) = std::io::pipe().expect("there is one");
        let book = Book::default();
        read(pipe, Arc::clone(&book));
        let mut clerk = Self { app, written: 0, book, place: place.to_owned(), says };
        for account in 0..ACCOUNTS {
            let open = Open { account: account.to_string().into(), owner: "somebody".into() };
            clerk.app.execute(open).await.expect("it commits");
            clerk.written += 1;
        }
        clerk
    }

    fn starts(&self, name: &str) -> Process {
        let child = Command::new(env!("CARGO_BIN_EXE_sharing"))
            .args([&self.place, name])
            .stdin(Stdio::piped())
            .stdout(self.says.try_clone().expect("a pipe has many ends"))
            .spawn();
        Process(child.expect("it starts"))
    }

    async fn writes(&mut self, rounds: u64) {
        for _ in 0..rounds {
            let deposit = |account: u32| Deposit { account: account.to_string().into(), cents: 1 };
            for done in self.app.execute_all((0..ACCOUNTS).map(deposit)).await {
                done.expect("it commits");
                self.written += 1;
            }
        }
    }

    fn positions(&self) -> BTreeMap<u64, Vec<String>> {
        let mut positions: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for handled in &*self.book.lock().unwrap() {
            positions.entry(handled.position).or_default().push(handled.by.clone());
        }
        positions
    }

    /// Waits until everything that was written has been handled.
    async fn handled(&self) -> Vec<u64> {
        let (mut since, mut before) = (Instant::now(), 0);
        loop {
            let done = self.positions().len();
            if done as u64 == self.written {
                break;
            }
            if done > before {
                (since, before) = (Instant::now(), done);
            }
            assert!(since.elapsed() < GUARD, "{done} of {} were handled", self.written);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let twice = self.positions().into_iter().filter(|(_, by)| by.len() > 1);
        twice.map(|(position, _)| position).collect()
    }

    /// Writes until all of these work on something.
    async fn writes_until_all_work(&mut self, names: &[&str]) {
        let (since, from) = (Instant::now(), self.book.lock().unwrap().len());
        loop {
            self.writes(1).await;
            let work: BTreeSet<_> = self.book.lock().unwrap()[from..]
                .iter()
                .map(|handled| handled.by.clone())
                .collect();
            if names.iter().all(|name| work.contains(*name)) {
                return;
            }
            assert!(since.elapsed() < GUARD, "of {names:?} only {work:?} work");
        }
    }

    /// Each stream came in its order, except for what came again.
    fn in_order(&self) {
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for Handled { stream, version, by, .. } in &*self.book.lock().unwrap() {
            let newest = last.entry(stream.clone()).or_default();
            assert!(*version <= *newest + 1, "{stream}: {version} by {by} behind {newest}");
            *newest = (*newest).max(*version);
        }
    }
}

async fn share(place: &str) {
    let mut clerk = Clerk::new(place).await;
    let (ada, bob) = (clerk.starts("ada"), clerk.starts("bob"));
    clerk.writes_until_all_work(&["ada", "bob"]).await;
    assert_eq!(clerk.handled().await, [0_u64; 0], "each event is handled once");

    for _ in 0..count(1, 10) {
        let cyd = clerk.starts("cyd");
        clerk.writes_until_all_work(&["ada", "bob", "cyd"]).await;
        clerk.writes(5).await;
        cyd.stop();
        clerk.writes(5).await;
        assert_eq!(clerk.handled().await, [0_u64; 0], "whoever comes and goes doubles nothing");
    }

    clerk.writes(5).await;
    drop(ada);
    clerk.writes(5).await;
    let twice = clerk.handled().await;
    // Each of its parts may have had a chunk of events in hand.
    assert!(twice.len() <= 6 * 24, "{twice:?}");
    clerk.in_order();

    let dan = clerk.starts("dan");
    clerk.writes_until_all_work(&["bob", "dan"]).await;
    clerk.handled().await;
    clerk.writes(5).await;
    bob.signal("STOP");
    clerk.writes(5).await;
    clerk.writes_until_all_work(&["dan"]).await;
    clerk.handled().await;
    bob.signal("CONT");
    clerk.writes_until_all_work(&["bob", "dan"]).await;
    clerk.handled().await;
    clerk.in_order();
    dan.stop();
    bob.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_handler_on_postgres() {
    share(&Server::start().url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_handler_on_one_sqlite_file() {
    let folder = tempfile::tempdir().expect("there is room");
    share(&format!("sqlite:{}", folder.path().join("log.db").display())).await;
}
