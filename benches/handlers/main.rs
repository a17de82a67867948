//! What the number of registered handlers does to a call:
//! `cargo bench -p benches --features handlers --bench handlers`.
//!
//! Apart from the other lines, since it takes minutes to compile a thousand
//! handlers with all optimisations.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "../ratios/report.rs"]
mod report;

use cqrs_core::prelude::*;
use report::{Line, Report, timed};

const CALLS: u64 = 200_000;

mod alone {
    use cqrs_core::prelude::*;

    cqrs_core::module!();

    #[derive(Command)]
    pub(crate) struct Ping;

    #[derive(Rejection, Debug)]
    pub(crate) enum Never {}

    #[command_handler]
    async fn ping(_: &Ping) -> Result<(), Never> {
        Ok(())
    }
}

/// 999 commands, each with its handler.
mod others {
    use cqrs_core::prelude::*;

    use super::alone::Never;

    cqrs_core::module!();

    include!(concat!(env!("OUT_DIR"), "/others.rs"));
}

/// "By hand" is our own call where its handler is the only one.
fn main() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime can be built");
    let app = |modules: Vec<cqrs_core::registry::Module>| {
        let builder = App::builder().modules(modules).store(MemoryStore::new());
        runtime.block_on(async { builder.build() }).expect("every command has its handler")
    };
    let one = app(modules![alone].to_vec());
    let many = app(modules![alone, others].to_vec());
    let name = "call among 1,000 handlers against one alone";
    let line = Line { name, aim: "≥ 0.91", unit: "calls", count: CALLS, rounds: 11 };
    let calls = |app: &App| {
        timed(|| {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    app.execute(alone::Ping).await.expect("nothing is rejected");
                }
            });
        })
    };
    Report::new(Vec::new()).compare(&line, || calls(&many), || calls(&one));
}
