//! Loads of streams and a scan of the log, against hand-written SQL over the
//! same rows: text columns, decoded and folded.

use std::time::{Duration, Instant};

use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, Page, ReadRequest};
use cqrs_postgres::PostgresStore;
use futures_util::TryStreamExt;

use crate::Rig;
use crate::account::{self, Account, AccountId, Numbers};
use crate::by_hand::Hand;
use crate::report::{Line, Report};

const LENGTHS: [(u64, u64, u64); 3] = [(1, 10, 1_000), (2, 1_000, 50), (3, 10_000, 8)];
const SCANNED: u64 = 1_000_000;

#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "a whole event is decoded")]
struct Content {
    cents: i64,
    reference: String,
    note: String,
}

pub(crate) fn run(report: &mut Report, rig: &Rig) {
    let store = rig.store("reads");
    let hand = rig.runtime.block_on(Hand::new(&rig.url));
    let (mut numbers, payload) = (Numbers(7 << 40), account::payload());
    for (account, events, loads) in LENGTHS {
        let name = format!("load of a stream of {events} events");
        if !report.wants(&name) {
            continue;
        }
        rig.runtime.block_on(async {
            store.commit(numbers.unit(account, events as usize, &payload)).await.expect("commits");
            fill_by_hand(&hand, &format!("load-{account}"), 1, events).await;
        });
        let line =
            Line { name: &name, aim: "≥ 0.9", unit: "events", count: events * loads, rounds: 9 };
        let ours = || rig.runtime.block_on(load(&store, account, loads));
        let by_hand = || rig.runtime.block_on(load_by_hand(&hand, account, loads));
        report.compare(&line, ours, by_hand);
    }
    scan(report, rig, &mut numbers, &payload);
}

async fn load(store: &PostgresStore, account: u64, loads: u64) -> Duration {
    let builder = App::builder().modules(cqrs_core::modules![account]).store(store.clone());
    let app = builder.without_projections().build().expect("the account is complete");
    let start = Instant::now();
    for _ in 0..loads {
        let root = app.load::<Account>(&AccountId::from(account)).await.expect("it loads");
        assert!(root.state().cents > 0);
    }
    start.elapsed()
}

async fn load_by_hand(hand: &Hand, account: u64, loads: u64) -> Duration {
    let stream = format!("load-{account}");
    let start = Instant::now();
    for _ in 0..loads {
        let rows = hand.client.query(&hand.select, &[&stream]).await.expect("it can be read");
        let cents: i64 = rows
            .iter()
            .map(|row| serde_json::from_str::<Content>(row.get(1)).expect("a deposit").cents)
            .sum();
        assert!(cents > 0);
    }
    start.elapsed()
}

async fn fill_by_hand(hand: &Hand, stream: &str, from: u64, events: u64) {
    let payload = String::from_utf8(account::payload()).expect("it is JSON");
    let details = std::str::from_utf8(account::DETAILS).expect("it is text");
    let fill = "INSERT INTO by_hand (stream, version, type, payload, metadata)
                SELECT $1, n, 'account.deposited', $2, $3 FROM generate_series($4::bigint, $5) n";
    let last = (from + events - 1).cast_signed();
    hand.client
        .execute(fill, &[&stream, &payload, &details, &from.cast_signed(), &last])
        .await
        .expect("it may");
}

fn scan(report: &mut Report, rig: &Rig, numbers: &mut Numbers, payload: &[u8]) {
    const NAME: &str = "scan of 1,000,000 events";
    if !report.wants(NAME) {
        return;
    }
    let store = rig.store("scan");
    let hand = rig.runtime.block_on(Hand::new(&rig.url));
    rig.runtime.block_on(async {
        for n in 0..SCANNED / 1_000 {
            store.commit(numbers.unit(n % 1_000, 1_000, payload)).await.expect("it commits");
        }
        hand.client.batch_execute("TRUNCATE by_hand").await.expect("it may");
        fill_by_hand(&hand, "scan", 1, SCANNED).await;
        hand.client.batch_execute("VACUUM ANALYZE").await.expect("it may");
    });
    let line = Line { name: NAME, aim: "≥ 0.9", unit: "events", count: SCANNED, rounds: 3 };
    let ours = || rig.runtime.block_on(scan_ours(&store));
    let by_hand = || rig.runtime.block_on(scan_by_hand(&hand));
    report.compare(&line, ours, by_hand);
}

async fn scan_ours(store: &PostgresStore) -> Duration {
    use crate::account::AccountEvent;
    let start = Instant::now();
    let (mut seen, mut cents) = (0, 0);
    let mut request = Some(ReadRequest::all().limit(5_000));
    while let Some(next) = request {
        let page: Page = store.read(next.clone()).await.expect("it can be read");
        for event in page.events() {
            for event in AccountEvent::decode(&event).expect("it is a deposit") {
                let AccountEvent::Deposited { cents: one, .. } = event;
                cents += one;
                seen += 1;
            }
        }
        request = next.following(&page);
    }
    assert_eq!((seen, cents), (SCANNED, SCANNED as i64 * 500));
    start.elapsed()
}

async fn scan_by_hand(hand: &Hand) -> Duration {
    let page = "SELECT position, stream, version, payload FROM by_hand WHERE position > $1
                ORDER BY position LIMIT 5000";
    let page = hand.client.prepare(page).await.expect("the table is there");
    let start = Instant::now();
    let (mut seen, mut cents, mut position) = (0, 0, 0_i64);
    loop {
        let rows: Vec<_> = hand
            .client
            .query_raw(&page, [position])
            .await
            .expect("it can be read")
            .try_collect()
            .await
            .expect("it can be read");
        let Some(last) = rows.last() else { break };
        position = last.get(0);
        for row in &rows {
            let (_stream, _version): (&str, i64) = (row.get(1), row.get(2));
            cents += serde_json::from_str::<Content>(row.get(3)).expect("a deposit").cents;
            seen += 1;
        }
    }
    assert_eq!((seen, cents), (SCANNED, SCANNED as i64 * 500));
    start.elapsed()
}
