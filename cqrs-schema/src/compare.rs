//! What changes from one shape to another, and what that breaks for formats
//! that store names: JSON, MessagePack with names.

use std::fmt;

use crate::shape::{Field, Presence, Scalar, Shape, Tagging, Variant};
use crate::text::Text;

/// What happens to a value of one shape that is read as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It is read as it was meant.
    Reads,
    /// It is refused, at least for some values.
    Fails,
    /// It is read without an error as something else.
    Corrupts,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where, as names joined by points; empty for the whole.
    pub path: String,
    /// What it is.
    pub what: String,
    /// What new code makes of old data.
    pub backward: Effect,
    /// What old code makes of new data.
    pub forward: Effect,
}

/// Every difference between two shapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The differences, in the order of the new shape.
    pub changes: Vec<Change>,
}

/// Which side can read the other's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compatibility {
    /// Each the other's.
    Full,
    /// New code reads old data.
    Backward,
    /// Old code reads new data.
    Forward,
    /// Neither.
    None,
}

/// Compares the shape that is stored with the one that code has now.
#[must_use]
pub fn compare(old: &Shape, new: &Shape) -> Comparison {
    let mut differences = Differences::default();
    differences.shape(old, new);
    Comparison { changes: differences.changes }
}

impl Comparison {
    /// Which side can read the other's data.
    #[must_use]
    pub fn compatibility(&self) -> Compatibility {
        let reads = |effect: fn(&Change) -> Effect| {
            self.changes.iter().all(|change| effect(change) == Effect::Reads)
        };
        match (reads(|change| change.backward), reads(|change| change.forward)) {
            (true, true) => Compatibility::Full,
            (true, false) => Compatibility::Backward,
            (false, true) => Compatibility::Forward,
            (false, false) => Compatibility::None,
        }
    }

    /// Whether old data would be read without an error as something else.
    #[must_use]
    pub fn corrupts(&self) -> bool {
        self.changes.iter().any(|change| change.backward == Effect::Corrupts)
    }
}

