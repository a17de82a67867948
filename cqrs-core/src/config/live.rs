//! A configuration that changes while the application runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::Config;
use super::error::{ConfigError, Mistake};
use super::key::{Change, Key};

/// The configuration of a running application. Clones share it.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::config::{Config, LiveConfig};
///
/// let live = LiveConfig::new(Config::default())?;
/// let mut config = Config::clone(&live.current());
/// config.command_bus.timeout = Duration::from_secs(5);
/// let changes = live.update(config.clone())?;
/// assert_eq!(changes.to_string(), r#"command_bus.timeout: "30s" becomes "5s""#);
///
/// config.rate_limit.keys = 16;
/// assert!(live.update(config).is_err(), "this key is fixed");
/// # Ok::<(), cqrs_core::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LiveConfig(Arc<watch::Sender<Arc<Config>>>);

/// Sees each new configuration.
#[derive(Clone, Debug)]
pub struct ConfigWatch(watch::Receiver<Arc<Config>>);

/// What an update changed, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<Changed>);

/// A key that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Its path.
    pub path: String,
    /// Its value before, as in JSON; none if it had none.
    pub before: Option<String>,
    /// Its value now.
    pub after: Option<String>,
}

impl LiveConfig {
    /// Starts with a configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not valid.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self(Arc::new(watch::Sender::new(Arc::new(config)))))
    }

    /// The configuration that holds now.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        Arc::clone(&self.0.borrow())
    }

    /// Sees every change from now on.
    #[must_use]
    pub fn subscribe(&self) -> ConfigWatch {
        ConfigWatch(self.0.subscribe())
    }

    /// Puts another configuration in the place of the current one, as a whole or
    /// not at all, and tells those who watch, if it differs.
    ///
    /// Of two updates at a time each is compared with the one before it; the
    /// later one counts.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not valid, and with each key that may not change
    /// any more. The current one stays.
    pub fn update(&self, config: Config) -> Result<Changes, ConfigError> {
        config.validate()?;
        let mut outcome = Ok(Changes::default());
        self.0.send_if_modified(|current| {
            outcome = changes(current, &config);
            let is_new = outcome.as_ref().is_ok_and(|changes| !changes.is_empty());
            if is_new {
                *current = Arc::new(config);
            }
            is_new
        });
        outcome
    }
}

impl ConfigWatch {
    /// The configuration that holds now; it counts as seen.
    #[must_use]
    pub fn current(&mut self) -> Arc<Config> {
        Arc::clone(&self.0.borrow_and_update())
    }

    /// Waits for a configuration that was not seen yet; of several only the
    /// last one is seen. None when the application is gone.
    ///
    /// # Cancel safety
    ///
    /// A dropped call has seen nothing; the next one gives what it would have.
    pub async fn changed(&mut self) -> Option<Arc<Config>> {
        self.0.changed().await.ok()?;
        Some(self.current())
    }
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &Changed> {
        self.0.iter()
    }

    /// Whether a key or a section changed: `retry`, `retry.base`.
    #[must_use]
    pub fn touch(&self, path: &str) -> bool {
        self.0.iter().any(|changed| {
            let rest = changed.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, changed) in self.0.iter().enumerate() {
            let value =
                |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
            let (before, after) = (value(&changed.before), value(&changed.after));
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {before} becomes {after}", changed.path)?;
        }
        Ok(())
    }
}

fn values(config: &Config) -> BTreeMap<String, (&'static Key, Value)> {
    config.entries().map(|(key, name, value)| (key.path_of(name), (key, value))).collect()
}

fn changes(current: &Config, next: &Config) -> Result<Changes, ConfigError> {
    let (before, after) = (values(current), values(next));
    let (mut changes, mut mistakes) = (Vec::new(), Vec::new());
    for path in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (before.get(path), after.get(path));
        let (was, is) = (old.map(|(_, value)| value), new.map(|(_, value)| value));
        if was == is {
            continue;
        }
        let key = old.or(new).map(|(key, _)| key);
        if key.is_some_and(|key| key.change == Change::Fixed) {
            let (was, is) = (was.unwrap_or(&Value::Null), is.unwrap_or(&Value::Null));
            mistakes.push(Mistake::fixed(path.clone(), is, was));
        }
        let said = |value: Option<&Value>| value.map(Value::to_string);
        changes.push(Changed { path: path.clone(), before: said(was), after: said(is) });
    }
    ConfigError::unless_empty(mistakes)?;
    Ok(Changes(changes))
}
