//! A module that its application forgot to list.
#![forbid(unsafe_code)]

use cqrs_core::prelude::*;

module!();

/// Asks for a word backwards.
#[derive(Query)]
#[query(output = String)]
pub struct Backwards {
    /// The word.
    pub word: String,
}

#[query_handler]
async fn backwards(query: &Backwards) -> Result<String, QueryError> {
    Ok(query.word.chars().rev().collect())
}
