//! Bringing an archive into PostgreSQL, against COPY of a thousand rows at a
//! time.

use std::fmt::Write;
use std::io::Cursor;
use std::pin::pin;
use std::time::{Duration, Instant};

use cqrs_archive::Until;
use futures_util::SinkExt;
use tokio_postgres::Client;

use crate::Rig;
use crate::archive::{self, EVENTS};
use crate::by_hand::Hand;
use crate::report::{Line, Report};

pub(crate) fn run(report: &mut Report, rig: &Rig) {
    const NAME: &str = "import of an archive of 50,000 events, against COPY";
    if !report.wants(NAME) {
        return;
    }
    let archive = rig.runtime.block_on(archive::archive());
    let hand = rig.runtime.block_on(Hand::new(&rig.url));
    let line = Line { name: NAME, aim: "", unit: "events", count: EVENTS, rounds: 7 };
    let mut made = 0;
    let ours = || {
        made += 1;
        rig.runtime.block_on(ours(rig, &format!("import_{made}"), &archive))
    };
    report.compare(&line, ours, || rig.runtime.block_on(by_hand(&hand.client, &archive)));
}

async fn ours(rig: &Rig, schema: &str, archive: &[u8]) -> Duration {
    let store = rig.store_async(schema).await;
    let start = Instant::now();
    let imported = cqrs_archive::import(archive, &store, Until::End).await.expect("it is whole");
    let took = start.elapsed();
    assert_eq!(imported.events, EVENTS);
    took
}

async fn by_hand(client: &Client, archive: &[u8]) -> Duration {
    client.batch_execute("TRUNCATE by_hand").await.expect("it is ours");
    let start = Instant::now();
    let mut rows = archive::rows(archive).peekable();
    while rows.peek().is_some() {
        let mut text = String::new();
        for row in rows.by_ref().take(1_000) {
            let escaped = |text: &str| text.replace('\\', "\\\\");
            let (stream, payload, details) =
                (row.stream(), escaped(&row.payload), escaped(&row.details));
            writeln!(text, "{stream}\t{}\t{}\t{payload}\t{details}", row.version, row.event_type)
                .expect("a string takes everything");
        }
        let into = "COPY by_hand (stream, version, type, payload, metadata) FROM STDIN";
        let sink = client.copy_in::<_, Cursor<String>>(into).await.expect("it may");
        let mut sink = pin!(sink);
        sink.send(Cursor::new(text)).await.expect("the server takes it");
        sink.as_mut().finish().await.expect("it commits");
    }
    start.elapsed()
}