impl fmt::Display for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "compatible both ways",
            Self::Backward => "compatible backwards: new code reads old data, not the reverse",
            Self::Forward => "compatible forwards: old code reads new data, not the reverse",
            Self::None => "incompatible both ways",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}` ", self.path)?;
        }
        f.write_str(&self.what)?;
        match self.backward {
            Effect::Reads => Ok(()),
            Effect::Fails => f.write_str(": old data fails"),
            Effect::Corrupts => f.write_str(": old data would be read WRONG, without an error"),
        }
    }
}

const BOTH: (Effect, Effect) = (Effect::Fails, Effect::Fails);
const GROWS: (Effect, Effect) = (Effect::Reads, Effect::Fails);
const SHRINKS: (Effect, Effect) = (Effect::Fails, Effect::Reads);
const NEITHER: (Effect, Effect) = (Effect::Reads, Effect::Reads);

#[derive(Default)]
struct Differences {
    path: Vec<String>,
    changes: Vec<Change>,
}

impl Differences {
    fn note(&mut self, what: impl fmt::Display, (backward, forward): (Effect, Effect)) {
        let (path, what) = (self.path.join("."), what.to_string());
        self.changes.push(Change { path, what, backward, forward });
    }

    fn at(&mut self, name: impl fmt::Display, compare: impl FnOnce(&mut Self)) {
        self.path.push(name.to_string());
        compare(self);
        self.path.pop();
    }

    fn shape(&mut self, old: &Shape, new: &Shape) {
        match (old, new) {
            (Shape::Scalar(old), Shape::Scalar(new)) if old == new => {}
            (Shape::Scalar(old), Shape::Scalar(new)) => {
                let what = format!("was {} and is {}", old.word(), new.word());
                self.note(what, scalars(*old, *new));
            }
            (Shape::Optional(old), Shape::Optional(new)) => self.shape(old, new),
            (_, Shape::Optional(new)) => {
                self.note("has become optional", GROWS);
                self.shape(old, new);
            }
            (Shape::Optional(old), _) => {
                self.note("is no longer optional", SHRINKS);
                self.shape(old, new);
            }
            (Shape::List(old), Shape::List(new)) | (Shape::Set(old), Shape::Set(new)) => {
                self.at("[]", |inner| inner.shape(old, new));
            }
            (Shape::List(old), Shape::Set(new)) => {
                let what = "was a list and is a set, which drops repeated values";
                self.note(what, (Effect::Corrupts, Effect::Reads));
                self.at("[]", |inner| inner.shape(old, new));
            }
            (Shape::Set(old), Shape::List(new)) => {
                self.note("was a set and is a list", NEITHER);
                self.at("[]", |inner| inner.shape(old, new));
            }
            (Shape::Array(before, old), Shape::Array(after, new)) => {
                if before != after {
                    self.note(format!("had {before} values and has {after}"), BOTH);
                }
                self.at("[]", |inner| inner.shape(old, new));
            }
            (Shape::Map(old_key, old), Shape::Map(new_key, new)) => {
                self.at("key", |inner| inner.shape(old_key, new_key));
                self.at("value", |inner| inner.shape(old, new));
            }
            (Shape::Tuple(old), Shape::Tuple(new)) => {
                if old.len() != new.len() {
                    self.note(format!("had {} parts and has {}", old.len(), new.len()), BOTH);
                }
                for (index, (old, new)) in old.iter().zip(new.iter()).enumerate() {
                    self.at(index, |inner| inner.shape(old, new));
                }
            }
            (
                Shape::Struct { fields: old, closed: was_closed },
                Shape::Struct { fields: new, closed },
            ) => {
                if was_closed != closed {
                    let (what, effect) = if *closed {
                        ("refuses unknown fields now", SHRINKS)
                    } else {
                        ("takes unknown fields now", NEITHER)
                    };
                    self.note(what, effect);
                }
                self.fields(old, new, (*was_closed, *closed));
            }
            (
                Shape::Enum { tagging: before, variants: old },
                Shape::Enum { tagging: after, variants: new },
            ) => {
                if before != after {
                    self.note(format!("was an {before} and is an {after}"), BOTH);
                }
                self.variants(*after, old, new);
            }
            (Shape::Opaque { description: old, .. }, Shape::Opaque { description: new, .. }) => {
                if old != new {
                    self.note(format!("was \"{old}\" and is \"{new}\""), BOTH);
                }
            }
            (Shape::Above(old), Shape::Above(new)) if old == new => {}
            (old, new) => {
                let effect = match (old, new) {
                    (_, Shape::Scalar(Scalar::Any)) => GROWS,
                    (Shape::Scalar(Scalar::Any), _) => SHRINKS,
                    _ => BOTH,
                };
                self.note(format!("was {} and is {}", Text(old), Text(new)), effect);
            }
        }
    }

    fn fields(&mut self, old: &[Field], new: &[Field], (was_closed, closed): (bool, bool)) {
        let (old_flat, old) = split(old);
        let (new_flat, new) = split(new);
        let dropped = |field: &Field| !new.iter().any(|other| other.reads(field.name));
        for field in &new {
            let before = old
                .iter()
                .find(|other| other.name == field.name)
                .or_else(|| old.iter().find(|other| field.aliases.contains(&other.name)));
            self.at(field.name, |inner| match before {
                None => inner.added(field, &old, &new, was_closed),
                Some(before) => inner.field(before, field),
            });
        }
        for field in old.iter().filter(|field| dropped(field)) {
            let forward = if field.may_be_missing() { Effect::Reads } else { Effect::Fails };
            let backward = if closed { Effect::Fails } else { Effect::Reads };
            self.at(field.name, |inner| inner.note("is gone", (backward, forward)));
        }
        if old_flat.len() != new_flat.len() {
            self.note("has other flattened parts", BOTH);
        }
        for (old, new) in old_flat.iter().zip(&new_flat) {
            self.shape(old.shape, new.shape);
        }
    }

    fn added(&mut self, field: &Field, old: &[&Field], new: &[&Field], was_closed: bool) {
        let forward = if was_closed { Effect::Fails } else { Effect::Reads };
        if !field.may_be_missing() {
            return self.note("is new, and old data does not have it", (Effect::Fails, forward));
        }
        // The name of a field that may be missing can change unnoticed.
        let renamed = old.iter().find(|before| {
            before.shape == field.shape && !new.iter().any(|other| other.reads(before.name))
        });
        match renamed {
            Some(before) => {
                let what = format!(
                    "is new, while `{}` of the same shape is gone: if this is a rename, add \
                     `#[serde(alias = \"{}\")]`",
                    before.name, before.name
                );
                self.note(what, (Effect::Corrupts, Effect::Corrupts));
            }
            None => self.note("is new, and may be missing", (Effect::Reads, forward)),
        }
    }

    fn field(&mut self, old: &Field, new: &Field) {
        if old.name != new.name {
            let forward = if old.may_be_missing() { Effect::Corrupts } else { Effect::Fails };
            self.note(format!("was `{}`, which is still read", old.name), (Effect::Reads, forward));
        }
        for alias in old.aliases.iter().filter(|alias| !new.reads(alias)) {
            let effect = if new.may_be_missing() { Effect::Corrupts } else { Effect::Fails };
            self.note(format!("is no longer read from `{alias}`"), (effect, Effect::Reads));
        }
        for alias in new.aliases.iter().filter(|alias| !old.reads(alias)) {
            if *alias != old.name {
                self.note(format!("is read from `{alias}` too"), NEITHER);
            }
        }
        match (old.presence, new.presence) {
            (Presence::Required, Presence::Defaulted) => self.note("has a default now", NEITHER),
            (Presence::Defaulted, Presence::Required) => {
                let backward =
                    if new.shape.may_be_missing() { Effect::Reads } else { Effect::Fails };
                self.note("has no default any more", (backward, Effect::Reads));
            }
            _ => {}
        }
        self.shape(old.shape, new.shape);
    }

    fn variants(&mut self, tagging: Tagging, old: &[Variant], new: &[Variant]) {
        let catches = |variants: &[Variant]| variants.iter().any(|variant| variant.other);
        for variant in new {
            let before = old
                .iter()
                .find(|other| other.name == variant.name)
                .or_else(|| old.iter().find(|other| variant.aliases.contains(&other.name)));
            self.at(variant.name, |inner| match before {
                None => {
                    let forward = if catches(old) { Effect::Corrupts } else { Effect::Fails };
                    inner.note("is a new variant", (Effect::Reads, forward));
                }
                Some(before) => inner.variant(before, variant),
            });
        }
        for variant in old.iter().filter(|one| !new.iter().any(|other| other.reads(one.name))) {
            let backward = if catches(new) { Effect::Corrupts } else { Effect::Fails };
            self.at(variant.name, |inner| inner.note("is gone", (backward, Effect::Reads)));
        }
        let order = |variants: &[Variant]| variants.iter().map(|one| one.name).collect::<Vec<_>>();
        if tagging == Tagging::Untagged && order(old) != order(new) {
            let effect = (Effect::Corrupts, Effect::Corrupts);
            self.note("tries its variants in another order", effect);
        }
    }

    fn variant(&mut self, old: &Variant, new: &Variant) {
        if old.name != new.name {
            self.note(format!("was `{}`, which is still read", old.name), GROWS);
        }
        for alias in old.aliases.iter().filter(|alias| !new.reads(alias)) {
            self.note(format!("is no longer read from `{alias}`"), SHRINKS);
        }
        for alias in new.aliases.iter().filter(|alias| !old.reads(alias)) {
            if *alias != old.name {
                self.note(format!("is read from `{alias}` too"), NEITHER);
            }
        }
        match (old.other, new.other) {
            (false, true) => self.note("takes unknown variants now", NEITHER),
            (true, false) => self.note("takes unknown variants no more", SHRINKS),
            _ => {}
        }
        match (old.content, new.content) {
            (Some(old), Some(new)) => self.shape(old, new),
            (None, None) => {}
            (None, Some(new)) => self.note(format!("had no content and has {}", Text(new)), BOTH),
            (Some(old), None) => self.note(format!("had {} and has no content", Text(old)), BOTH),
        }
    }
}

