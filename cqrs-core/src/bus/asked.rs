//! A query whose answers are kept: an attempt that may find its answer.

use std::task::{self, Poll};
use std::time::Duration;

use serde_json::Value;

use super::attempt::Typed;
use super::{Attempt, Bounded, Call, Done, Failure, Outcome, QueryError, Started};
use crate::cache::{CacheKey, Terms};
use crate::policy::{Answers, Keeping};
use crate::query::Query;

/// A query with its handler, and how its answers are kept.
pub(super) struct Asked<'a, Q: Query, F> {
    query: &'a Q,
    pub(super) typed: Typed<'a, Q::Output, QueryError, F>,
}

impl<'a, Q: Query, F> Asked<'a, Q, F> {
    pub(super) fn new(query: &'a Q, typed: Typed<'a, Q::Output, QueryError, F>) -> Self {
        Self { query, typed }
    }
}

impl<'a, Q: Query, F> Attempt for Asked<'a, Q, F>
where
    F: FnMut() -> Started<'a, Result<Q::Output, QueryError>> + Send + 'a,
{
    fn begin(&mut self) -> Option<Outcome> {
        self.typed.begin()
    }

    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<Outcome> {
        self.typed.poll(cx)
    }

    fn stop(&mut self) {
        self.typed.stop();
    }

    fn cached<'s>(
        &'s mut self,
        call: &'s Call<'s>,
        answers: &'s Answers,
        ttl: Option<Duration>,
        bounded: Bounded<'s>,
    ) -> Started<'s, Outcome> {
        let found = Q::KEEPING.map(|keeping| {
            let found = keeping.look(answers, Q::NAME, Q::VERSION, self.query, call.ctx());
            (keeping, found)
        });
        match found {
            // What has no key cannot be kept; its handler will say why.
            None | Some((_, Err(_))) => Started::Waits(bounded.run(&mut self.typed)),
            Some((_, Ok(Ok(answer)))) => {
                self.typed.give(answer);
                Started::Ended(Ok(Done::new()))
            }
            Some((keeping, Ok(Err(key)))) => {
                Started::Waits(Box::pin(self.missed(keeping, key, call, answers, ttl, bounded)))
            }
        }
    }
}

impl<'a, Q: Query, F> Asked<'a, Q, F>
where
    F: FnMut() -> Started<'a, Result<Q::Output, QueryError>> + Send + 'a,
{
    async fn missed<'s>(
        &'s mut self,
        keeping: &'static Keeping<Q::Output>,
        key: CacheKey,
        call: &'s Call<'s>,
        answers: &'s Answers,
        ttl: Option<Duration>,
        bounded: Bounded<'s>,
    ) -> Outcome {
        let parts = parts(self.query);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let terms = Terms::new().stamp(call.ctx().stamp_of_answers()).parts(&parts);
        let terms = ttl.map_or(terms, |ttl| terms.ttl(ttl));
        let typed = &mut self.typed;
        let run = async {
            let Done { .. } = bounded.run(typed).await?;
            let given = call.answer_so_far().or_else(|| typed.take());
            given.ok_or_else(|| Failure::refused("the cache", "the handler has given no answer"))
        };
        let answer = keeping.run(answers, &key, terms, call.ctx(), Box::pin(run)).await?;
        self.typed.give(answer);
        Ok(Done::new())
    }
}

/// The parts by which an answer can be voided: what stands in the fields of
/// the query.
fn parts<Q: Query>(query: &Q) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::to_value(query) else { return Vec::new() };
    let texts = fields.into_iter().filter_map(|(_, value)| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    texts.collect()
}
