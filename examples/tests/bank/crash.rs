//! The program is killed in the middle of an import.

use std::fs;
use std::process::Child;

use super::support::{Bank, Ended, made_up};

/// Lets the program run until the write-ahead log has a size, then kills it.
/// Tells whether it had not ended before.
fn kill_at(bank: &Bank, child: &mut Child, bytes: u64) -> bool {
    let log = bank.path("bank.db-wal");
    while fs::metadata(&log).map_or(0, |log| log.len()) < bytes {
        if child.try_wait().expect("the program can be waited for").is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    child.kill().expect("the program can be killed");
    child.wait().expect("the program can be waited for").code().is_none()
}

fn report(bank: &Bank) -> String {
    let Ended { code, out, err } = bank.run(&["report", "--json"]);
    assert_eq!(code, Some(0), "{err}");
    out
}

#[test]
fn an_import_that_was_killed_ends_like_one_that_was_not() {
    let ledger = made_up(4_000, 60);
    let whole = Bank::new();
    whole.ledger("ledger.csv", &ledger.rows);
    assert_eq!(whole.json(&["import", "ledger.csv"], 0)["new_events"], ledger.count);

    let bank = Bank::new();
    bank.ledger("ledger.csv", &ledger.rows);
    let (mut kills, mut last) = (0, 0);
    for bytes in [1, 60_000, 90_000, 200_000, 400_000, 700_000] {
        let mut child = bank.start(&["import", "ledger.csv"]);
        kills += u32::from(kill_at(&bank, &mut child, bytes));
        if bank.path("bank.db").exists() && bytes > 1 {
            let events =
                serde_json::from_str::<serde_json::Value>(&report(&bank)).unwrap()["events"]
                    .as_u64()
                    .unwrap();
            assert!(events >= last, "acknowledged rows were lost");
            last = events;
        }
    }
    assert!(kills >= 3, "the program was killed {kills} times");
    assert!(last > 0, "it was never killed in the middle");

    let done = bank.json(&["import", "ledger.csv"], 0);
    assert_eq!((&done["rows"], &done["rejected"]), (&ledger.count.into(), &0.into()));
    assert_eq!(report(&bank), report(&whole));
    for account in ["a0", "a17", "a59"] {
        let history = |bank: &Bank| bank.json(&["history", account], 0);
        assert_eq!(history(&bank), history(&whole));
    }
}
