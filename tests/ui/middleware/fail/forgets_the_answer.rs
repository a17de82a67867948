use cqrs_core::bus::{Call, Middleware, Next, Outcome};

struct Forgetful;

impl Middleware for Forgetful {
    async fn call(&self, _: &Call<'_>, mut next: Next<'_>) -> Outcome {
        let _ = next.run().await;
        Ok(())
    }
}

fn main() {}