/// The flattened parts of a struct, and its own fields.
fn split(fields: &[Field]) -> (Vec<&Field>, Vec<&Field>) {
    fields.iter().partition(|field| field.presence == Presence::Flattened)
}

/// What a change from one scalar to another does to old and to new data.
fn scalars(old: Scalar, new: Scalar) -> (Effect, Effect) {
    use Scalar::{Any, Char, F32, F64, Text, Timestamp, Uuid};
    if let (Some(old), Some(new)) = (old.integer(), new.integer()) {
        return integers(old, new);
    }
    match (old, new) {
        (_, Any) => GROWS,
        (Any, _) => SHRINKS,
        (F32, F64) => (Effect::Reads, Effect::Corrupts),
        (F64, F32) => (Effect::Corrupts, Effect::Reads),
        (Char | Uuid | Timestamp, Text) => GROWS,
        (Text, Char | Uuid | Timestamp) => SHRINKS,
        // The mantissa holds so many bits; a larger number is rounded.
        (old, F32 | F64) if old.integer().is_some() => {
            let mantissa = if new == F64 { 53 } else { 24 };
            let fits = old.integer().is_some_and(|(bits, _)| bits <= mantissa);
            (if fits { Effect::Reads } else { Effect::Corrupts }, Effect::Fails)
        }
        (F32 | F64, new) if new.integer().is_some() => BOTH,
        _ => BOTH,
    }
}

