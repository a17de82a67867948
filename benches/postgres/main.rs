//! The store on PostgreSQL against hand-written code on the same server, in
//! the same run: `cargo bench -p benches --bench postgres`.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures time and prints it"
)]

#[path = "../ratios/account.rs"]
mod account;
mod append;
#[path = "../ratios/archive.rs"]
mod archive;
mod by_hand;
mod command;
mod delivery;
mod import;
mod processes;
mod read;
#[allow(dead_code, reason = "other benchmarks time closures")]
#[path = "../ratios/report.rs"]
mod report;

use cqrs_postgres::PostgresStore;
use cqrs_testkit::postgres::Server;
use report::Report;

/// A server of its own, with its flushes on, and a runtime.
pub(crate) struct Rig {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) url: String,
    _server: Server,
}

impl Rig {
    fn new() -> Self {
        let server = Server::start();
        let url = server.url();
        Self { runtime: runtime(), url, _server: server }
    }

    pub(crate) fn store(&self, schema: &str) -> PostgresStore {
        self.runtime.block_on(self.store_async(schema))
    }

    pub(crate) async fn store_async(&self, schema: &str) -> PostgresStore {
        let options = PostgresStore::options(&*self.url).schema(schema);
        options.open().await.expect("the server keeps its promises")
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("the system gives threads")
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, rest @ ..] = &arguments[..]
        && word == processes::WORD
    {
        return processes::child(rest);
    }
    let mut report = Report::new(arguments);
    let rig = Rig::new();
    append::run(&mut report, &rig);
    processes::run(&mut report, &rig);
    command::run(&mut report, &rig);
    delivery::run(&mut report, &rig);
    read::run(&mut report, &rig);
    import::run(&mut report, &rig);
}
