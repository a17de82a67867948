use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance;

#[derive(Command)]
struct Deposit {
    account: String,
}

struct Service;

#[handlers]
impl Service {
    #[query_handler(cache = "10m", timeout = "soon")]
    fn balance(&self, _: &GetBalance) -> Result<i64, QueryError> {
        Ok(1)
    }

    #[command_handler(cache = "10m", rols = "admin")]
    fn deposit(&self, _: &Deposit) -> Result<(), std::fmt::Error> {
        Ok(())
    }
}

fn main() {}
