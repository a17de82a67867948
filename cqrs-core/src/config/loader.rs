//! Layers: documents below the environment below code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserializer;
use serde_json::Value;

use super::error::{ConfigError, Mistake};
use super::found::{Found, Origin};
use super::layer::Layer;
use super::lookup::{Place, place};
use super::{Config, check, encode, environment, json};

type Edit = Box<dyn FnOnce(&mut Config) + Send>;

/// Makes a [`Config`] out of layers. A later layer wins, key by key: the
/// defaults, documents in the order they were added, the environment, single
/// values, code. In which order the methods are called matters only within one
/// kind.
///
/// ```
/// use std::time::Duration;
/// use cqrs_core::config::{ConfigLoader, environment};
///
/// let config = ConfigLoader::new()
///     .json(r#"{ "command_bus": { "timeout": "5s", "queue": 64 } }"#)
///     .environment("BANK", environment::process())
///     .set("command_bus.queue", "128")
///     .code(|config| config.shutdown.grace = Duration::from_secs(3))
///     .load()?;
/// assert_eq!(config.command_bus.timeout, Duration::from_secs(5));
/// assert_eq!(config.command_bus.queue, 128);
/// # Ok::<(), cqrs_core::config::ConfigError>(())
/// ```
#[must_use = "nothing is read until `load`"]
#[derive(Default)]
pub struct ConfigLoader {
    documents: Vec<Layer>,
    environment: Vec<Layer>,
    set: Vec<(String, String)>,
    code: Vec<Edit>,
}

impl ConfigLoader {
    /// The defaults alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a JSON document.
    pub fn json(mut self, text: &str) -> Self {
        self.documents.push(json::read(text, &document("JSON")));
        self
    }

    /// Adds a TOML document.
    #[cfg(feature = "toml")]
    pub fn toml(mut self, text: &str) -> Self {
        self.documents.push(super::toml::read(text, &document("TOML")));
        self
    }

    /// Adds a document of any other format that serde can read, under a name
    /// for messages. Its lines are not known.
    pub fn document<'de>(mut self, name: &str, deserializer: impl Deserializer<'de>) -> Self {
        self.documents.push(encode::read(name, deserializer));
        self
    }

    /// Reads a file now and adds it: JSON or, with the feature `toml`, TOML, by
    /// the ending of its name. A file that does not exist is a mistake.
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.documents.push(read_file(path.as_ref()));
        self
    }

    /// Adds the variables that begin with the prefix and `_`, out of those that
    /// are given: [`environment::process`] gives those of the process. How a
    /// variable is named says [`environment`].
    pub fn environment(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let variables: Vec<_> = variables.into_iter().collect();
        self.environment.push(environment::read(prefix.trim_end_matches('_'), &variables));
        self
    }

    /// Sets one key to what would stand in a file, without quotes; for flags of
    /// a command line. The last value of a key counts.
    pub fn set(mut self, path: impl Into<String>, value: impl Into<String>) -> Self {
        self.set.push((path.into(), value.into()));
        self
    }

    /// Lets code change what all other layers gave.
    pub fn code(mut self, change: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        self.code.push(Box::new(change));
        self
    }

    /// Reads every layer and checks the whole.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with all mistakes of all layers, also of values that
    /// another layer replaces.
    pub fn load(self) -> Result<Config, ConfigError> {
        let mut reading = Reading::default();
        for layer in self.documents.into_iter().chain(self.environment) {
            reading.add(layer);
        }
        for (path, value) in self.set {
            reading.read(Found { path, value: value.into(), origin: Origin::Set });
        }
        let before = reading.config.clone();
        for change in self.code {
            change(&mut reading.config);
        }
        reading.take_changes_of_code(&before);
        reading.finish()
    }
}

impl fmt::Debug for ConfigLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigLoader")
            .field("documents", &self.documents.len())
            .field("environment", &self.environment.len())
            .finish_non_exhaustive()
    }
}

