use cqrs_core::prelude::*;

#[derive(Value)]
struct Price {
    #[serde(rename = "cents")]
    net: i64,
    cents: i64,
    #[serde(alias = "cents")]
    gross: i64,
    discount: Vec<Option<Option<i64>>>,
    rest: Option<()>,
}

#[derive(Value)]
#[serde(rename_all = "lowercase")]
enum Kind {
    CashOnly,
    Cashonly,
}

fn main() {}
