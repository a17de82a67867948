use cqrs_core::prelude::*;

struct Service;

#[handlers]
impl Service {
    async fn balance(&self) -> i64 {
        1
    }
}

fn main() {}