fn integers((bits, signed): (u32, bool), (new_bits, new_signed): (u32, bool)) -> (Effect, Effect) {
    let magnitude = |bits: u32, signed: bool| bits - u32::from(signed);
    let into = |from: (u32, bool), to: (u32, bool)| {
        let fits = magnitude(from.0, from.1) <= magnitude(to.0, to.1) && (!from.1 || to.1);
        if fits { Effect::Reads } else { Effect::Fails }
    };
    (into((bits, signed), (new_bits, new_signed)), into((new_bits, new_signed), (bits, signed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Effect::{Corrupts, Fails, Reads};

    const TEXT: Shape = Shape::Scalar(Scalar::Text);
    const U32: Shape = Shape::Scalar(Scalar::U32);
    const U64: Shape = Shape::Scalar(Scalar::U64);
    const I64: Shape = Shape::Scalar(Scalar::I64);
    const OPTIONAL: Shape = Shape::Optional(&TEXT);

    /// The one change between two shapes in the notation of the lock file.
    fn change(old: &str, new: &str) -> (String, Effect, Effect) {
        let shape = |text: &str| crate::parse(text).expect("it is a shape");
        let Comparison { mut changes } = compare(shape(old), shape(new));
        let change = changes.pop().expect("there is a change");
        assert_eq!(changes, [], "there is one change");
        (format!("{} {}", change.path, change.what), change.backward, change.forward)
    }

    #[test]
    fn what_a_change_breaks_is_known_before_it_is_made() {
        for (old, new, what, backward, forward) in [
            ("a: text", "a: text\nb: optional text", "b is new, and may be missing", Reads, Reads),
            ("a: text", "a: text\nb default: u8", "b is new, and may be missing", Reads, Reads),
            ("a: text", "a: text\nb: u8", "b is new, and old data does not have it", Fails, Reads),
            ("a: text\nb: u8", "a: text", "b is gone", Reads, Fails),
            ("a: text\nb: optional u8", "a: text", "b is gone", Reads, Reads),
            ("a: text", "b alias a: text", "b was `a`, which is still read", Reads, Fails),
            ("a: u32", "a: u64", "a was u32 and is u64", Reads, Fails),
            ("a: u64", "a: u32", "a was u64 and is u32", Fails, Reads),
            ("a: u64", "a: i64", "a was u64 and is i64", Fails, Fails),
            ("a: i64", "a: f64", "a was i64 and is f64", Corrupts, Fails),
            ("a: i32", "a: f64", "a was i32 and is f64", Reads, Fails),
            ("a: f64", "a: f32", "a was f64 and is f32", Corrupts, Reads),
            ("a: i64", "a: text", "a was i64 and is text", Fails, Fails),
            ("a: text", "a: list of text", "a was text and is list of text", Fails, Fails),
            ("a: text", "a: optional text", "a has become optional", Reads, Fails),
            ("a: optional text", "a: text", "a is no longer optional", Fails, Reads),
            (
                "a: list of u8",
                "a: set of u8",
                "a was a list and is a set, which drops repeated \
              values",
                Corrupts,
                Reads,
            ),
            ("a: list of u8", "a: list of u16", "a.[] was u8 and is u16", Reads, Fails),
            (
                "a: map from text to u8",
                "a: map from text to u16",
                "a.value was u8 and is u16",
                Reads,
                Fails,
            ),
            ("a: enum\n  A", "a: enum\n  A\n  B", "a.B is a new variant", Reads, Fails),
            ("a: enum\n  A\n  B", "a: enum\n  A", "a.B is gone", Fails, Reads),
            ("a: enum\n  A other\n  B", "a: enum\n  A other", "a.B is gone", Corrupts, Reads),
            (
                "a: enum\n  A",
                "a: enum by t\n  A",
                "a was an enum and is an enum by t",
                Fails,
                Fails,
            ),
            ("a: struct\n  b: u8", "a: struct\n  b: bool", "a.b was u8 and is bool", Fails, Fails),
            (
                "a: struct\n  b: u8",
                "a: closed struct\n  b: u8",
                "a refuses unknown fields now",
                Fails,
                Reads,
            ),
            ("a default: u8", "a: u8", "a has no default any more", Fails, Reads),
            ("a alias b: u8", "a: u8", "a is no longer read from `b`", Fails, Reads),
            ("a: opaque \"x\"", "a: opaque \"y\"", "a was \"x\" and is \"y\"", Fails, Fails),
            ("a: array of 2 u8", "a: array of 3 u8", "a had 2 values and has 3", Fails, Fails),
            ("a: u8", "a: any", "a was u8 and is any", Reads, Fails),
        ] {
            assert_eq!(change(old, new), (what.to_owned(), backward, forward), "{old} to {new}");
        }
    }

    #[test]
    fn a_rename_that_nobody_would_notice_is_called_corrupting() {
        let shape = |name| {
            let fields: &'static [Field] = Vec::leak(vec![Field::new(name, &OPTIONAL)]);
            Shape::fields(fields)
        };
        let comparison = compare(&shape("note"), &shape("remark"));
        assert!(comparison.corrupts());
        assert_eq!(comparison.compatibility(), Compatibility::None);
        assert!(comparison.changes[0].what.contains("#[serde(alias = \"note\")]"));
    }

    #[test]
    fn equal_shapes_have_no_changes() {
        const SHAPE: Shape =
            Shape::fields(&[Field::new("a", &Shape::Map(&U32, &Shape::Tuple(&[&U64, &I64])))]);
        assert_eq!(compare(&SHAPE, &SHAPE), Comparison::default());
        assert_eq!(compare(&SHAPE, &SHAPE).compatibility(), Compatibility::Full);
    }
}
