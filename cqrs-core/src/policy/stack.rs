//! Everything around one handler, fixed when the application is built.

use std::sync::Arc;
use std::time::Duration;

use super::Answers;
use super::observe::Observer;
use super::resolve::Policy;
use crate::bus::{Attempt, Bounded, Call, Layer, Next, Outcome, Started, Target};

/// What stands around one handler.
pub(crate) struct Stack {
    pub(crate) target: Target,
    pub(crate) layers: Vec<Arc<dyn Layer>>,
    pub(crate) observer: Observer,
    pub(crate) policy: Arc<Policy>,
}

/// The policies and the handler behind them, as the innermost of the layers.
struct Inner<'a> {
    policy: &'a Policy,
    call: &'a Call<'a>,
    attempt: &'a mut dyn Attempt,
}

impl Attempt for Inner<'_> {
    fn attempt(&mut self) -> Started<'_, Outcome> {
        Started::Waits(Box::pin(self.policy.run(self.call, self.attempt)))
    }

    fn cached<'s>(
        &'s mut self,
        _call: &'s Call<'s>,
        _answers: &'s Answers,
        _ttl: Option<Duration>,
        bounded: Bounded<'s>,
    ) -> Started<'s, Outcome> {
        Started::Waits(bounded.run(self))
    }
}

impl Stack {
    /// Runs a call through everything, to its outcome.
    pub(crate) async fn run(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        self.observer.watch(call, self.within(call, attempt)).await
    }

    async fn within(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        let outcome = self.admitted(call, attempt).await;
        self.policy.take_down(call, &outcome).await;
        outcome
    }

    async fn admitted(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        self.policy.identify(call).await?;
        if self.layers.is_empty() {
            return self.policy.run(call, attempt).await;
        }
        let mut inner = Inner { policy: &self.policy, call, attempt };
        Next::new(call, &self.layers, &mut inner).run().await
    }

    /// Whether a call that ends without waiting needs nothing but its figures
    /// and the checks of its fields.
    #[inline]
    pub(crate) fn is_light(&self) -> bool {
        self.layers.is_empty() && self.policy.is_plain() && self.observer.is_silent()
    }
}

#[cfg(test)]
mod tests {
    use crate::bus::{BusError, Failure};
    use crate::error::Code;
    use crate::policy::observe::code_of;

    #[test]
    fn the_code_of_an_outcome_is_that_of_its_failure() {
        assert_eq!(code_of(&Err(Failure::Bus(BusError::Cancelled))), Some(Code::CANCELLED));
    }
}
