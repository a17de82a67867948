//! Whether a value has a shape.

use std::fmt;

use serde_json::{Map, Value};

use super::{Field, Presence, Scalar, Shape, Tagging, Variant};

/// A value is not what its shape says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    path: Vec<String>,
    problem: String,
}

impl Mismatch {
    fn new(problem: impl fmt::Display) -> Self {
        Self { path: Vec::new(), problem: problem.to_string() }
    }

    fn inside(mut self, name: impl fmt::Display) -> Self {
        self.path.insert(0, name.to_string());
        self
    }

    /// Where, as names joined by points; empty for the whole.
    #[must_use]
    pub fn path(&self) -> String {
        self.path.join(".")
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}` ", self.path())?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Mismatch {}

/// Looks whether a value, as JSON holds it, has a shape.
///
/// # Errors
///
/// [`Mismatch`] with the place of the first part that has not.
pub fn check(shape: &Shape, value: &Value) -> Result<(), Mismatch> {
    Checker { above: Vec::new() }.shape(shape, value)
}

#[derive(Clone)]
struct Checker<'a> {
    /// The structs and enums around the present place.
    above: Vec<&'a Shape>,
}

impl<'a> Checker<'a> {
    fn shape(&self, shape: &'a Shape, value: &Value) -> Result<(), Mismatch> {
        match shape {
            Shape::Scalar(scalar) => of_scalar(*scalar, value),
            Shape::Optional(_) if value.is_null() => Ok(()),
            Shape::Optional(inner) => self.shape(inner, value),
            Shape::List(inner) | Shape::Set(inner) => self.items(inner, list(value)?),
            Shape::Array(length, inner) => {
                let items = list(value)?;
                if items.len() != *length {
                    return Err(Mismatch::new(format_args!(
                        "has {} values instead of {length}",
                        items.len()
                    )));
                }
                self.items(inner, items)
            }
            Shape::Map(_, inner) => object(value)?.iter().try_for_each(|(key, value)| {
                self.shape(inner, value).map_err(|mismatch| mismatch.inside(key))
            }),
            Shape::Tuple(parts) => {
                let items = list(value)?;
                if items.len() != parts.len() {
                    return Err(Mismatch::new(format_args!(
                        "has {} parts instead of {}",
                        items.len(),
                        parts.len()
                    )));
                }
                parts.iter().zip(items).enumerate().try_for_each(|(at, (part, value))| {
                    self.shape(part, value).map_err(|mismatch| mismatch.inside(at))
                })
            }
            Shape::Struct { fields, closed } => self.within(shape).fields(fields, *closed, value),
            Shape::Enum { tagging, variants } => {
                self.within(shape).variants(*tagging, variants, value)
            }
            Shape::Above(levels) => {
                let at = self.above.len().saturating_sub(1 + *levels as usize);
                let Some(up) = self.above.get(at) else { return Ok(()) };
                Self { above: self.above[..at].to_vec() }.shape(up, value)
            }
            _ => Ok(()),
        }
    }

    fn within(&self, shape: &'a Shape) -> Self {
        let mut inner = self.clone();
        inner.above.push(shape);
        inner
    }

    fn items(&self, shape: &'a Shape, items: &[Value]) -> Result<(), Mismatch> {
        items.iter().enumerate().try_for_each(|(at, value)| {
            self.shape(shape, value).map_err(|mismatch| mismatch.inside(format_args!("[{at}]")))
        })
    }

    fn fields(&self, fields: &'a [Field], closed: bool, value: &Value) -> Result<(), Mismatch> {
        let object = object(value)?;
        for field in fields {
            if field.presence == Presence::Flattened {
                self.shape(field.shape, value)?;
                continue;
            }
            let names = || std::iter::once(&field.name).chain(field.aliases);
            let found = names().find_map(|name| object.get(*name));
            let may_be_missing =
                field.presence == Presence::Defaulted || matches!(field.shape, Shape::Optional(_));
            match found {
                Some(part) => {
                    self.shape(field.shape, part).map_err(|mismatch| mismatch.inside(field.name))?
                }
                None if may_be_missing => {}
                None => return Err(Mismatch::new("is missing").inside(field.name)),
            }
        }
        let has_parts = fields.iter().any(|field| field.presence == Presence::Flattened);
        let is_known = |name: &str| {
            fields.iter().any(|field| field.name == name || field.aliases.contains(&name))
        };
        match object.keys().find(|name| closed && !has_parts && !is_known(name)) {
            Some(name) => Err(Mismatch::new("is unknown").inside(name)),
            None => Ok(()),
        }
    }

    fn variants(
        &self,
        tagging: Tagging,
        variants: &'a [Variant],
        value: &Value,
    ) -> Result<(), Mismatch> {
        if tagging == Tagging::Untagged {
            let fits = |variant: &Variant| match variant.content {
                None => value.is_null(),
                Some(content) => self.shape(content, value).is_ok(),
            };
            let any = variants.iter().any(fits);
            return if any { Ok(()) } else { Err(Mismatch::new("fits no variant")) };
        }
        let (name, content) = told(tagging, value)?;
        let variant = variants
            .iter()
            .find(|one| one.name == name || one.aliases.contains(&name))
            .or_else(|| variants.iter().find(|one| one.other));
        let unknown = || Mismatch::new(format_args!("is `{name}`, which is no variant"));
        let variant = variant.ok_or_else(unknown)?;
        match (variant.content, content) {
            (Some(shape), Some(content)) => {
                self.shape(shape, content).map_err(|mismatch| mismatch.inside(variant.name))
            }
            (Some(shape), None) if !matches!(shape, Shape::Optional(_)) => {
                Err(Mismatch::new("has no content").inside(variant.name))
            }
            _ => Ok(()),
        }
    }
}

/// The name of a variant and its content.
fn told(tagging: Tagging, value: &Value) -> Result<(&str, Option<&Value>), Mismatch> {
    let tagged = |tag: &str| -> Result<&str, Mismatch> {
        let found =
            object(value)?.get(tag).ok_or_else(|| Mismatch::new("is missing").inside(tag))?;
        found.as_str().ok_or_else(|| Mismatch::new("is no text").inside(tag))
    };
    match tagging {
        Tagging::Internal { tag } => Ok((tagged(tag)?, Some(value))),
        Tagging::Adjacent { tag, content } => Ok((tagged(tag)?, value.get(content))),
        _ => match value {
            Value::String(name) => Ok((name, None)),
            Value::Object(object) => match object.iter().next() {
                Some((name, content)) if object.len() == 1 => Ok((name, Some(content))),
                _ => Err(Mismatch::new("is no variant")),
            },
            other => Err(Mismatch::new(format_args!("is {other}, and no variant"))),
        },
    }
}

fn list(value: &Value) -> Result<&[Value], Mismatch> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| Mismatch::new("is no list"))
}

fn object(value: &Value) -> Result<&Map<String, Value>, Mismatch> {
    value.as_object().ok_or_else(|| Mismatch::new("has no fields"))
}

fn of_scalar(scalar: Scalar, value: &Value) -> Result<(), Mismatch> {
    let whole = |low: i128, high: i128| {
        let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        number.is_some_and(|number| (low..=high).contains(&number))
    };
    let fits = match scalar {
        Scalar::Unit => value.is_null(),
        Scalar::Bool => value.is_boolean(),
        Scalar::I8 => whole(i8::MIN.into(), i8::MAX.into()),
        Scalar::I16 => whole(i16::MIN.into(), i16::MAX.into()),
        Scalar::I32 => whole(i32::MIN.into(), i32::MAX.into()),
        Scalar::I64 => whole(i64::MIN.into(), i64::MAX.into()),
        Scalar::U8 => whole(0, u8::MAX.into()),
        Scalar::U16 => whole(0, u16::MAX.into()),
        Scalar::U32 => whole(0, u32::MAX.into()),
        Scalar::U64 => whole(0, u64::MAX.into()),
        // Beyond 64 bits JSON's numbers are approximate here.
        Scalar::I128 | Scalar::U128 | Scalar::F32 | Scalar::F64 => value.is_number(),
        Scalar::Char => value.as_str().is_some_and(|text| text.chars().count() == 1),
        Scalar::Text => value.is_string(),
        Scalar::Uuid => value.as_str().is_some_and(|text| uuid::Uuid::try_parse(text).is_ok()),
        Scalar::Timestamp => {
            value.as_str().is_some_and(|text| text.parse::<crate::Timestamp>().is_ok())
        }
        Scalar::Bytes => value.is_array() || value.is_string(),
        _ => true,
    };
    if fits { Ok(()) } else { Err(Mismatch::new(format_args!("is no {}", scalar.word()))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::parse;
    use serde_json::json;

    fn mismatch(shape: &str, value: &Value) -> Option<String> {
        let shape = parse(shape).expect("it is a shape");
        check(shape, value).err().map(|mismatch| mismatch.to_string())
    }

    #[test]
    fn the_place_of_a_mismatch_is_named() {
        let shape = "a: list of struct\n  b: u8\n  c: optional text\nd default: bool\n";
        for (value, expected) in [
            (json!({ "a": [{ "b": 1 }] }), None),
            (json!({ "a": [{ "b": 1, "c": null, "e": 1 }], "d": true }), None),
            (json!({ "a": [{ "b": 1 }, { "b": 256 }] }), Some("`a.[1].b` is no u8")),
            (json!({ "a": [{ "c": "x" }] }), Some("`a.[0].b` is missing")),
            (json!({ "a": [{ "b": 1, "c": 2 }] }), Some("`a.[0].c` is no text")),
            (json!({ "a": {} }), Some("`a` is no list")),
            (json!({ "a": [], "d": 1 }), Some("`d` is no bool")),
            (json!([]), Some("has no fields")),
        ] {
            assert_eq!(mismatch(shape, &value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn enums_are_looked_into_however_they_are_told() {
        let shape = |tagging: &str| format!("is: {tagging}\n  A\n  B: struct\n    x: i8\n");
        for (tagging, value, expected) in [
            ("enum", json!("A"), None),
            ("enum", json!({ "B": { "x": 1 } }), None),
            ("enum", json!({ "B": { "x": "" } }), Some("`B.x` is no i8")),
            ("enum", json!("C"), Some("is `C`, which is no variant")),
            ("enum", json!("B"), Some("`B` has no content")),
            ("enum", json!(1), Some("is 1, and no variant")),
            ("enum by t", json!({ "t": "B", "x": 1 }), None),
            ("enum by t", json!({ "x": 1 }), Some("`t` is missing")),
            ("enum by t in c", json!({ "t": "B", "c": { "x": 200 } }), Some("`B.x` is no i8")),
            ("enum without tag", json!({ "x": 1 }), None),
            ("enum without tag", json!(true), Some("fits no variant")),
        ] {
            assert_eq!(mismatch(&shape(tagging), &value).as_deref(), expected, "{tagging} {value}");
        }
    }

    #[test]
    fn a_shape_that_holds_itself_is_followed() {
        let shape = "root: struct\n  kids: list of above 0\n  size: u8\n";
        let value = json!({ "root": { "size": 1, "kids": [{ "size": 2, "kids": [] }] } });
        assert_eq!(mismatch(shape, &value), None);
        let value = json!({ "root": { "size": 1, "kids": [{ "size": -2, "kids": [] }] } });
        assert_eq!(mismatch(shape, &value).as_deref(), Some("`root.kids.[0].size` is no u8"));
    }

    #[test]
    fn a_closed_struct_knows_its_fields() {
        let shape = "a: closed struct\n  b alias c: u8\n";
        assert_eq!(mismatch(shape, &json!({ "a": { "c": 1 } })), None);
        let text = mismatch(shape, &json!({ "a": { "b": 1, "d": 1 } }));
        assert_eq!(text.as_deref(), Some("`a.d` is unknown"));
    }
}
