//! A handler behind a trait object, and a bus with a map of boxed handlers.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use cqrs_core::message::{IdGenerator, UuidV7};
use cqrs_core::runtime::SystemClock;

use crate::desk::Ping;

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub(crate) trait Handler: Send + Sync {
    fn handle(&self, command: Ping) -> Boxed<'_, Result<u32, String>>;
}

struct Adds {
    more: Arc<u32>,
}

impl Handler for Adds {
    fn handle(&self, command: Ping) -> Boxed<'_, Result<u32, String>> {
        Box::pin(async move { Ok(command.n.wrapping_add(*self.more)) })
    }
}

pub(crate) fn object() -> Box<dyn Handler> {
    std::hint::black_box(Box::new(Adds { more: Arc::new(std::hint::black_box(0)) }))
}

/// What buses usually are: a map from the type to a boxed closure over `Any`,
/// and an id and a time for each message.
pub(crate) struct MapBus {
    handlers: HashMap<TypeId, AnyHandler>,
    ids: UuidV7,
    clock: SystemClock,
}

type AnyHandler = Box<
    dyn Fn(Box<dyn Any + Send>) -> Boxed<'static, Result<Box<dyn Any + Send>, String>>
        + Send
        + Sync,
>;

/// What such a bus notes of each message.
pub(crate) struct Envelope {
    pub(crate) id: uuid::Uuid,
    pub(crate) time: cqrs_core::Timestamp,
}

pub(crate) fn map() -> MapBus {
    let adds = Arc::new(Adds { more: Arc::new(0) });
    let handler: AnyHandler = Box::new(move |command| {
        let adds = Arc::clone(&adds);
        Box::pin(async move {
            let command = command.downcast::<Ping>().map_err(|_| "another type".to_owned())?;
            let answer = command.n.wrapping_add(*adds.more);
            Ok(Box::new(answer) as Box<dyn Any + Send>)
        })
    });
    let (ids, clock) = (UuidV7::new(), SystemClock::new());
    MapBus { ids, clock, handlers: HashMap::from([(TypeId::of::<Ping>(), handler)]) }
}

impl MapBus {
    pub(crate) async fn send(&self, command: Ping) -> Result<u32, String> {
        let now = cqrs_core::runtime::Clock::now(&self.clock);
        let envelope = Envelope { id: self.ids.next(now), time: now };
        std::hint::black_box((&envelope.id, &envelope.time));
        let handler = self.handlers.get(&TypeId::of::<Ping>()).ok_or("no handler")?;
        let answer = handler(Box::new(command)).await?;
        answer.downcast::<u32>().map(|answer| *answer).map_err(|_| "another type".to_owned())
    }
}
