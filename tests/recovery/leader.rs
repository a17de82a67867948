//! A leader is stopped for longer than its lease lasts, and continued.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use cqrs_core::store::{EventStore, Store};
use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;
use support::ledger;

use crate::count;

/// A process that leads or follows, killed when it is dropped.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    acknowledged: HashSet<u64>,
}

impl Process {
    fn start(server: &Server, holder: &str, first: u64) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_leading"))
            .args([&server.url(), holder, &first.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it has an output")).lines();
        Self { child, lines, acknowledged: HashSet::new() }
    }

    /// Reads on until it says a word, and gives the number with it.
    fn says(&mut self, awaited: &str) -> u64 {
        loop {
            let line = self.lines.next().expect("it goes on").expect("it says text");
            let (word, number) = line.split_once(' ').expect("a word and a number");
            let number = number.parse().expect("it is a number");
            if word == "ack" {
                self.acknowledged.insert(number);
            }
            if word == awaited {
                return number;
            }
        }
    }

    fn signal(&self, signal: &str) {
        let arguments = [format!("-{signal}"), self.child.id().to_string()];
        let sent = Command::new("kill").args(arguments).status().expect("a signal can be sent");
        assert!(sent.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_leader_that_slept_through_its_lease_cannot_commit() {
    let server = Server::start();
    for round in 0..count(2, 40) {
        let first = round * 1_000_000;
        let mut ada = Process::start(&server, "ada", first);
        let token = ada.says("leads");
        for _ in 0..20 {
            ada.says("ack");
        }

        // In the middle of its work, with units on their way.
        ada.signal("STOP");
        let mut bob = Process::start(&server, "bob", first + 500_000);
        let next = bob.says("leads");
        for _ in 0..20 {
            bob.says("ack");
        }
        ada.signal("CONT");

        assert_eq!(ada.says("lost"), token);
        assert!(next > token);
        bob.says("ack");
        let acknowledged: HashSet<u64> = &ada.acknowledged | &bob.acknowledged;
        drop((ada, bob));
        let store = PostgresStore::open(server.url()).await.expect("the server lets it in");
        check(&Store::new(store), first, &acknowledged).await;
    }
}

/// That the log of a round has what was acknowledged, and nothing of the first
/// leader behind anything of the second.
async fn check(store: &Store, first: u64, acknowledged: &HashSet<u64>) {
    let mut units: Vec<u64> = Vec::new();
    for event in ledger::all(store).await {
        let (unit, _) = event.id().as_uuid().as_u64_pair();
        if unit >= first && units.last() != Some(&unit) {
            units.push(unit);
        }
    }
    let is_second = |unit: &u64| *unit >= first + 500_000;
    let taken_over = units.iter().position(is_second).expect("the second has written");
    assert!(units[taken_over..].iter().all(is_second), "the first wrote after the second");
    for unit in acknowledged {
        assert!(units.contains(unit), "unit {unit} was acknowledged and is lost");
    }
    let held = store.leases("ledger").await.expect("they can be listed");
    for lease in held {
        store.release_lease(&lease).await.expect("it is given back");
    }
}
