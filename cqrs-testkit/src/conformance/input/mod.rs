//! What a store accepts comes back equal, and what it must not accept is
//! refused before anything is written. All stores give the same verdict.

mod bytes;
mod limits;
mod names;
mod texts;

pub(super) use self::bytes::*;
pub(super) use limits::*;
pub(super) use names::*;
