//! The event handlers of an application: put together while it is built,
//! started once nothing is wrong.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Wiring;
use crate::bus::MessageKind;
use crate::config::{self, Config};
use crate::event::{Event, Recorded};
use crate::policy::{Meter, Stack};
use crate::resilience::Backoff;
use crate::runtime::BoxFuture;
use crate::store::{EventQuery, EventStore};
use crate::subscription::{
    Deliverer, EventCall, EventHandler, EventHandlerSettings, Follower, HandlerError,
    RecoveryTable, Subscription, SubscriptionHandle, Typed, stored_names,
};

/// What is said about event handlers beside their attributes.
#[derive(Clone, Debug)]
pub(super) struct Listening {
    /// What code says about tries.
    pub(super) tries: Option<(u32, Backoff)>,
    pub(super) recovery: RecoveryTable,
    pub(super) named: HashMap<String, RecoveryTable>,
    pub(super) start: bool,
}

impl Default for Listening {
    fn default() -> Self {
        Self { tries: None, recovery: RecoveryTable::default(), named: HashMap::new(), start: true }
    }
}

/// An event handler, to be started.
pub(super) struct Listener {
    settings: &'static EventHandlerSettings,
    handler: Arc<dyn EventHandler>,
    query: EventQuery,
    types: Vec<(&'static str, Arc<Meter>)>,
    stacks: Vec<Stack>,
    lanes: usize,
}

impl Wiring<'_> {
    /// Takes a function that handles events.
    pub fn event_fn<E: Event>(
        &mut self,
        settings: &'static EventHandlerSettings,
        handler: impl for<'b> Fn(
            &'b Recorded<E>,
            &'b EventCall,
        ) -> BoxFuture<'b, Result<(), HandlerError>>
        + Send
        + Sync
        + 'static,
    ) {
        let handler: Arc<dyn EventHandler> = Arc::new(Typed::<E, _>::new(handler));
        let name = settings.name;
        let Some(stack) = self.stack(MessageKind::Event, name, TypeId::of::<E>()) else { return };
        let (target, metrics) = (stack.target, self.around.measures(MessageKind::Event));
        let types = E::TYPES
            .iter()
            .filter(|_| metrics)
            .map(|one| (one.name, self.observers.meters.of(target, Some(one.name))));
        let types = types.collect();
        let lanes = stack.policy.lanes();
        let mut stacks = vec![stack];
        // Each part has its own; what they count and share is the same.
        for _ in 1..settings.parts {
            stacks.extend(self.stack(MessageKind::Event, name, TypeId::of::<E>()));
        }
        let query = EventQuery::types(stored_names::<E>());
        self.listeners.push(Listener { settings, handler, query, types, stacks, lanes });
        self.handlers.event_handlers.insert(name);
    }

    /// Starts the event handlers.
    pub(super) fn listen(&mut self) -> Vec<SubscriptionHandle> {
        let listening = &self.around.listening;
        let config = &self.around.config;
        if !listening.start {
            return Vec::new();
        }
        let head_at_build = self.store.watch().head();
        let mut handles = Vec::new();
        for listener in std::mem::take(&mut self.listeners) {
            let Listener { settings, handler, query, types, stacks, lanes } = listener;
            let parts = stacks.len();
            for (part, stack) in stacks.into_iter().enumerate() {
                let name = part_name(settings.name, part, parts);
                let recovery = settings
                    .on_failure
                    .map_or_else(|| listening.recovery.clone(), RecoveryTable::always);
                let (attempts, backoff) = tries(config, settings.name, listening);
                let recovery = listening.named.get(settings.name).cloned().unwrap_or(recovery);
                handles.push(
                    Subscription {
                        follower: Follower {
                            store: self.store.clone(),
                            services: Arc::clone(&self.services),
                            tasks: self.tasks.clone(),
                            checkpoint: format!("event handler {name}").into(),
                            query: query.clone(),
                        },
                        name: name.into(),
                        deliverer: Deliverer {
                            handler: Arc::clone(&handler),
                            stack,
                            services: Arc::clone(&self.services),
                            tasks: self.tasks.clone(),
                            bus: self.bus(),
                            recovery,
                            attempts: settings
                                .attempts
                                .filter(|_| !is_configured(config, settings.name))
                                .unwrap_or(attempts),
                            backoff,
                            meters: types.clone(),
                        },
                        part,
                        parts,
                        lanes,
                        start: settings.start,
                        volatile: settings.volatile,
                        batch: config.event_handlers.batch,
                        head_at_build,
                    }
                    .spawn(),
                );
            }
        }
        handles
    }
}

/// How often, and with what pauses, an event is tried: code before the
/// configuration, one handler before all.
fn tries(config: &Config, name: &str, listening: &Listening) -> (u32, Backoff) {
    let all = &config.event_handlers;
    let one = config.subscriptions.get(name);
    let of = |all, one: fn(&config::Subscription) -> Option<Duration>| {
        config.subscriptions.get(name).and_then(one).unwrap_or(all)
    };
    let attempts = one.and_then(|one| one.max_attempts).unwrap_or(all.max_attempts);
    let backoff = Backoff::new(of(all.base, |one| one.base), of(all.cap, |one| one.cap));
    listening.tries.clone().unwrap_or((attempts, backoff))
}

/// Whether the configuration has its own word about a handler's tries.
fn is_configured(config: &Config, name: &str) -> bool {
    config.subscriptions.get(name).is_some_and(|one| one.max_attempts.is_some())
}

/// The name of a part: the handler's own where it is the only one.
fn part_name(handler: &str, part: usize, parts: usize) -> String {
    if parts <= 1 { handler.to_owned() } else { format!("{handler}/{part}of{parts}") }
}
