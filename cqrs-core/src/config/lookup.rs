//! From a path to its key.

use super::Config;
use super::hint;
use super::key::Key;
use super::settings::KEYS;

/// What a path leads to.
pub(super) enum Place<'p> {
    /// A key, and the name it stands under, empty where there are no names.
    Key(&'static Key, &'p str),
    /// A key, as if it were a table.
    BelowKey(&'static Key),
    /// A table of keys.
    Table,
    /// A key under a name that no message can have.
    BadName,
    /// Nothing, and what was probably meant.
    Nowhere(Option<String>),
}

pub(super) fn place(path: &str) -> Place<'_> {
    let (section, rest) = path.split_once('.').unwrap_or((path, ""));
    if Config::SECTIONS.contains(&section) {
        in_section(section, rest)
    } else if Config::NAMED.contains(&section) {
        in_named(section, rest)
    } else {
        Place::Nowhere(near(path, section, rest))
    }
}

fn in_section(section: &str, rest: &str) -> Place<'static> {
    let name = rest.split('.').next().unwrap_or_default();
    match key(section, name) {
        Some(key) if rest == name => Place::Key(key, ""),
        Some(key) => Place::BelowKey(key),
        None if rest.is_empty() => Place::Table,
        None => Place::Nowhere(Some(near_key(section, rest))),
    }
}

/// The last part is the key, what stands before it is the name, dots and all.
fn in_named<'p>(section: &str, rest: &'p str) -> Place<'p> {
    let Some((name, last)) = rest.rsplit_once('.') else { return Place::Table };
    match key(section, last) {
        Some(key) if is_name(name) => Place::Key(key, name),
        Some(_) => Place::BadName,
        None => Place::Nowhere(Some(near_key(section, last))),
    }
}

fn key(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// Names are 1 to 255 bytes without control characters.
pub(super) fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && !name.contains(char::is_control)
}

fn near_key(section: &str, name: &str) -> String {
    let keys = KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
    match hint::nearest(name, keys.clone()) {
        Some(near) => said(near),
        None => format!("the keys of {section} are {}", keys.collect::<Vec<_>>().join(", ")),
    }
}

fn near(path: &str, section: &str, rest: &str) -> Option<String> {
    if let Some(named) = hint::nearest(section, Config::NAMED.iter().copied()) {
        return Some(said(&format!("{named}.{rest}")));
    }
    let plain = KEYS.iter().map(|key| key.path).filter(|path| !path.contains('*'));
    hint::nearest(path, plain.chain(Config::SECTIONS.iter().copied())).map(said)
}

fn said(near: &str) -> String {
    format!("did you mean {near}?")
}
