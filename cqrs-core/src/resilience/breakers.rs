//! The breakers of an application, by the names of its dependencies.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{BreakerSettings, CircuitBreaker};

/// One breaker a dependency: an open one leaves the others closed. What is
/// there stays, so that names must come from the application and not from its
/// callers.
#[derive(Debug)]
pub struct Breakers(RwLock<Known>);

#[derive(Debug)]
struct Known {
    settings: BreakerSettings,
    named: BTreeMap<Arc<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    breaker: Arc<CircuitBreaker>,
    /// Whether it goes by settings of its own.
    is_own: bool,
}

impl Breakers {
    /// None yet; those to come have these settings.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self(RwLock::new(Known { settings, named: BTreeMap::new() }))
    }

    /// The breaker of a dependency, made when it is first asked for.
    #[must_use]
    pub fn get(&self, name: &str) -> Arc<CircuitBreaker> {
        if let Some(breaker) = self.find(name) {
            return breaker;
        }
        self.change(|known| {
            let settings = known.settings;
            Arc::clone(&known.entry(name, settings).breaker)
        })
    }

    /// The breaker of a dependency, if anybody has asked for it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<CircuitBreaker>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.named.get(name).map(|entry| Arc::clone(&entry.breaker))
    }

    /// All of them, in the order of their names.
    #[must_use]
    pub fn list(&self) -> Vec<(Arc<str>, Arc<CircuitBreaker>)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let pair = |(name, entry): (&Arc<str>, &Entry)| (Arc::clone(name), entry.breaker.clone());
        known.named.iter().map(pair).collect()
    }

    /// Gives one dependency settings of its own.
    pub fn configure(&self, name: &str, settings: BreakerSettings) {
        self.change(|known| {
            let entry = known.entry(name, settings);
            entry.is_own = true;
            entry.breaker.configure(settings);
        });
    }

    /// Gives other settings to all that have none of their own, and to those
    /// to come.
    pub fn configure_all(&self, settings: BreakerSettings) {
        self.change(|known| {
            known.settings = settings;
            for entry in known.named.values().filter(|entry| !entry.is_own) {
                entry.breaker.configure(settings);
            }
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    fn entry(&mut self, name: &str, settings: BreakerSettings) -> &mut Entry {
        self.named.entry(name.into()).or_insert_with(|| Entry {
            breaker: Arc::new(CircuitBreaker::new(settings)),
            is_own: false,
        })
    }
}

impl Default for Breakers {
    fn default() -> Self {
        Self::new(BreakerSettings::default())
    }
}
