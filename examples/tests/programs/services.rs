//! Two services that work together, while one of them is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_core::store::{EventStore, ReadRequest};
use cqrs_sqlite::SqliteStore;
use tempfile::TempDir;

use super::program::{Service, program};

const FIRST: &str = "00000000-0000-0000-0000-000000000001";
const SECOND: &str = "00000000-0000-0000-0000-000000000002";
const THIRD: &str = "00000000-0000-0000-0000-000000000003";

/// Where the two have their logs, and where the one listens.
struct Pair {
    folder: TempDir,
    address: String,
}

impl Pair {
    fn new() -> Self {
        // No outgoing connection takes a port of this range meanwhile, and no
        // other test of this process or of the next ones.
        static PAIRS: AtomicU32 = AtomicU32::new(0);
        let first = std::process::id() * 10 + PAIRS.fetch_add(1, Ordering::Relaxed) * 1_000;
        let ports = (0..10_000).map(|n| 20_000 + (first + n) % 10_000);
        let mut addresses = ports.map(|port| format!("127.0.0.1:{port}"));
        let address = addresses.find(|address| TcpListener::bind(address).is_ok());
        let folder = tempfile::tempdir().expect("there is room");
        Self { folder, address: address.expect("a port is free") }
    }

    fn database(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).with_extension("db")
    }

    fn start(&self, name: &str) -> Service {
        let mut command = program(name);
        command.arg(self.database(name)).arg(&self.address);
        Service::run(command)
    }

    /// Hands a document to shipping as ordering does; gives its answer.
    fn send(&self, document: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        writeln!(stream, "{document}").expect("it reads");
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).expect("it answers");
        answer.trim_end().to_owned()
    }
}

/// Orders, and who has said that they were paid.
#[derive(Default)]
struct Orders {
    all: BTreeSet<String>,
    missing: BTreeSet<String>,
}

impl Orders {
    /// Has ten more placed and paid; gives what was asked.
    fn more(&mut self, ordering: &mut Service) {
        let first = self.all.len();
        for number in first..first + 10 {
            let order = format!("o{number}");
            request(ordering, &order);
            self.missing.insert(order.clone());
            self.all.insert(order);
        }
    }

    fn heard(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("ok: purchase.paid of ") {
            let (order, taken) = rest.split_once(": ").expect("it says what came of it");
            assert_ne!(taken, "refused", "{order} was paid before it was placed");
            self.missing.remove(order);
        }
    }

    /// Waits until shipping has said of each that it was paid.
    fn all_paid(&mut self, shipping: &mut Service) {
        while !self.missing.is_empty() {
            self.heard(&shipping.says("ok: "));
        }
    }

    /// What shipping has recorded: all of them, each once, in order.
    fn are_shipped_once(&self, database: &Path) {
        let expected = ["parcel.reserved", "parcel.shipped"].map(str::to_owned).to_vec();
        let recorded = recorded(database);
        for (order, events) in &recorded {
            assert_eq!(*events, expected, "{order}");
        }
        assert!(recorded.keys().eq(&self.all), "{:?}", recorded.keys());
    }
}

