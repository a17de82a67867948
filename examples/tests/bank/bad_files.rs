//! Files that are no ledger, and ledgers in an unusual form.

use super::support::{Bank, HEADER};

const ROWS: &str = "1,ada,1993-01-01,credit,,,5.00,5.00\n2,ada,1993-01-02,debit,,,2.00,3.00\n";

#[track_caller]
fn is_no_ledger(content: &str, said: &str) {
    let bank = Bank::new();
    bank.file("bad.csv", content);
    bank.run(&["import", "bad.csv"]).said(2, &["bad.csv", said]);
    assert!(!bank.path("bank.db").exists());
}

#[test]
fn there_is_no_such_file() {
    Bank::new().run(&["import", "no.csv"]).said(2, &["no.csv: cannot be read", "No such file"]);
}

#[test]
fn the_file_is_a_directory() {
    Bank::new().run(&["import", "."]).said(2, &[".: is a directory"]);
}

#[test]
fn the_file_is_empty() {
    is_no_ledger("", ":1: there is no header");
    is_no_ledger("\u{feff}", ":1: there is no header");
}

#[test]
fn the_header_is_not_that_of_a_ledger() {
    is_no_ledger(ROWS, ":1: transaction_id: the header has no such column");
    is_no_ledger(&HEADER.replace(",purpose", ""), ":1: purpose: the header has no such column");
    is_no_ledger(
        &HEADER.replace("purpose", "kind"),
        ":1: kind: the header names this column twice",
    );
    is_no_ledger(&HEADER.replace("kind", "\"kind"), ":1: the header has a quote");
}

/// The ledger with these bytes is the one that they should be.
#[track_caller]
fn is_the_ledger(content: impl AsRef<[u8]>) {
    let bank = Bank::new();
    bank.file("odd.csv", content);
    let json = bank.json(&["import", "odd.csv"], 0);
    assert_eq!((&json["rows"], &json["sum"]), (&2.into(), &"3.00".into()));
}

#[test]
fn a_byte_order_mark_and_line_ends_of_other_systems_are_tolerated() {
    let plain = format!("{HEADER}{ROWS}");
    is_the_ledger(&plain);
    is_the_ledger(plain.trim_end());
    is_the_ledger(format!("\u{feff}{plain}"));
    is_the_ledger(plain.replace('\n', "\r\n"));
    is_the_ledger(format!("\u{feff}{}", plain.replace('\n', "\r\n")));
    is_the_ledger(plain.replace('\n', "\n\n"));
}

#[test]
fn columns_may_stand_in_any_order_and_be_quoted() {
    is_the_ledger(
        "note,balance,amount,purpose,operation,kind,date,account_id,transaction_id\n\
         x,5.00,5.00,,,credit,1993-01-01,ada,1\n\
         x,3.00,\"2.00\",\"rent, \"\"flat\"\"\",,debit,1993-01-02,ada,2\n",
    );
}
