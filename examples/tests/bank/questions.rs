//! The questions, asked on the command line.

use super::support::{Bank, HEADER};

fn imported() -> Bank {
    let bank = Bank::new();
    assert_eq!(bank.run(&["import"]).code, Some(0));
    bank
}

#[test]
fn an_import_says_what_it_has_done() {
    let bank = Bank::new();
    let first = bank.json(&["import"], 0);
    let second = bank.json(&["import"], 0);
    for (key, value) in [("rows", 12), ("accepted", 12), ("rejected", 0), ("events", 12)] {
        assert_eq!((&first[key], &second[key]), (&value.into(), &value.into()), "{key}");
    }
    assert_eq!((&first["new_events"], &second["new_events"]), (&12.into(), &0.into()));
    assert_eq!((&first["accounts"], &first["sum"]), (&3.into(), &"1701.47".into()));
    assert_eq!(bank.json(&["report"], 0)["drifted_rows"], first["drifted_rows"]);
}

#[test]
fn a_balance_is_given_for_the_present_and_for_a_day() {
    let bank = imported();
    assert_eq!(bank.json(&["balance", "ada"], 0)["balance"], "-35.51");
    let then = bank.json(&["balance", "ada", "--as-of", "2024-01-09"], 0);
    assert_eq!((&then["balance"], &then["as_of"]), (&"380.00".into(), &"2024-01-09".into()));
}

#[test]
fn a_history_lists_entries_with_the_running_balance() {
    let bank = imported();
    let history = bank.json(&["history", "carla"], 0);
    assert_eq!(history["entries"][0]["purpose"], "savings, first part");
    assert_eq!(history["entries"][1]["balance"], "800.01");
    let then = bank.json(&["history", "carla", "--as-of", "2024-02-13"], 0);
    assert_eq!(then["entries"].as_array().unwrap().len(), 1);
    let text = bank.run(&["history", "carla"]).out;
    assert!(text.contains("2024-02-14  debit   card_withdrawal"), "{text}");
}

#[test]
fn a_report_of_a_day_counts_that_day() {
    let bank = imported();
    let then = bank.json(&["report", "--as-of", "2024-01-31"], 0);
    assert_eq!((&then["events"], &then["accounts"]), (&7.into(), &2.into()));
    assert_eq!(then["sum"], "1300.21");
    assert_eq!(then["drifted_rows"], 1);
}

#[test]
fn rows_need_not_stand_in_the_order_of_their_days() {
    let bank = Bank::new();
    let rows = "1,ada,1993-02-01,credit,,,5.00,5.00\n2,ada,1993-01-01,credit,,,1.00,6.00\n";
    bank.ledger("late.csv", rows);
    assert_eq!(bank.json(&["import", "late.csv"], 0)["drifted_rows"], 0);
    let then = bank.json(&["report", "--as-of", "1993-01-31"], 0);
    assert_eq!((&then["sum"], &then["drifted_rows"]), (&"1.00".into(), &0.into()));
}

#[test]
fn an_unknown_account_is_an_error() {
    let bank = imported();
    bank.run(&["balance", "nobody"]).said(1, &["account `nobody` does not exist"]);
    bank.run(&["history", "nobody"]).said(1, &["account `nobody` does not exist"]);
    bank.run(&["balance", "\u{1}"]).said(1, &["does not exist"]);
    let before = bank.run(&["balance", "ada", "--as-of", "2023-12-31"]);
    before.said(1, &["account `ada` has no entry up to 2023-12-31"]);
    assert!(before.out.is_empty());
}

#[test]
fn a_store_in_memory_ends_with_the_program() {
    let bank = Bank::new();
    assert_eq!(bank.json(&["import", "--store", "memory"], 0)["events"], 12);
    assert_eq!(bank.json(&["report", "--store", "memory"], 0)["events"], 0);
    assert!(!bank.path("bank.db").exists());
}

#[test]
fn a_command_line_that_makes_no_sense_is_a_usage_error() {
    let bank = imported();
    for args in [
        &["balance"][..],
        &["pay", "ada"],
        &["report", "--store", "postgres"],
        &["report", "--store", "sqlite:"],
    ] {
        bank.run(args).said(2, &["error: ", "try '--help'"]);
    }
    bank.run(&["report", "--as-of", "1993-02-30"]).said(2, &["`1993-02-30` is no day"]);
    assert_eq!(bank.run(&["--help"]).code, Some(0));
}

#[test]
fn a_ledger_without_rows_is_a_ledger() {
    let bank = Bank::new();
    bank.file("none.csv", HEADER);
    assert_eq!(bank.json(&["import", "none.csv"], 0)["rows"], 0);
}
