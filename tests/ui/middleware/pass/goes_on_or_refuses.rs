#![deny(warnings)]
#![allow(dead_code)]

use cqrs_core::bus::{Call, Failure, Middleware, Next, Outcome};

struct Twice;

impl Middleware for Twice {
    async fn call(&self, call: &Call<'_>, mut next: Next<'_>) -> Outcome {
        if call.name().is_empty() {
            return Err(Failure::refused("twice", "a call needs a name"));
        }
        let first = next.run().await;
        if first.is_ok() { first } else { next.run().await }
    }
}

fn main() {}
