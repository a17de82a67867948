//! Reading. Each read is one statement, or several of which the order does
//! not matter, so that no transaction is ever open between two awaits.

mod page;
mod query;
mod state;

pub(crate) use page::read;
pub(crate) use state::{
    checkpoint, checkpoint_in, head, operation, operations, row, rows, snapshot, stream_head, unit,
};

#[cfg(test)]
mod plans;
