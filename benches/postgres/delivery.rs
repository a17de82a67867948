//! From a commit to its delivery at a subscriber in another process: two
//! stores, of which one writes and one listens.

use std::time::{Duration, Instant};

use cqrs_core::store::{Cursor, EventStore, Position, ReadRequest};

use crate::Rig;
use crate::account::{self, Numbers};
use crate::report::Report;

const COMMITS: u64 = 300;

pub(crate) fn run(report: &mut Report, rig: &Rig) {
    const NAME: &str = "commit to delivery in another process";
    if !report.wants(NAME) {
        return;
    }
    let (writer, reader) = (rig.store("delivery"), rig.store("delivery"));
    let (mut numbers, payload) = (Numbers(6 << 40), account::payload());
    let mut delays: Vec<Duration> = rig.runtime.block_on(async {
        let log = reader.info().await.expect("it answers").log;
        let mut watch = reader.watch();
        let mut delays = Vec::new();
        let mut position = Position::NONE;
        for n in 0..COMMITS {
            tokio::time::sleep(Duration::from_millis(7)).await;
            let start = Instant::now();
            let unit = numbers.unit(n, 1, &payload);
            writer.commit(unit).await.expect("it commits");
            loop {
                let page = reader
                    .read(ReadRequest::all().resume(Cursor { log, position }))
                    .await
                    .expect("it can be read");
                if !page.is_empty() {
                    position = Position::new(page.reached());
                    break;
                }
                let poll = tokio::time::sleep(Duration::from_millis(200));
                tokio::select! { () = watch.above(position) => {}, () = poll => {} }
            }
            delays.push(start.elapsed());
        }
        delays
    });
    delays.sort();
    let at = |part: f64| delays[(delays.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("\n{NAME}, idle: median {:.1} ms, p99 {:.1} ms (aim < 50)", at(0.5), at(0.99));
}
