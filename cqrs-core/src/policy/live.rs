//! Values that change while calls read them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// A duration; zero stands for none.
pub(crate) struct Live(AtomicU64);

impl Live {
    pub(crate) fn new(value: Option<Duration>) -> Self {
        let live = Self(AtomicU64::new(0));
        live.set(value);
        live
    }

    pub(crate) fn set(&self, value: Option<Duration>) {
        let nanos = value.map_or(0, |value| u64::try_from(value.as_nanos()).unwrap_or(u64::MAX));
        self.0.store(nanos, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

/// Something that is there or not. Where it is not, reading takes no lock.
pub(crate) struct Switch<T> {
    on: AtomicBool,
    value: RwLock<Option<Arc<T>>>,
}

impl<T> Switch<T> {
    pub(crate) fn new(value: Option<T>) -> Self {
        let value = value.map(Arc::new);
        Self { on: AtomicBool::new(value.is_some()), value: RwLock::new(value) }
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        if !self.is_on() {
            return None;
        }
        self.value.read().expect("nothing panics under the lock").clone()
    }

    pub(crate) fn set(&self, value: Option<T>) {
        let mut place = self.value.write().expect("nothing panics under the lock");
        self.on.store(value.is_some(), Ordering::Relaxed);
        *place = value.map(Arc::new);
    }
}
