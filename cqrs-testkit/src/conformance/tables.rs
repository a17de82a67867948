//! Rows of read models: keys are bytes, and rows are in the order of them.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use bytes::Bytes;
use cqrs_core::store::{Direction, EventStore, TableName};

use super::bench::Bench;

const ROWS: TableName = TableName::named("rows");

/// Keys in their order, with what string collations and C strings confuse.
const KEYS: [&[u8]; 13] = [
    b"",
    b"\x00",
    b"\x00\x00",
    b"\x00\x01",
    b"A",
    b"a",
    b"a\x00",
    b"a\x00b",
    b"ab",
    b"\x7f\xff",
    b"\xfe",
    b"\xff",
    b"\xff\x00\xff",
];

type Range = (Bound<Bytes>, Bound<Bytes>);

async fn keys(bench: &Bench, range: Range, direction: Direction, limit: usize) -> Vec<Bytes> {
    let rows = bench.store().rows(&ROWS, range, direction, limit).await;
    rows.expect("tables: rows can be read").into_iter().map(|(key, _)| key).collect()
}

async fn fill(bench: &Bench) {
    let key = |n: usize| KEYS[n * 5 % KEYS.len()];
    let work = (0..KEYS.len()).fold(bench.unit(), |work, n| work.put(ROWS, key(n), key(n)));
    bench.commit(work).await;
}

fn is_in(key: &[u8], (start, end): &Range) -> bool {
    let above = match start {
        Included(start) => key >= &start[..],
        Excluded(start) => key > &start[..],
        Unbounded => true,
    };
    above
        && match end {
            Included(end) => key <= &end[..],
            Excluded(end) => key < &end[..],
            Unbounded => true,
        }
}

pub(super) async fn a_row_is_put_read_overwritten_and_deleted(bench: Bench) {
    assert_eq!(bench.row(&ROWS, b"k").await, None, "tables: a row that was never put");
    for value in ["one", "", "three"] {
        bench.commit(bench.unit().put(ROWS, "k", value)).await;
        let kept = bench.row(&ROWS, b"k").await;
        assert_eq!(kept.as_deref(), Some(value.as_bytes()), "tables: a row is what was put last");
    }
    for _ in 0..2 {
        bench.commit(bench.unit().delete(ROWS, "k")).await;
        assert_eq!(bench.row(&ROWS, b"k").await, None, "tables: a deleted row is gone");
    }
}

pub(super) async fn keys_and_values_are_bytes(bench: Bench) {
    fill(&bench).await;
    for key in KEYS {
        let kept = bench.row(&ROWS, key).await;
        assert_eq!(kept.as_deref(), Some(key), "tables: the row with key {key:?}");
    }
    let every_byte: Vec<u8> = (0..=255).collect();
    bench.commit(bench.unit().put(ROWS, every_byte.clone(), every_byte.clone())).await;
    let kept = bench.row(&ROWS, &every_byte).await;
    assert_eq!(kept.as_deref(), Some(&every_byte[..]), "tables: a row of all 256 bytes");
}

pub(super) async fn the_writes_of_a_unit_take_effect_in_order(bench: Bench) {
    let work = bench
        .unit()
        .put(ROWS, "a", "lost")
        .put(ROWS, "b", "lost")
        .clear(ROWS)
        .put(ROWS, "b", "1")
        .put(ROWS, "b", "2")
        .put(ROWS, "c", "lost")
        .delete(ROWS, "c")
        .delete(ROWS, "d")
        .put(ROWS, "d", "3");
    bench.commit(work).await;
    let rows = bench.store().rows(&ROWS, (Unbounded, Unbounded), Direction::Forward, 10).await;
    let expected: Vec<(Bytes, Bytes)> = vec![("b".into(), "2".into()), ("d".into(), "3".into())];
    let rows = rows.expect("tables: rows can be read");
    assert_eq!(rows, expected, "tables: writes of one unit take effect in their order");
}

