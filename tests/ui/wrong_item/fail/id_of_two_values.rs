use cqrs_core::prelude::*;

#[derive(Id)]
struct AccountId(String, u32);

#[derive(Id)]
struct BranchId {
    number: u32,
}

#[derive(Id)]
enum Kind {
    Giro,
}

fn compare(a: &AccountId, b: &AccountId) -> bool {
    a == b
}

fn main() {}
