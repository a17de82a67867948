//! Everything that the program says. Results go to standard output, all else
//! to standard error. A reader that has gone away is no error.

use std::fmt;
use std::io::{Write, stderr, stdout};

use serde_json::{Value, json};

use super::account::{AccountId, Kind};
use super::balances::Balance;
use super::day::Day;
use super::history::HistoryLine;
use super::imported::Imported;
use super::report::Totals;

/// The form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

/// Writes results and errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) form: Form,
}

impl Output {
    fn result(self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
        let text = match self.form {
            Form::Text => text(),
            Form::Json => format!("{}\n", json()),
        };
        let mut out = stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// What an import has done.
    pub(super) fn imported(self, done: &Imported) {
        let seconds = done.elapsed.as_secs_f64();
        let rate = (done.new_events as f64 / seconds.max(1e-6)).round() as u64;
        let json = || {
            let mut json = totals_json(done.rows, done.accepted, done.new_events, &done.totals);
            json["rejections"] = json!(done.rejected);
            json["seconds"] = json!(seconds);
            json["events_per_second"] = json!(rate);
            json
        };
        let text = || {
            let reasons: String = done
                .rejected
                .iter()
                .map(|(code, count)| line(&format!("  {code}"), count))
                .collect();
            line("rows", done.rows)
                + &line("accepted", done.accepted)
                + &line("rejected", done.rejections())
                + &reasons
                + &line("new events", done.new_events)
                + &totals_text(&done.totals)
                + &line("seconds", format_args!("{seconds:.2}"))
                + &line("events a second", rate)
        };
        self.result(json, text);
    }

    /// The totals of all accounts. Every event was an accepted row.
    pub(super) fn report(self, as_of: Option<Day>, totals: &Totals) {
        let json = || {
            let mut json = totals_json(totals.events, totals.events, 0, totals);
            with_day(&mut json, as_of);
            json
        };
        self.result(json, || day_text(as_of) + &totals_text(totals));
    }

    /// One account.
    pub(super) fn balance(self, account: &AccountId, as_of: Option<Day>, balance: &Balance) {
        let json = || {
            let mut json = json!({
                "account": account,
                "balance": balance.cents.to_string(),
                "entries": balance.entries,
                "drifted_rows": balance.drifted,
            });
            with_day(&mut json, as_of);
            json
        };
        let text = || {
            line("account", account)
                + &day_text(as_of)
                + &line("balance", balance.cents)
                + &line("entries", balance.entries)
                + &line("drifted rows", balance.drifted)
        };
        self.result(json, text);
    }

    /// What has happened on one account.
    pub(super) fn history(self, account: &AccountId, as_of: Option<Day>, lines: &[HistoryLine]) {
        let json = || {
            let lines: Vec<Value> = lines.iter().map(line_json).collect();
            let mut json = json!({ "account": account, "entries": lines });
            with_day(&mut json, as_of);
            json
        };
        let text = || {
            let head = format!(
                "{:10}  {:6}  {:16}  {:16}  {:>15}  {:>15}\n",
                "date", "kind", "operation", "purpose", "amount", "balance"
            );
            lines.iter().map(line_text).fold(head, |text, line| text + &line)
        };
        self.result(json, text);
    }

    /// Something went wrong.
    pub(super) fn error(self, error: &dyn std::error::Error) {
        complain(with_causes(error));
    }

    /// There is nothing to show.
    pub(super) fn not_found(self, account: &AccountId, as_of: Option<Day>) {
        match as_of {
            None => complain(format_args!("account `{account}` does not exist")),
            Some(day) => complain(format_args!("account `{account}` has no entry up to {day}")),
        }
    }
}

/// Says something on standard error.
pub(super) fn complain(text: impl fmt::Display) {
    let _ = writeln!(stderr(), "bank: {text}");
}

/// An error and its causes, without saying anything twice.
fn with_causes(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn line(name: &str, value: impl fmt::Display) -> String {
    format!("{name:24}{value}\n")
}

fn day_text(as_of: Option<Day>) -> String {
    as_of.map(|day| line("as of", day)).unwrap_or_default()
}

fn with_day(json: &mut Value, as_of: Option<Day>) {
    if let Some(day) = as_of {
        json["as_of"] = json!(day);
    }
}

fn totals_text(totals: &Totals) -> String {
    line("events", totals.events)
        + &line("accounts", totals.accounts)
        + &line("sum of balances", totals.sum)
        + &line("drifted rows", totals.drifted)
}

fn totals_json(rows: u64, accepted: u64, new_events: u64, totals: &Totals) -> Value {
    json!({
        "rows": rows,
        "accepted": accepted,
        "rejected": rows - accepted,
        "new_events": new_events,
        "events": totals.events,
        "accounts": totals.accounts,
        "sum": totals.sum.to_string(),
        "drifted_rows": totals.drifted,
    })
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Credit => "credit",
        Kind::Debit => "debit",
    }
}

fn line_json(line: &HistoryLine) -> Value {
    let entry = &line.entry;
    json!({
        "transaction_id": entry.transaction,
        "date": entry.date,
        "kind": line.kind,
        "operation": entry.operation,
        "purpose": entry.purpose,
        "amount": entry.amount.to_string(),
        "balance": line.balance.to_string(),
        "stated_balance": entry.stated.to_string(),
    })
}

fn line_text(line: &HistoryLine) -> String {
    let entry = &line.entry;
    format!(
        "{}  {:6}  {:16}  {:16}  {:>15}  {:>15}\n",
        entry.date,
        kind_text(line.kind),
        entry.operation,
        entry.purpose,
        entry.amount,
        line.balance
    )
}
