use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[derive(Query)]
#[query(output = i64)]
struct Count;

#[query_handler]
fn count(_: &Count, bonus: &Dep<i64>) -> Result<i64, QueryError> {
    Ok(**bonus)
}

struct Service {
    bonus: i64,
}

#[handlers]
impl Service {
    const FEE: i64 = 1;

    #[query_handler]
    async fn balance(&self, _: &GetBalance, ctx: &Context) -> Result<i64, QueryError> {
        let _ = ctx;
        Ok(self.bonus + self.fee())
    }

    #[cqrs_core::command_handler]
    async fn deposit<'a>(
        &'a self,
        cmd: &'a Deposit,
        metadata: &Metadata,
    ) -> Result<i64, CommandError<std::fmt::Error>> {
        let _ = metadata;
        Ok(cmd.cents)
    }

    fn fee(&self) -> i64 {
        Self::FEE
    }
}

fn main() {}
