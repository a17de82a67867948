//! The event handlers of an application: put together while it is built,
//! started once nothing is wrong.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;

use super::Wiring;
use crate::bus::MessageKind;
use crate::config::Config;
use crate::event::{Event, Recorded};
use crate::policy::{Meter, Stack};
use crate::resilience::Backoff;
use crate::runtime::BoxFuture;
use crate::store::{EventQuery, EventStore};
use crate::subscription::{
    Deliverer, EventCall, EventHandler, EventHandlerSettings, Follower, Group, HandlerError,
    Lookout, Pace, RecoveryTable, Steps, Subscription, SubscriptionHandle, Typed, checkpoint_of,
    part_names, stored_names,
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

impl Listening {
    /// How the events of a handler are tried: what the configuration, and then
    /// code, say of all handlers, then its attribute, and what the
    /// configuration says of this one.
    pub(super) fn steps(&self, settings: &EventHandlerSettings, config: &Config) -> Steps {
        let all = &config.event_handlers;
        let own = config.subscriptions.get(settings.name).cloned().unwrap_or_default();
        let said = self.tries.clone();
        let (attempts, backoff) =
            said.unwrap_or_else(|| (all.max_attempts, Backoff::new(all.base, all.cap)));
        let attempts = own.max_attempts.or(settings.attempts).unwrap_or(attempts);
        let backoff = match (own.base, own.cap) {
            (None, None) => backoff,
            (base, cap) => Backoff::new(base.unwrap_or(all.base), cap.unwrap_or(all.cap)),
        };
        Steps { attempts, backoff, batch: all.batch }
    }
}

/// How the events of a handler are tried, with what its attribute says of it.
pub(super) type Paced = (&'static EventHandlerSettings, Arc<Pace>);

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
    pub(super) fn listen(&mut self, lookout: &Lookout) -> Vec<SubscriptionHandle> {
        let listening = &self.around.listening;
        let config = &self.around.config;
        if !listening.start {
            return Vec::new();
        }
        let head_at_build = self.store.watch().head();
        let group = self.group();
        let mut handles = Vec::new();
        for listener in std::mem::take(&mut self.listeners) {
            let Listener { settings, handler, query, types, stacks, lanes } = listener;
            let parts = stacks.len();
            let pace = Arc::new(Pace::new(listening.steps(settings, config)));
            self.paces.push((settings, Arc::clone(&pace)));
            let recovery = settings
                .on_failure
                .map_or_else(|| listening.recovery.clone(), RecoveryTable::always);
            let recovery = listening.named.get(settings.name).cloned().unwrap_or(recovery);
            let names = part_names(settings.name, parts);
            for (part, (stack, name)) in stacks.into_iter().zip(names).enumerate() {
                handles.push(
                    Subscription {
                        follower: Follower {
                            store: self.store.clone(),
                            lookout: lookout.clone(),
                            services: Arc::clone(&self.services),
                            tasks: self.tasks.clone(),
                            checkpoint: checkpoint_of(&name),
                            query: query.clone(),
                        },
                        seat: group
                            .as_ref()
                            .filter(|_| !settings.volatile)
                            .map(|group| group.seat(Arc::clone(&name))),
                        name,
                        deliverer: Deliverer {
                            handler: Arc::clone(&handler),
                            stack,
                            services: Arc::clone(&self.services),
                            tasks: self.tasks.clone(),
                            bus: self.bus(),
                            recovery: recovery.clone(),
                            pace: Arc::clone(&pace),
                            meters: types.clone(),
                        },
                        part,
                        parts,
                        lanes,
                        start: settings.start,
                        head_at_build,
                    }
                    .spawn(),
                );
            }
        }
        handles
    }

    /// Shares the handlers that keep places with other processes, if there are
    /// any.
    fn group(&self) -> Option<Group> {
        let durable = self.listeners.iter().filter(|listener| !listener.settings.volatile);
        let runs: Vec<_> =
            durable.map(|listener| (listener.settings.name, listener.stacks.len())).collect();
        let ttl = self.around.config.event_handlers.lease;
        let join = || Group::join(&self.store, &self.services, &self.tasks, ttl, runs.clone());
        (!runs.is_empty()).then(join)
    }
}
