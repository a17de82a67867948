//! A shape as lines of text, and short words for it.
//!
//! ```text
//! cents: i64
//! note: optional text
//! owner: struct
//!   name: text
//! kind: enum
//!   Cash
//!   Card: struct
//!     number: text
//! ```

use std::fmt::{self, Write};

use crate::shape::{Field, Presence, Shape, Tagging, Variant};

/// Spaces by which what belongs to a line stands behind it.
pub(crate) const INDENT: usize = 2;

/// A shape, described by [`fmt::Display`] in one line of words.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a Shape);

/// The lines of a struct's fields, or of another shape as one line, each
/// behind so many spaces.
#[must_use]
pub fn render(shape: &Shape, indent: usize) -> String {
    let mut out = Lines { text: String::new() };
    match shape {
        Shape::Struct { fields, closed: false } => out.fields(fields, indent),
        other => out.line(indent, "is", &[], other),
    }
    out.text
}

struct Lines {
    text: String,
}

impl Lines {
    fn fields(&mut self, fields: &[Field], indent: usize) {
        let mut sorted: Vec<&Field> = fields.iter().collect();
        sorted.sort_by_key(|field| field.name);
        for field in sorted {
            let mut label = match field.presence {
                Presence::Flattened => "..".to_owned(),
                _ => name(field.name),
            };
            if field.presence == Presence::Defaulted {
                label.push_str(" default");
            }
            self.line(indent, &label, field.aliases, field.shape);
        }
    }

    fn variants(&mut self, tagging: Tagging, variants: &[Variant], indent: usize) {
        let mut sorted: Vec<&Variant> = variants.iter().collect();
        // Without a tag the order decides which one is read.
        if tagging != Tagging::Untagged {
            sorted.sort_by_key(|variant| variant.name);
        }
        for variant in sorted {
            let mut label = name(variant.name);
            if variant.other {
                label.push_str(" other");
            }
            match variant.content {
                Some(content) => self.line(indent, &label, variant.aliases, content),
                None => {
                    self.label(indent, &label, variant.aliases);
                    self.text.push('\n');
                }
            }
        }
    }

    fn label(&mut self, indent: usize, label: &str, aliases: &[&str]) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.text.push_str(label);
        let mut sorted = aliases.to_vec();
        sorted.sort_unstable();
        for alias in sorted {
            self.text.push_str(" alias ");
            self.text.push_str(&name(alias));
        }
    }

    fn line(&mut self, indent: usize, label: &str, aliases: &[&str], shape: &Shape) {
        self.label(indent, label, aliases);
        writeln!(self.text, ": {}", Text(shape)).expect("a string takes everything");
        self.parts(shape, indent + INDENT);
    }

    /// What stands below the line of a shape.
    fn parts(&mut self, shape: &Shape, indent: usize) {
        match shape {
            Shape::Optional(inner)
            | Shape::List(inner)
            | Shape::Set(inner)
            | Shape::Array(_, inner) => self.parts(inner, indent),
            Shape::Map(Shape::Scalar(_), value) => self.parts(value, indent),
            Shape::Map(key, value) => {
                self.line(indent, "key", &[], key);
                self.line(indent, "value", &[], value);
            }
            Shape::Tuple(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    self.line(indent, &index.to_string(), &[], part);
                }
            }
            Shape::Struct { fields, .. } => self.fields(fields, indent),
            Shape::Enum { tagging, variants } => self.variants(*tagging, variants, indent),
            Shape::Scalar(_) | Shape::Opaque { .. } | Shape::Above(_) => {}
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Shape::Scalar(scalar) => f.write_str(scalar.word()),
            Shape::Optional(inner) => write!(f, "optional {}", Text(inner)),
            Shape::List(inner) => write!(f, "list of {}", Text(inner)),
            Shape::Set(inner) => write!(f, "set of {}", Text(inner)),
            Shape::Array(length, inner) => write!(f, "array of {length} {}", Text(inner)),
            Shape::Map(Shape::Scalar(key), value) => {
                write!(f, "map from {} to {}", key.word(), Text(value))
            }
            Shape::Map(..) => f.write_str("map"),
            Shape::Tuple(_) => f.write_str("tuple"),
            Shape::Struct { closed: false, .. } => f.write_str("struct"),
            Shape::Struct { closed: true, .. } => f.write_str("closed struct"),
            Shape::Enum { tagging, .. } => tagging.fmt(f),
            Shape::Opaque { description, .. } => write!(f, "opaque {}", quoted(description)),
            Shape::Above(levels) => write!(f, "above {levels}"),
        }
    }
}

impl fmt::Display for Tagging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External => f.write_str("enum"),
            Self::Internal { tag } => write!(f, "enum by {}", name(tag)),
            Self::Adjacent { tag, content } => {
                write!(f, "enum by {} in {}", name(tag), name(content))
            }
            Self::Untagged => f.write_str("enum without tag"),
        }
    }
}

/// Words of the notation, which a name may not be taken for.
const WORDS: [&str; 4] = ["default", "alias", "other", "is"];

/// A name, in quotes unless it is one plain word.
fn name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_plain = !name.is_empty()
        && name.chars().all(plain)
        && !WORDS.contains(&name)
        && !name.starts_with('.');
    if is_plain { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a string takes everything");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
