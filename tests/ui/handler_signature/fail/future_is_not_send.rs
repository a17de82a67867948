use cqrs_core::prelude::*;

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

async fn elsewhere() {}

#[query_handler]
async fn balance(_: &GetBalance) -> Result<i64, QueryError> {
    let one = std::rc::Rc::new(1);
    elsewhere().await;
    Ok(*one)
}

fn main() {}
