//! The comparison with the lock file while compiling.
//!
//! A derive reads the file and writes down what it records as literals. The
//! compiler compares a number; only when that differs are the fields looked
//! at, to name the one that has changed.

use cqrs_schema::field_fingerprint;

use super::{Field, Presence, Scalar, Shape, fingerprint};

/// What the lock file records of one version of an event type.
#[derive(Clone, Copy, Debug)]
pub struct Locked {
    /// The stored name.
    pub name: &'static str,
    /// The version.
    pub version: u32,
    /// The fingerprint of the recorded shape.
    pub fingerprint: u64,
    /// Its fields.
    pub fields: &'static [RecordedField],
}

/// What the lock file records of one field.
#[derive(Clone, Copy, Debug)]
pub struct RecordedField {
    /// Its name.
    pub name: &'static str,
    /// Its part of the fingerprint of the struct.
    pub fingerprint: u64,
    /// Its shape in a few words.
    pub words: &'static str,
}

impl Locked {
    /// Refuses to compile when the shape of the current version is another.
    #[track_caller]
    pub const fn holds(&self, shape: &Shape) {
        if fingerprint(shape) != self.fingerprint {
            let mut message = Message::new();
            message.text("the stored shape of event `").text(self.name).text("` version ");
            message.number(self.version).text(" has changed: ");
            message.difference(self, shape);
            message
                .text("\nhelp: give it `version = ")
                .number(self.version + 1)
                .text("` and `upcast(")
                .number(self.version)
                .text(
                    " => function)`; `CQRS_SCHEMA=diff cargo test schema_lock` says what breaks \
                     and writes the function\nhelp: a change that old events survive needs no \
                     version: `CQRS_SCHEMA=accept cargo test schema_lock` [CQ801]",
                );
            panic!("{}", message.as_str());
        }
    }

    /// Refuses to compile when the type for an old version is another than
    /// what was stored.
    #[track_caller]
    pub const fn held(&self, shape: Option<&Shape>) {
        if let Some(shape) = shape
            && fingerprint(shape) != self.fingerprint
        {
            let mut message = Message::new();
            message.text("this is not what version ").number(self.version).text(" of event `");
            message.text(self.name).text("` looked like: ");
            message.difference(self, shape);
            message.text(
                "\nhelp: the type for an old version stays as it was; what has changed since \
                 belongs into the step to the next version [CQ802]",
            );
            panic!("{}", message.as_str());
        }
    }
}

/// A text that is put together while compiling.
struct Message {
    bytes: [u8; Self::ROOM],
    used: usize,
}

impl Message {
    const ROOM: usize = 2048;

    const fn new() -> Self {
        Self { bytes: [0; Self::ROOM], used: 0 }
    }

    /// Adds a text, as far as there is room for the whole of it.
    const fn text(&mut self, text: &str) -> &mut Self {
        let text = text.as_bytes();
        if self.used + text.len() <= Self::ROOM {
            let mut at = 0;
            while at < text.len() {
                self.bytes[self.used] = text[at];
                self.used += 1;
                at += 1;
            }
        }
        self
    }

    const fn number(&mut self, number: u32) -> &mut Self {
        if number >= 10 {
            self.number(number / 10);
        }
        let digit = [b'0' + (number % 10) as u8];
        match std::str::from_utf8(&digit) {
            Ok(digit) => self.text(digit),
            Err(_) => self,
        }
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.used).0) {
            Ok(text) => text,
            Err(_) => "the stored shape has changed",
        }
    }

    /// The first field that is another than the recorded one.
    const fn difference(&mut self, locked: &Locked, shape: &Shape) {
        let Some(fields) = shape.as_fields() else {
            self.text("it has no fields any more");
            return;
        };
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            match recorded(locked.fields, field.name) {
                None => {
                    self.text("field `").text(field.name).text("` is new");
                    return;
                }
                Some(before) if before.fingerprint != field_fingerprint(field) => {
                    self.text("field `").text(field.name).text("` was `").text(before.words);
                    self.text("` and is ");
                    self.kind(field, before.words);
                    return;
                }
                Some(_) => {}
            }
            at += 1;
        }
        let mut at = 0;
        while at < locked.fields.len() {
            let name = locked.fields[at].name;
            if !has(fields, name) {
                self.text("field `").text(name).text("` is gone");
                return;
            }
            at += 1;
        }
        self.text("it takes other unknown fields");
    }

    /// What a field is now, in the words of the lock file as far as they are
    /// few.
    const fn kind(&mut self, field: &Field, before: &str) {
        let word = match field.shape {
            Shape::Scalar(scalar) => Scalar::word(*scalar),
            Shape::Optional(Shape::Scalar(scalar)) => {
                self.text("`optional ").text(Scalar::word(*scalar)).text("`");
                return;
            }
            Shape::List(Shape::Scalar(scalar)) => {
                self.text("`list of ").text(Scalar::word(*scalar)).text("`");
                return;
            }
            _ => "",
        };
        if word.is_empty() || equal(word, before) {
            self.text("another");
            if matches!(field.presence, Presence::Required) {
                self.text(" inside");
            } else {
                self.text(" one");
            }
        } else {
            self.text("`").text(word).text("`");
        }
    }
}

const fn recorded<'a>(fields: &'a [RecordedField], name: &str) -> Option<&'a RecordedField> {
    let mut at = 0;
    while at < fields.len() {
        if equal(fields[at].name, name) {
            return Some(&fields[at]);
        }
        at += 1;
    }
    None
}

const fn has(fields: &[Field], name: &str) -> bool {
    let mut at = 0;
    while at < fields.len() {
        if equal(fields[at].name, name) {
            return true;
        }
        at += 1;
    }
    false
}

const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
