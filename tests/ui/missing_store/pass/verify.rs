//! Checking the wiring needs no store.
use cqrs_core::prelude::*;

module!();

#[derive(Query)]
#[query(output = u32)]
struct Answer {}

#[query_handler]
async fn answer(_: &Answer) -> Result<u32, QueryError> {
    Ok(42)
}

fn main() {
    assert!(App::builder().modules(modules![crate]).verify().is_ok());
    assert!(App::new(modules![crate], MemoryStore::new()).is_ok());
}
