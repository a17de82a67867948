//! Rows that cannot be posted: each is named and skipped, the others count.

use super::support::{Bank, HEADER};

const GOOD: &str = "1,ada,1993-01-01,credit,,,5.00,5.00\n";

/// A bad row between two good ones.
#[track_caller]
fn is_rejected(bad: impl AsRef<[u8]>, code: &str, said: &[&str]) {
    let bank = Bank::new();
    let last = "9,bela,1993-01-02,debit,,,2.00,-2.00\n";
    bank.file(
        "bad.csv",
        [HEADER.as_bytes(), GOOD.as_bytes(), bad.as_ref(), b"\n", last.as_bytes()].concat(),
    );
    for new_events in [2, 0] {
        let ended = bank.run(&["import", "bad.csv", "--json"]);
        ended.said(1, &["bad.csv:3: "]);
        ended.said(1, said);
        let json: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!((&json["rows"], &json["accepted"]), (&3.into(), &2.into()));
        assert_eq!(
            (&json["rejected"], &json["rejections"][code]),
            (&1.into(), &1.into()),
            "{json}"
        );
        assert_eq!(json["new_events"], new_events);
        assert_eq!(json["sum"], "3.00");
    }
}

#[test]
fn too_few_or_too_many_fields() {
    is_rejected("2,ada,1993-01-01,credit,,,5.00", "field_count", &["7 fields, the header has 8"]);
    is_rejected("2,ada,1993-01-01,credit,,,5.00,5.00,", "field_count", &["9 fields"]);
}

#[test]
fn a_quote_that_does_not_close() {
    is_rejected("2,ada,1993-01-01,credit,\"cash,,5.00,5.00", "open_quote", &["quote"]);
}

#[test]
fn an_unknown_kind() {
    let said = ["kind: `refund` is neither `credit` nor `debit`"];
    is_rejected("2,ada,1993-01-01,refund,,,5.00,5.00", "unknown_kind", &said);
}

#[test]
fn amounts_that_are_none() {
    let row = |amount: &str| format!("2,ada,1993-01-01,credit,,,{amount},5.00");
    is_rejected(row("-5.00"), "negative_amount", &["amount: `-5.00` is negative"]);
    is_rejected(row("5.001"), "over_precise_amount", &["amount: `5.001` has more than two"]);
    is_rejected(row("92233720368547758.08"), "amount_overflow", &["amount: `9223"]);
    is_rejected(row("five"), "no_amount", &["amount: `five` is no amount"]);
    is_rejected(row(""), "missing_field", &["amount: is empty"]);
}

#[test]
fn a_balance_that_is_none() {
    is_rejected("2,ada,1993-01-01,credit,,,5.00,1.234", "over_precise_amount", &["balance: "]);
}

#[test]
fn days_that_are_none() {
    let row = |date: &str| format!("2,ada,{date},credit,,,5.00,5.00");
    is_rejected(row("1993-02-29"), "impossible_date", &["date: `1993-02-29` is no day"]);
    is_rejected(row("29.1.1993"), "no_date", &["date: `29.1.1993` is no date"]);
}

#[test]
fn identifiers_that_are_none() {
    is_rejected(",ada,1993-01-01,credit,,,5.00,5.00", "missing_field", &["transaction_id: "]);
    is_rejected("2,,1993-01-01,credit,,,5.00,5.00", "missing_field", &["account_id: is empty"]);
    let long = format!("2,{},1993-01-01,credit,,,5.00,5.00", "a".repeat(256));
    is_rejected(long, "invalid_identifier", &["account_id: is longer than 255 bytes"]);
}

#[test]
fn bytes_that_are_no_text() {
    is_rejected(b"2,ada,1993-01-01,credit,,\xff\xfe,5.00,5.00", "not_utf8", &["purpose: is not"]);
}

#[test]
fn a_line_without_end() {
    let long = format!("2,ada,1993-01-01,credit,,{},5.00,5.00", "x".repeat(200_000));
    is_rejected(long, "long_line", &["longer than 65536 bytes"]);
}

#[test]
fn a_transaction_with_other_content() {
    let said = ["transaction_id: `1` is already entry 1 of account ada, with other content"];
    is_rejected("1,bela,1993-01-01,credit,,,5.00,5.00", "transaction_reused", &said);
}

#[test]
fn the_same_row_again_is_accepted() {
    let bank = Bank::new();
    bank.ledger("twice.csv", &[GOOD, GOOD].concat());
    let json = bank.json(&["import", "twice.csv"], 0);
    assert_eq!((&json["accepted"], &json["new_events"]), (&2.into(), &1.into()));
}

#[test]
fn a_balance_beyond_all_numbers() {
    let bank = Bank::new();
    let most = "92233720368547758.07";
    bank.ledger(
        "rich.csv",
        &format!("1,ada,1993-01-01,credit,,,{most},{most}\n2,ada,1993-01-01,credit,,,0.01,0\n"),
    );
    bank.run(&["import", "rich.csv"]).said(1, &["rich.csv:3: amount: `0.01` takes account ada"]);
    assert_eq!(bank.json(&["report"], 0)["sum"], most);
}
