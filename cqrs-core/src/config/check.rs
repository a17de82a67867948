//! What a whole configuration must fulfil: every value within its bounds, and
//! none against another.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::error::{ConfigError, Mistake};
use super::found::Origin;
use super::hint;
use super::lookup::is_name;
use super::setting::Setting;
use super::{Config, WarnAfter};

/// A value that must not be above another one, and is.
struct Above {
    path: String,
    value: Value,
    limit_path: String,
    limit: Value,
}

impl Config {
    /// Checks everything that can be checked without the application, for a
    /// configuration that was made or changed by code.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with all mistakes.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut mistakes = self.ill_formed_names();
        let outside = self.entries().filter(|(key, name, _)| !(key.is_within)(self, name));
        mistakes.extend(outside.map(|(key, name, value)| {
            Mistake::value(key.path_of(name), &value, Origin::Code, key.expected()).from(None)
        }));
        let wrong: Vec<_> = mistakes.iter().map(|one| one.path().to_owned()).collect();
        mistakes.extend(self.contradictions(&wrong, &BTreeMap::new()));
        ConfigError::unless_empty(mistakes)
    }

    /// Checks that every entry of `handlers` and `subscriptions` belongs to a
    /// message or a subscription that exists: a misspelled one would change
    /// nothing, and nobody would notice.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names those that do not.
    pub fn check_names<'a>(
        &self,
        handlers: impl IntoIterator<Item = &'a str>,
        subscriptions: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), ConfigError> {
        let handlers: Vec<_> = handlers.into_iter().collect();
        let subscriptions: Vec<_> = subscriptions.into_iter().collect();
        let messages = "the wire name of a command or query of this application";
        let mut mistakes = strangers("handlers", self.handlers.keys(), &handlers, messages);
        let names = self.subscriptions.keys();
        let expected = "the name of a subscription of this application";
        mistakes.extend(strangers("subscriptions", names, &subscriptions, expected));
        ConfigError::unless_empty(mistakes)
    }

    pub(super) fn ill_formed_names(&self) -> Vec<Mistake> {
        let handlers = self.handlers.keys().map(|name| ("handlers", name));
        let subscriptions = self.subscriptions.keys().map(|name| ("subscriptions", name));
        let bad = handlers.chain(subscriptions).filter(|(_, name)| !is_name(name));
        bad.map(|(section, name)| bad_name(format!("{section}.{}", name.escape_debug()))).collect()
    }

    /// Values that do not go together, unless one of them is wrong already.
    /// Each is reported where somebody has said something.
    pub(super) fn contradictions(
        &self,
        wrong: &[String],
        origins: &BTreeMap<String, Origin>,
    ) -> Vec<Mistake> {
        let above = self.above().into_iter();
        let new =
            above.filter(|one| !wrong.contains(&one.path) && !wrong.contains(&one.limit_path));
        new.map(|one| one.mistake(origins)).collect()
    }

    fn above(&self) -> Vec<Above> {
        let mut pairs = vec![
            pair("retry.base", self.retry.base, "retry.cap", self.retry.cap),
            pair(
                "event_handlers.base",
                self.event_handlers.base,
                "event_handlers.cap",
                self.event_handlers.cap,
            ),
        ];
        if let WarnAfter::Time(time) = self.command_bus.warn_after {
            let limit = self.command_bus.timeout;
            pairs.push(pair("command_bus.warn_after", time, "command_bus.timeout", limit));
        }
        for (name, one) in self.subscriptions.iter().filter(|(_, one)| one.bounds_delays()) {
            let at = |key: &str, is_own: bool| {
                let section = if is_own { format!("subscriptions.{name}") } else { ALL.to_owned() };
                format!("{section}.{key}")
            };
            let base = one.base.unwrap_or(self.event_handlers.base);
            let cap = one.cap.unwrap_or(self.event_handlers.cap);
            let (path, limit) = (at("base", one.base.is_some()), at("cap", one.cap.is_some()));
            pairs.push(pair(&path, base, &limit, cap));
        }
        pairs.into_iter().flatten().collect()
    }
}

/// What a subscription takes if it says nothing.
const ALL: &str = "event_handlers";

impl super::Subscription {
    fn bounds_delays(&self) -> bool {
        self.base.is_some() || self.cap.is_some()
    }
}

impl Above {
    fn mistake(&self, origins: &BTreeMap<String, Origin>) -> Mistake {
        let origin_of = |path: &str| origins.get(path).cloned();
        let (own, other) = (origin_of(&self.path), origin_of(&self.limit_path));
        if own.is_none() && other.is_some() {
            let expected = format!("at least {}, which is {}", self.path, self.value);
            return Mistake::contradiction(self.limit_path.clone(), &self.limit, expected)
                .from(other);
        }
        let expected = format!("at most {}, which is {}", self.limit_path, self.limit);
        Mistake::contradiction(self.path.clone(), &self.value, expected).from(own)
    }
}

fn pair(path: &str, value: Duration, limit_path: &str, limit: Duration) -> Option<Above> {
    (value > limit).then(|| Above {
        path: path.to_owned(),
        value: value.show(),
        limit_path: limit_path.to_owned(),
        limit: limit.show(),
    })
}

pub(super) fn bad_name(path: String) -> Mistake {
    Mistake::unknown_name(path, "a name of 1 to 255 bytes without control characters")
}

fn strangers<'a>(
    section: &str,
    names: impl Iterator<Item = &'a String>,
    known: &[&str],
    expected: &str,
) -> Vec<Mistake> {
    let strange = names.filter(|name| !known.contains(&name.as_str()));
    strange
        .map(|name| {
            let near = hint::nearest(name, known.iter().copied());
            let near = near.map(|near| format!("did you mean {section}.{near}?"));
            Mistake::unknown_name(format!("{section}.{name}"), expected).hinted(near)
        })
        .collect()
}
