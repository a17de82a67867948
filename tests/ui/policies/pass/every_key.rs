#![deny(warnings)]
#![allow(dead_code)]

use cqrs_core::prelude::*;

#[derive(Command)]
#[command(
    name = "bank.deposit",
    version = 2,
    timeout = "1.5s",
    retry = "3, conflict(10)",
    rate_limit = "10/500ms burst 20 per tenant",
    concurrency = 4,
    role = "admin | clerk",
    breaker = "ledger",
    audit
)]
struct Deposit {
    account: String,
}

#[derive(Command)]
#[command(timeout = "off", retry = "off", rate_limit = "off", policy = "auditors-only")]
struct Audit {
    account: String,
}

#[derive(Query)]
#[query(output = Option<i64>, cache = "10m", shared, public, retry = "conflict(3)")]
struct GetBalance {
    account: String,
}

#[derive(Query)]
#[query(output = Vec<i64>, cache, authenticated)]
struct GetBalances;

#[derive(Query)]
#[query(output = i64, cache = "off")]
struct Count;

#[command_handler(timeout = "2h", concurrency = 1, breaker = "ledger")]
async fn deposit(_: &Deposit) -> Result<(), std::fmt::Error> {
    Ok(())
}

#[query_handler(rate_limit = "1/s burst 3 per handler", role = "admin")]
async fn balance(_: &GetBalance) -> Result<Option<i64>, QueryError> {
    Ok(None)
}

struct Service;

#[handlers]
impl Service {
    #[command_handler(audit, public, retry = "5")]
    async fn audit(&self, _: &Audit) -> Result<(), std::fmt::Error> {
        Ok(())
    }

    #[query_handler(timeout = "1m", authenticated)]
    fn balances(&self, _: &GetBalances) -> Result<Vec<i64>, QueryError> {
        Ok(Vec::new())
    }

    #[query_handler(policy = "auditors-only")]
    fn count(&self, _: &Count) -> Result<i64, QueryError> {
        Ok(1)
    }
}

fn main() {}
