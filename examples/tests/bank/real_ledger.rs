//! A ledger of a real bank's size: the real one where it is at hand,
//! otherwise one that is made up by rule, with as many rows and accounts.

use std::path::{Path, PathBuf};

use cqrs_testkit::postgres::Server;

use super::support::{Bank, decimal, made_up};

struct Expected {
    path: PathBuf,
    sum: String,
    drifted: u64,
}

fn ledger(bank: &Bank) -> Expected {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let real = workspace.join("../shared/data/bank-ledger.csv");
    if real.exists() {
        return Expected { path: real, sum: "25409149.70".into(), drifted: 14_015 };
    }
    let made_up = made_up(32_869, 800);
    let path = bank.ledger("ledger.csv", &made_up.rows);
    Expected { path, sum: decimal(made_up.sum), drifted: made_up.drifted }
}

#[test]
fn all_its_numbers_come_out_on_every_store() {
    let bank = Bank::new();
    let server = Server::start();
    let postgres = format!("postgres:{}", server.url());
    let Expected { path, sum, drifted } = ledger(&bank);
    let path = path.to_str().unwrap();
    for (store, new_events) in [
        ("memory", 32_869),
        ("sqlite:bank.db", 32_869),
        ("sqlite:bank.db", 0),
        (&postgres, 32_869),
        (&postgres, 0),
    ] {
        let done = bank.json(&["import", path, "--store", store], 0);
        for (key, value) in [
            ("rows", 32_869),
            ("accepted", 32_869),
            ("rejected", 0),
            ("events", 32_869),
            ("accounts", 800),
            ("drifted_rows", drifted),
            ("new_events", new_events),
        ] {
            assert_eq!(done[key], value, "{key} on {store}");
        }
        assert_eq!(done["sum"], sum.as_str());
    }
    let now = bank.json(&["report"], 0);
    assert_eq!((&now["sum"], &now["drifted_rows"]), (&sum.into(), &drifted.into()));
    assert_eq!(now["rows"], 32_869);
    assert_eq!(bank.json(&["report", "--store", &postgres], 0), now);
}
