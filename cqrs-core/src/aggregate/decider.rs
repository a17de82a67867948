//! Decisions on commands that come as JSON, for tests that make them up.

use std::any::Any;
use std::fmt;

use super::{Aggregate, Decides};
use crate::command::Command;
use crate::message::{Codec, Json, Metadata};

/// What a decision has led to; `None` when the JSON is no such command, or
/// breaks the rules of its fields.
type Decided<A> = Option<Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Error>>;

/// How one aggregate decides one command that comes as JSON.
pub struct Decider<A: Aggregate> {
    command: &'static str,
    decide: fn(&A, &[u8], &Metadata) -> Decided<A>,
}

impl<A: Aggregate> Decider<A> {
    /// The command's wire name.
    #[must_use]
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// Decides; `None` when the JSON is no such command, or breaks the rules
    /// of its fields.
    pub fn decide(
        &self,
        state: &A,
        command: &[u8],
        metadata: &Metadata,
    ) -> Option<Result<Vec<A::Event>, A::Error>> {
        (self.decide)(state, command, metadata)
    }
}

impl<A: Aggregate> fmt::Debug for Decider<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decider({} of {})", self.command, A::NAME)
    }
}

/// For derives: the decider of a command, a [`Decider<A>`].
#[doc(hidden)]
#[must_use]
pub fn decider<A: Decides<C>, C: Command>() -> Box<dyn Any> {
    Box::new(Decider::<A> { command: C::NAME, decide: decide_json::<A, C> })
}

fn decide_json<A: Decides<C>, C: Command>(
    state: &A,
    command: &[u8],
    metadata: &Metadata,
) -> Decided<A> {
    let command: C = Json::decode(command).ok()?;
    command.validate().ok()?;
    let decided = state.decide(&command, &|| metadata.clone());
    Some(decided.map(|decision| decision.into_parts().0))
}