pub(super) async fn a_clear_empties_one_table_alone(bench: Bench) {
    let other = TableName::named("Rows");
    bench
        .commit(bench.unit().put(ROWS, "a", "1").put(ROWS, "", "2").put(other.clone(), "a", "3"))
        .await;
    bench.commit(bench.unit().clear(ROWS)).await;
    let left = keys(&bench, (Unbounded, Unbounded), Direction::Forward, 10).await;
    assert!(left.is_empty(), "tables: a cleared table has rows: {left:?}");
    let kept = bench.row(&other, b"a").await;
    assert_eq!(kept.as_deref(), Some(&b"3"[..]), "tables: a clear reached another table");
}

pub(super) async fn tables_are_separate(bench: Bench) {
    let tables = ["rows", "Rows", "rows ", "rows2", "row\"s", "row's; --", "räws"];
    let tables = tables.map(TableName::named);
    for (n, table) in tables.iter().enumerate() {
        bench.commit(bench.unit().put(table.clone(), "k", n.to_string())).await;
    }
    for (n, table) in tables.iter().enumerate() {
        let kept = bench.row(table, b"k").await;
        let expected = Bytes::from(n.to_string());
        assert_eq!(kept, Some(expected), "tables: {table} has the row of another table");
        let rows = bench.store().rows(table, (Unbounded, Unbounded), Direction::Forward, 9).await;
        let rows = rows.expect("tables: rows can be read").len();
        assert_eq!(rows, 1, "tables: {table} has rows of another table");
    }
}

pub(super) async fn rows_come_in_the_order_of_their_keys(bench: Bench) {
    fill(&bench).await;
    let mut expected = KEYS.to_vec();
    let forward = keys(&bench, (Unbounded, Unbounded), Direction::Forward, 99).await;
    assert_eq!(forward, expected, "tables: rows must come in the order of their keys' bytes");
    expected.reverse();
    let backward = keys(&bench, (Unbounded, Unbounded), Direction::Backward, 99).await;
    assert_eq!(backward, expected, "tables: backward, rows come in the opposite order");
}

pub(super) async fn a_range_has_exactly_what_its_bounds_admit(bench: Bench) {
    fill(&bench).await;
    let bounds = |key: &'static [u8]| {
        let key = Bytes::from_static(key);
        [Included(key.clone()), Excluded(key), Unbounded]
    };
    let mut ends: Vec<Bound<Bytes>> = KEYS.into_iter().flat_map(bounds).collect();
    ends.extend(bounds(b"aa"));
    for start in &ends {
        for end in &ends {
            holds_exactly(&bench, (start.clone(), end.clone())).await;
        }
    }
}

async fn holds_exactly(bench: &Bench, range: Range) {
    let mut expected: Vec<_> = KEYS.into_iter().filter(|key| is_in(key, &range)).collect();
    let forward = keys(bench, range.clone(), Direction::Forward, 99).await;
    assert_eq!(forward, expected, "tables: range {range:?} forward");
    expected.reverse();
    let backward = keys(bench, range.clone(), Direction::Backward, 99).await;
    assert_eq!(backward, expected, "tables: range {range:?} backward");
}

pub(super) async fn a_limit_cuts_at_the_far_end(bench: Bench) {
    fill(&bench).await;
    let range = || (Excluded(Bytes::from_static(b"\x00")), Included(Bytes::from_static(b"\xff")));
    let mut inside: Vec<_> = KEYS.into_iter().filter(|key| is_in(key, &range())).collect();
    for direction in [Direction::Forward, Direction::Backward] {
        for limit in [0, 1, 2, inside.len() - 1, inside.len(), inside.len() + 1, usize::MAX] {
            let found = keys(&bench, range(), direction, limit).await;
            let expected = &inside[..limit.min(inside.len())];
            assert_eq!(found, expected, "tables: {direction:?} with at most {limit} rows");
        }
        inside.reverse();
    }
}

pub(super) async fn an_unknown_table_has_no_rows(bench: Bench) {
    let whole = (Unbounded, Unbounded);
    assert_eq!(bench.row(&ROWS, b"").await, None, "tables: an unknown table has a row");
    let found = keys(&bench, whole.clone(), Direction::Backward, 9).await;
    assert!(found.is_empty(), "tables: an unknown table has rows");
    bench.commit(bench.unit().clear(ROWS).delete(ROWS, "k")).await;
    let found = keys(&bench, whole, Direction::Forward, 9).await;
    assert!(found.is_empty(), "tables: clearing an unknown table made rows");
}
