//! A module of the application in a crate of its own.
#![forbid(unsafe_code)]

use cqrs_core::prelude::*;

module!();

/// Asks for a word twice.
#[derive(Query)]
#[query(output = String)]
pub struct Twice {
    /// The word.
    pub word: String,
}

#[query_handler]
async fn twice(query: &Twice) -> Result<String, QueryError> {
    Ok(query.word.repeat(2))
}
