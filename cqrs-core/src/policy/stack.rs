//! Everything around one handler, fixed when the application is built.

use std::sync::Arc;

use super::Answers;
use super::observe::{Observer, code_of};
use super::resolve::Policy;
use crate::bus::{Attempt, Call, Context, Layer, Next, Outcome, Target};

/// What stands around one handler.
pub(crate) struct Stack {
    pub(crate) target: Target,
    pub(crate) layers: Vec<Arc<dyn Layer>>,
    pub(crate) observer: Observer,
    pub(crate) policy: Arc<Policy>,
}

impl Stack {
    /// Runs a call through everything, to its outcome.
    pub(crate) async fn run(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        if self.asks_nobody(call.ctx()) {
            let since = self.observer.begin_unlogged(call.ctx());
            let outcome = self.policy.run_unasked(call, attempt).await;
            self.observer.end(call.target(), call.ctx(), since, code_of(&outcome));
            return outcome;
        }
        Box::pin(self.run_asking(call, attempt)).await
    }

    /// Whether nothing stands around the handler but policies that ask nobody,
    /// and nothing is told of the call.
    fn asks_nobody(&self, ctx: &Context) -> bool {
        self.layers.is_empty() && self.policy.asks_nobody(ctx) && self.observer.is_silent()
    }

    async fn run_asking(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        let since = self.observer.begin(call.ctx());
        // Pinned here: what is handed on is a pointer, and not a large future.
        let mut run = std::pin::pin!(self.within(call, attempt));
        if !self.observer.is_silent() {
            return self.observer.watch(call, since, run).await;
        }
        let outcome = run.as_mut().await;
        self.observer.end(call.target(), call.ctx(), since, code_of(&outcome));
        outcome
    }

    async fn within(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        let outcome = self.admitted(call, attempt).await;
        if self.policy.audit.is_some() {
            self.policy.take_down(call, &outcome).await;
        }
        outcome
    }

    async fn admitted(&self, call: &Call<'_>, attempt: &mut dyn Attempt) -> Outcome {
        self.policy.identify(call).await?;
        if self.layers.is_empty() {
            return self.policy.run(call, attempt).await;
        }
        Next::new(call, &self.layers, &self.policy, attempt).run().await
    }

    /// Where answers are kept, if nothing else stands around the handler.
    #[inline]
    pub(crate) fn only_keeps(&self, ctx: &Context) -> Option<&Answers> {
        let free = self.layers.is_empty() && self.policy.only_keeps() && self.observer.is_silent();
        let (answers, _) = self.policy.kept().filter(|_| free && !ctx.is_bounded())?;
        Some(answers)
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
    use super::code_of;
    use crate::bus::{BusError, Failure};
    use crate::error::Code;

    #[test]
    fn the_code_of_an_outcome_is_that_of_its_failure() {
        assert_eq!(code_of(&Err(Failure::Bus(BusError::Cancelled))), Some(Code::CANCELLED));
    }
}
