use cqrs_core::bus::{Call, Middleware, Next, Outcome};

struct Forgetful;

impl Middleware for Forgetful {
    async fn call(&self, _: &Call<'_>, _: Next<'_>) -> Outcome {
        Ok(())
    }
}

fn main() {}
