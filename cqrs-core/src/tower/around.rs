//! A tower layer around handlers.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Waker, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::BoxError;
use crate::bus::{Call, Done, Failure, Middleware, Next, Outcome, dropped};
use crate::runtime::BoxFuture;

/// A tower layer as a middleware.
///
/// ```ignore
/// use tower::ServiceBuilder;
///
/// let layers = ServiceBuilder::new().load_shed().concurrency_limit(8).into_inner();
/// App::builder().middleware(Scope::COMMANDS, Around::new(layers));
/// ```
///
/// An error of the handler passes through as it is. An error of the layer's
/// own is a refusal, code `refused`, if the handler was never reached. If it
/// was, it has been dropped, and the call ends as one that the caller has
/// cancelled: `cancelled`, or `outcome_unknown` if its commit was under way.
/// [`errors`](Self::errors) says it better where the layer is known.
pub struct Around<S> {
    service: Mutex<S>,
    errors: Box<dyn Fn(BoxError) -> Result<Failure, BoxError> + Send + Sync>,
}

impl<S> Around<S> {
    /// Applies a layer to what comes behind it.
    pub fn new<L: Layer<Inner, Service = S>>(layer: L) -> Self {
        Self { service: Mutex::new(layer.layer(Inner(()))), errors: Box::new(Err) }
    }

    /// Says what errors of the layer's own are. What it gives back is taken
    /// as without this.
    #[must_use]
    pub fn errors(
        self,
        read: impl Fn(BoxError) -> Result<Failure, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self { errors: Box::new(read), ..self }
    }

    fn failure(&self, call: &Call<'_>, error: BoxError, begun: bool) -> Failure {
        match error.downcast::<Failure>().map_err(&self.errors) {
            Ok(failure) => *failure,
            Err(Ok(failure)) => failure,
            Err(Err(error)) if begun => dropped(call.ctx(), &error.to_string()).into(),
            Err(Err(error)) => Failure::refused("tower", error.to_string()),
        }
    }
}

impl<S> Middleware for Around<S>
where
    S: for<'p> Service<Passage<'p>, Response = Done, Error: Into<BoxError>>
        + Clone
        + Send
        + 'static,
    for<'p> <S as Service<Passage<'p>>>::Future: Send,
{
    async fn call(&self, call: &Call<'_>, next: Next<'_>) -> Outcome {
        let begun = Arc::new(AtomicBool::new(false));
        let mut service = self.service.lock().expect("nothing panics under the lock").clone();
        // An error becomes one that can be sent before anything is awaited.
        let ready = std::future::poll_fn(|cx| service.poll_ready(cx).map_err(Into::into)).await;
        ready.map_err(|error: BoxError| self.failure(call, error, false))?;
        let outcome = service.call(Passage { next, begun: Arc::clone(&begun) }).await;
        outcome.map_err(|error| self.failure(call, error.into(), begun.load(Ordering::Relaxed)))
    }
}

impl<S> fmt::Debug for Around<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Around")
    }
}

/// The request that a layer sees: a call on its way to its handler.
pub struct Passage<'a> {
    next: Next<'a>,
    begun: Arc<AtomicBool>,
}

impl<'a> Passage<'a> {
    /// The call.
    #[must_use]
    pub fn call(&self) -> &'a Call<'a> {
        self.next.call()
    }
}

impl fmt::Debug for Passage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passage").field("next", &self.next).finish_non_exhaustive()
    }
}

/// What a layer stands around: the rest of the way to the handler. Always
/// ready.
#[derive(Clone, Copy, Debug)]
pub struct Inner(());

impl<'a> Service<Passage<'a>> for Inner {
    type Response = Done;
    type Error = Failure;
    type Future = BoxFuture<'a, Outcome>;

    fn poll_ready(&mut self, _: &mut Waker<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut passage: Passage<'a>) -> Self::Future {
        Box::pin(async move {
            passage.begun.store(true, Ordering::Relaxed);
            passage.next.run().await
        })
    }
}
