//! What both flavours can be told.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error_stream::Hook;
use super::{AsyncBus, BusEvent, ErrorStream, Failure, Keep, Overflow, PublishError, SyncBus};
use crate::runtime::{Services, TaskSet};

/// What the parts of a bus share.
pub(super) struct Setting {
    pub(super) services: Arc<Services>,
    pub(super) tasks: TaskSet,
    pub(super) errors: ErrorStream,
    /// An event that nobody wants is an error.
    strict: AtomicBool,
}

impl Setting {
    pub(super) fn set_strict(&self, strict: bool) {
        self.strict.store(strict, Ordering::Relaxed);
    }

    /// What becomes of an event that nobody wants.
    pub(super) fn unheard(&self, event: &BusEvent) -> Result<(), PublishError> {
        if self.strict.load(Ordering::Relaxed) {
            Err(PublishError::NoSubscriber { event_type: event.event_type().into() })
        } else {
            Ok(())
        }
    }
}

struct Common {
    services: Option<Arc<Services>>,
    tasks: Option<TaskSet>,
    capacity: usize,
    keep: Keep,
    hook: Option<Hook>,
    strict: bool,
}

impl Common {
    fn new() -> Self {
        Self {
            services: None,
            tasks: None,
            capacity: 100,
            keep: Keep::default(),
            hook: None,
            strict: false,
        }
    }

    fn setting(self) -> Setting {
        let services = self.services.unwrap_or_default();
        let tasks = self.tasks.unwrap_or_else(|| TaskSet::new(Arc::clone(&services.spawner)));
        let errors = ErrorStream::with_hook(self.capacity, self.keep, self.hook);
        Setting { services, tasks, errors, strict: self.strict.into() }
    }
}

macro_rules! builders {
    ($($(#[$doc:meta])* $name:ident { $($(#[$more:meta])* $field:ident: $ty:ty = $value:expr),* })*) => {$(
        $(#[$doc])*
        #[must_use = "it is no bus yet"]
        pub struct $name { common: Common, $($field: $ty),* }

        impl $name {
            pub(super) fn new() -> Self {
                Self { common: Common::new(), $($field: $value),* }
            }

            /// Clock, identifiers and spawner; the system's by default.
            pub fn services(mut self, services: Services) -> Self {
                self.common.services = Some(Arc::new(services));
                self
            }

            /// For an application: its own surroundings, and the set that owns
            /// its tasks.
            pub(crate) fn within(mut self, services: Arc<Services>, tasks: TaskSet) -> Self {
                (self.common.services, self.common.tasks) = (Some(services), Some(tasks));
                self
            }

            /// How many failures are kept until somebody takes them, and which:
            /// the last 100 by default.
            pub fn keep_errors(mut self, capacity: usize, keep: Keep) -> Self {
                (self.common.capacity, self.common.keep) = (capacity, keep);
                self
            }

            /// Is called once for each failure, where it happens: it must not
            /// block.
            pub fn on_error(mut self, hook: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
                self.common.hook = Some(Box::new(hook));
                self
            }

            /// Makes an event that nobody subscribes to an error.
            pub fn strict(mut self) -> Self {
                self.common.strict = true;
                self
            }

            $($(#[$more])*
            pub fn $field(mut self, $field: $ty) -> Self {
                self.$field = $field;
                self
            })*
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

builders! {
    /// Builds a [`SyncBus`].
    SyncBusBuilder {}

    /// Builds an [`AsyncBus`].
    AsyncBusBuilder {
        /// How many handlers run at once over all subscribers; 32 by default,
        /// at least 1, and `usize::MAX` for no limit. A handler that hangs
        /// keeps one of them, a subscriber as many as it has lanes.
        workers: usize = 32,
        /// How many events may wait or run for a subscriber that says nothing
        /// itself; 1,024 by default, at least 1.
        queue: usize = 1024,
        /// What happens to more than that, for a subscriber that says nothing
        /// itself; by default publishers wait.
        overflow: Overflow = Overflow::Wait
    }
}

impl SyncBusBuilder {
    /// The bus.
    #[must_use]
    pub fn build(self) -> SyncBus {
        SyncBus::of(self.common.setting())
    }
}

impl AsyncBusBuilder {
    /// The bus. It handles nothing before it is started.
    #[must_use]
    pub fn build(self) -> AsyncBus {
        let (workers, queue) = (self.workers.max(1), self.queue.max(1));
        AsyncBus::of(self.common.setting(), workers, queue, self.overflow)
    }
}