fn request(ordering: &mut Service, order: &str) {
    let place = format!(r#"{{"order":"{order}","address":"Rome","express":false,"cents":5}}"#);
    ordering.ask(&format!("execute {FIRST} Place {place}"));
    ordering.ask(&format!(r#"execute {FIRST} Pay {{"order":"{order}"}}"#));
}

/// The event types of each stream of a log.
#[tokio::main(flavor = "current_thread")]
async fn recorded(database: &Path) -> BTreeMap<String, Vec<String>> {
    let store = SqliteStore::open(database).await.expect("it is a log");
    let mut streams = BTreeMap::<_, Vec<_>>::new();
    let page = store.read(ReadRequest::all().limit(10_000)).await.expect("it can be read");
    for event in page.events() {
        let stream = streams.entry(event.stream().key().to_owned()).or_default();
        stream.push(event.event_type().to_string());
    }
    streams
}

#[test]
fn two_services_print_their_transcript() {
    let pair = Pair::new();
    let mut ordering = pair.start("ordering");
    let mut shipping = pair.start("shipping");
    let mut lines = Vec::new();
    for (purchase, request, answer, heard) in [
        (FIRST, r#"Place {"order":"a","address":"Rome","express":true,"cents":500}"#, "done", true),
        (FIRST, r#"Discount {"order":"a","cents":50}"#, "done", false),
        (FIRST, r#"Pay {"order":"a"}"#, "done", true),
        (FIRST, r#"Cancel {"order":"a"}"#, "There is no", false),
        (SECOND, r#"Place {"order":"b","address":"Oslo","express":false,"cents":9}"#, "done", true),
        (SECOND, r#"Cancel {"order":"b"}"#, "done", true),
    ] {
        ordering.ask(&format!("execute {purchase} {request}"));
        lines.push(format!("> {request}\nordering: {}", ordering.says(answer)));
        if heard {
            lines.push(format!("shipping: {}", shipping.says("ok")));
        }
    }
    let document = |version, data| {
        format!(
            r#"{{"specversion":"1.0","id":"{THIRD}","source":"ordering","type":"purchase.placed","schemaversion":{version},"subject":"c","time":"2026-01-01T00:00:00Z","correlationid":"{THIRD}","data":{data}}}"#
        )
    };
    // A sender that knows the first version, one that has not heard the
    // answer, one that was deployed meanwhile, and one that is ahead.
    let mut send = |document: &str| {
        let answer = pair.send(document);
        assert_eq!(shipping.says(&answer), answer);
        answer
    };
    for (version, data) in [
        (1, r#"{"to":"Bern"}"#),
        (1, r#"{"to":"Bern"}"#),
        (2, r#"{"address":"Bern","express":true}"#),
        (3, "{}"),
    ] {
        lines.push(format!("> version {version}: {data}\n{}", send(&document(version, data))));
    }
    lines.push(format!("> what is none\n{}", send("what is none")));
    for (name, mut service) in [("ordering", ordering), ("shipping", shipping)] {
        service.ask(&format!("trace {FIRST}"));
        lines.push(format!("> trace\n{name}:"));
        let (code, rest) = service.ends();
        assert_eq!(code, Some(0));
        lines.extend(rest);
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn nothing_is_lost_or_doubled_when_the_receiver_is_killed() {
    let pair = Pair::new();
    let mut orders = Orders::default();
    let mut ordering = pair.start("ordering");
    orders.more(&mut ordering);
    for _ in 0..4 {
        let mut shipping = pair.start("shipping");
        orders.heard(&shipping.says("ok: "));
        orders.more(&mut ordering);
        for _ in 0..5 {
            orders.heard(&shipping.says("ok: "));
        }
        shipping.signal("KILL");
        let (code, rest) = shipping.ends();
        assert_eq!(code, None, "it was killed");
        rest.iter().for_each(|line| orders.heard(line));
    }
    let mut shipping = pair.start("shipping");
    orders.all_paid(&mut shipping);
    assert_eq!((ordering.ends().0, shipping.ends().0), (Some(0), Some(0)));

    orders.are_shipped_once(&pair.database("shipping"));
}

#[test]
fn nothing_is_lost_or_doubled_when_the_sender_is_killed() {
    let pair = Pair::new();
    let mut orders = Orders::default();
    let mut first = pair.start("ordering");
    orders.more(&mut first);
    first.says("done");
    let mut shipping = pair.start("shipping");
    let mut ordering = first;
    for _ in 0..4 {
        orders.heard(&shipping.says("ok: "));
        ordering.signal("KILL");
        assert_eq!(ordering.ends().0, None, "it was killed");
        ordering = pair.start("ordering");
        orders.more(&mut ordering);
    }
    // Whether those that were not answered were recorded, nobody knows.
    for order in &orders.all {
        request(&mut ordering, order);
    }
    orders.all_paid(&mut shipping);
    assert_eq!((ordering.ends().0, shipping.ends().0), (Some(0), Some(0)));

    orders.are_shipped_once(&pair.database("shipping"));
}
