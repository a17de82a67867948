//! Seven policies as seven boxed layers, as one writes them by hand: each does
//! what the policy of that name has to do, as simply as it can.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::by_hand::Boxed;

pub(crate) struct Request {
    pub(crate) n: u32,
    pub(crate) actor: Option<String>,
}

type Answer = Result<u32, String>;

pub(crate) trait Layer: Send + Sync {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer>;
}

#[derive(Clone, Copy)]
pub(crate) struct Next<'a>(&'a [Box<dyn Layer>]);

impl<'a> Next<'a> {
    fn run(self, request: &'a Request) -> Boxed<'a, Answer> {
        match self.0.split_first() {
            Some((first, rest)) => first.call(request, Next(rest)),
            None => Box::pin(async move { Ok(request.n) }),
        }
    }
}

pub(crate) fn call(stack: &[Box<dyn Layer>], request: Request) -> Boxed<'_, Answer> {
    Box::pin(async move { Next(stack).run(&request).await })
}

pub(crate) fn seven() -> Vec<Box<dyn Layer>> {
    vec![
        Box::new(RateLimit::default()),
        Box::new(Authorise),
        Box::new(Validate),
        Box::new(Timeout(Duration::from_secs(1))),
        Box::new(Concurrency(tokio::sync::Semaphore::new(1_000_000))),
        Box::new(Breaker::default()),
        Box::new(Retry(3)),
    ]
}

/// A bucket a caller.
#[derive(Default)]
struct RateLimit(Mutex<HashMap<String, (f64, Option<Instant>)>>);

impl Layer for RateLimit {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer> {
        Box::pin(async move {
            {
                let mut buckets = self.0.lock().map_err(|_| "poisoned")?;
                let actor = request.actor.clone().unwrap_or_default();
                let bucket = buckets.entry(actor).or_insert((1e9, None));
                let now = Instant::now();
                let since = bucket.1.map_or(Duration::ZERO, |last| now.duration_since(last));
                bucket.0 = (bucket.0 + since.as_secs_f64() * 4e9).min(4e9);
                bucket.1 = Some(now);
                if bucket.0 < 1.0 {
                    return Err("too fast".to_owned());
                }
                bucket.0 -= 1.0;
            }
            next.run(request).await
        })
    }
}

struct Authorise;

impl Layer for Authorise {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer> {
        Box::pin(async move {
            if request.actor.is_none() {
                return Err("who are you".to_owned());
            }
            next.run(request).await
        })
    }
}

struct Validate;

impl Layer for Validate {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer> {
        Box::pin(async move {
            if request.n > 4_000_000_000 {
                return Err("too large".to_owned());
            }
            next.run(request).await
        })
    }
}

struct Timeout(Duration);

impl Layer for Timeout {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let ended = tokio::time::timeout(self.0, next.run(request)).await;
            ended.map_err(|_| "too slow".to_owned())?
        })
    }
}

struct Concurrency(tokio::sync::Semaphore);

impl Layer for Concurrency {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let _turn = self.0.acquire().await.map_err(|_| "closed")?;
            next.run(request).await
        })
    }
}

#[derive(Default)]
struct Breaker {
    failures: Arc<AtomicU32>,
    open_until: Mutex<Option<Instant>>,
    calls: AtomicU64,
}

impl Layer for Breaker {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let open = *self.open_until.lock().map_err(|_| "poisoned")?;
            if open.is_some_and(|until| Instant::now() < until) {
                return Err("left alone".to_owned());
            }
            let answer = next.run(request).await;
            self.calls.fetch_add(1, Ordering::Relaxed);
            match &answer {
                Ok(_) => self.failures.store(0, Ordering::Relaxed),
                Err(_) if self.failures.fetch_add(1, Ordering::Relaxed) >= 9 => {
                    let until = Instant::now() + Duration::from_secs(30);
                    *self.open_until.lock().map_err(|_| "poisoned")? = Some(until);
                }
                Err(_) => {}
            }
            answer
        })
    }
}

struct Retry(u32);

impl Layer for Retry {
    fn call<'a>(&'a self, request: &'a Request, next: Next<'a>) -> Boxed<'a, Answer> {
        Box::pin(async move {
            let mut tried = 0;
            loop {
                match next.run(request).await {
                    Err(_) if tried < self.0 => tried += 1,
                    answer => return answer,
                }
            }
        })
    }
}