/// A configuration that layers are laid over.
#[derive(Default)]
struct Reading {
    config: Config,
    origins: BTreeMap<String, Origin>,
    mistakes: Vec<Mistake>,
}

impl Reading {
    fn add(&mut self, layer: Layer) {
        self.mistakes.extend(layer.mistakes);
        // A table in the place of a value is one mistake, however much it holds.
        let mut tables = BTreeSet::new();
        for found in layer.found {
            match place(&found.path) {
                Place::BelowKey(key) if !tables.insert(key.path) => {}
                _ => self.read(found),
            }
        }
    }

    fn read(&mut self, found: Found) {
        let is_empty_table = found.value.as_object().is_some_and(serde_json::Map::is_empty);
        let (path, value, origin) = (found.path.clone(), &found.value, found.origin.clone());
        let mistake = match place(&found.path) {
            Place::Key(key, name) => match (key.read)(&mut self.config, name, found.input()) {
                Ok(()) if (key.is_within)(&self.config, name) => {
                    self.origins.insert(path, origin);
                    return;
                }
                Ok(()) => Mistake::value(path, value, origin, key.expected()),
                Err(refused) => {
                    Mistake::value(path, value, origin, key.expected()).hinted(refused.0)
                }
            },
            Place::BelowKey(key) => {
                let table = serde_json::Map::new().into();
                Mistake::value(key.path.to_owned(), &table, origin, key.expected())
            }
            Place::Table if is_empty_table => return,
            Place::Nowhere(_) if is_empty_table && is_named(&found.path) => return,
            Place::Table => Mistake::no_table(&path, value, origin),
            Place::BadName => check::bad_name(path.escape_debug().to_string()).from(Some(origin)),
            Place::Nowhere(near) => Mistake::unknown(path, origin).hinted(near),
        };
        self.mistakes.push(mistake);
    }

    fn take_changes_of_code(&mut self, before: &Config) {
        let said: BTreeMap<String, Value> =
            before.entries().map(|(key, name, value)| (key.path_of(name), value)).collect();
        let names = self.config.ill_formed_names().into_iter();
        self.mistakes.extend(names.map(|mistake| mistake.from(Some(Origin::Code))));
        for (key, name, value) in self.config.entries() {
            let path = key.path_of(name);
            if said.get(&path) == Some(&value) {
                continue;
            }
            if !(key.is_within)(&self.config, name) {
                let path = path.clone();
                self.mistakes.push(Mistake::value(path, &value, Origin::Code, key.expected()));
            }
            self.origins.insert(path, Origin::Code);
        }
    }

    fn finish(mut self) -> Result<Config, ConfigError> {
        let wrong: Vec<_> = self.mistakes.iter().map(|one| one.path().to_owned()).collect();
        self.mistakes.extend(self.config.contradictions(&wrong, &self.origins));
        ConfigError::unless_empty(self.mistakes)?;
        Ok(self.config)
    }
}

fn is_named(path: &str) -> bool {
    path.split('.').next().is_some_and(|section| Config::NAMED.contains(&section))
}

fn document(name: &str) -> Origin {
    Origin::Document { name: name.to_owned(), line: None }
}

fn read_file(path: &Path) -> Layer {
    let path = PathBuf::from(path);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let read: fn(&str, &Origin) -> Layer = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("json") => json::read,
        #[cfg(feature = "toml")]
        Some("toml") => super::toml::read,
        #[cfg(not(feature = "toml"))]
        Some("toml") => {
            return Layer::wrong(Mistake::format(path, "the feature `toml` of the framework"));
        }
        _ => return Layer::wrong(Mistake::format(path, "a file that ends in .json or .toml")),
    };
    match std::fs::read_to_string(&path) {
        // Editors of some systems put a mark in front.
        Ok(text) => read(text.trim_start_matches('\u{feff}'), &Origin::File { path, line: None }),
        Err(error) => Layer::wrong(Mistake::file(path, &error)),
    }
}
