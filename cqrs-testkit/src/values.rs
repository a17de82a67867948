//! Values made up from a shape, as JSON: for samples and for laws.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use cqrs_core::Timestamp;
use cqrs_core::schema::{Field, Presence, Scalar, Schema, Shape, Tagging, Variant};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

type Values = BoxedStrategy<Value>;

/// Levels to which a shape that holds itself is unfolded.
const UNFOLDED: u32 = 3;
/// Parts that a list, set or map has at most.
const PARTS: usize = 3;

/// A shape of which no values can be made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoValues {
    /// What its author says of it.
    pub(crate) description: String,
}

/// Values of a shape.
pub(crate) fn values(shape: &'static Shape) -> Result<Values, NoValues> {
    Maker { above: Vec::new(), left: UNFOLDED }.shape(shape)
}

#[derive(Clone)]
struct Maker {
    /// The structs and enums around the present place.
    above: Vec<&'static Shape>,
    /// How often a shape may still hold itself.
    left: u32,
}

impl Maker {
    fn inside(&self, shape: &'static Shape) -> Self {
        let mut inner = self.clone();
        inner.above.push(shape);
        inner
    }

    fn shape(&self, shape: &'static Shape) -> Result<Values, NoValues> {
        // At the bottom of a shape that holds itself there is nothing more.
        let bottom = self.left == 0 && holds_above(shape);
        Ok(match shape {
            Shape::Scalar(scalar) => of_scalar(*scalar),
            Shape::Optional(_) if bottom => Just(Value::Null).boxed(),
            Shape::Optional(inner) => {
                prop_oneof![1 => Just(Value::Null), 3 => self.shape(inner)?].boxed()
            }
            Shape::List(_) | Shape::Set(_) if bottom => Just(json!([])).boxed(),
            Shape::List(inner) => list(self.shape(inner)?, 0, PARTS),
            Shape::Set(inner) => {
                list(self.shape(inner)?, 0, PARTS).prop_map(without_repeats).boxed()
            }
            Shape::Array(length, inner) => list(self.shape(inner)?, *length, *length),
            Shape::Map(..) if bottom => Just(json!({})).boxed(),
            Shape::Map(key, value) => {
                let entries = vec((self.shape(key)?, self.shape(value)?), 0..=PARTS);
                let object = |entries: Vec<(Value, Value)>| {
                    let entries = entries.into_iter().map(|(key, value)| (as_key(&key), value));
                    Value::Object(entries.collect())
                };
                entries.prop_map(object).boxed()
            }
            Shape::Tuple(parts) => {
                let parts: Vec<Values> =
                    parts.iter().map(|part| self.shape(part)).collect::<Result<_, _>>()?;
                parts.prop_map(Value::Array).boxed()
            }
            Shape::Struct { fields, .. } => self.inside(shape).fields(fields)?,
            Shape::Enum { tagging, variants } => self.inside(shape).variants(*tagging, variants)?,
            Shape::Opaque { description, sample } => {
                let sample = sample.and_then(|text| serde_json::from_str::<Value>(text).ok());
                let none = || NoValues { description: (*description).to_owned() };
                Just(sample.ok_or_else(none)?).boxed()
            }
            Shape::Above(levels) => {
                let at = self.above.len().saturating_sub(1 + *levels as usize);
                let Some(up) = self.above.get(at) else { return Ok(Just(Value::Null).boxed()) };
                let above = self.above.get(..at).unwrap_or_default().to_vec();
                Self { above, left: self.left.saturating_sub(1) }.shape(up)?
            }
            _ => Just(Value::Null).boxed(),
        })
    }

    fn fields(&self, fields: &'static [Field]) -> Result<Values, NoValues> {
        // The standard library's durations and times carry whole seconds over.
        if let [seconds, nanos] = fields
            && (is_fields(Duration::SHAPE, fields) || is_fields(SystemTime::SHAPE, fields))
        {
            let (seconds, nanos) = (seconds.name, nanos.name);
            let value = move |(whole, rest): (u32, u32)| json!({ seconds: whole, nanos: rest });
            return Ok((any::<u32>(), 0..1_000_000_000_u32).prop_map(value).boxed());
        }
        let parts: Vec<Values> =
            fields.iter().map(|field| self.shape(field.shape)).collect::<Result<_, _>>()?;
        let object = |values: Vec<Value>| {
            let mut object = Map::new();
            for (field, value) in fields.iter().zip(values) {
                match value {
                    Value::Object(inner) if field.presence == Presence::Flattened => {
                        object.extend(inner);
                    }
                    value => {
                        object.insert(field.name.to_owned(), value);
                    }
                }
            }
            Value::Object(object)
        };
        Ok(parts.prop_map(object).boxed())
    }

    fn variants(&self, tagging: Tagging, variants: &'static [Variant]) -> Result<Values, NoValues> {
        let is_left =
            |variant: &&Variant| self.left > 0 || !variant.content.is_some_and(holds_above);
        let mut made = Vec::new();
        for variant in variants.iter().filter(|variant| !variant.other).filter(is_left) {
            made.push(match variant.content {
                None => Just(told(tagging, variant.name, None)).boxed(),
                Some(content) => {
                    let content = self.shape(content)?;
                    content.prop_map(move |value| told(tagging, variant.name, Some(value))).boxed()
                }
            });
        }
        // A type without a variant has no values, and is in no event.
        if made.is_empty() {
            return Ok(Just(Value::Null).boxed());
        }
        Ok(proptest::strategy::Union::new(made).boxed())
    }
}

fn is_fields(shape: &Shape, fields: &[Field]) -> bool {
    shape.as_fields() == Some(fields)
}

/// The value of a variant, told as the enum tells it.
fn told(tagging: Tagging, name: &str, content: Option<Value>) -> Value {
    match (tagging, content) {
        (Tagging::Untagged, content) => content.unwrap_or_default(),
        (Tagging::External, None) => json!(name),
        (Tagging::External, Some(content)) => json!({ name: content }),
        (Tagging::Internal { tag }, content) => {
            let mut object = match content {
                Some(Value::Object(object)) => object,
                _ => Map::new(),
            };
            object.insert(tag.to_owned(), json!(name));
            Value::Object(object)
        }
        (Tagging::Adjacent { tag, .. }, None) => json!({ tag: name }),
        (Tagging::Adjacent { tag, content: key }, Some(content)) => {
            json!({ tag: name, key: content })
        }
        _ => Value::Null,
    }
}

/// Whether a part of the shape is one that stands above it.
fn holds_above(shape: &'static Shape) -> bool {
    fn reaches(shape: &'static Shape, levels: u32) -> bool {
        match shape {
            Shape::Above(up) => *up >= levels,
            Shape::Optional(inner)
            | Shape::List(inner)
            | Shape::Set(inner)
            | Shape::Array(_, inner) => reaches(inner, levels),
            Shape::Map(key, value) => reaches(key, levels) || reaches(value, levels),
            Shape::Tuple(parts) => parts.iter().any(|part| reaches(part, levels)),
            Shape::Struct { fields, .. } => {
                fields.iter().any(|field| reaches(field.shape, levels + 1))
            }
            Shape::Enum { variants, .. } => variants
                .iter()
                .any(|variant| variant.content.is_some_and(|inner| reaches(inner, levels + 1))),
            _ => false,
        }
    }
    reaches(shape, 0)
}

fn list(inner: Values, least: usize, most: usize) -> Values {
    vec(inner, least..=most).prop_map(Value::Array).boxed()
}

fn without_repeats(list: Value) -> Value {
    let Value::Array(items) = list else { return list };
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.to_string())).collect()
}

/// A key as JSON writes it.
fn as_key(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn of_scalar(scalar: Scalar) -> Values {
    /// Numbers of every size, and the ends of the range. The ends come last:
    /// a case is shrunk towards what stands first.
    macro_rules! integer {
        ($ty:ty) => {
            prop_oneof![
                3 => (0 as $ty..100).prop_map(Value::from),
                3 => any::<$ty>().prop_map(Value::from),
                2 => (any::<$ty>(), 0..<$ty>::BITS).prop_map(|(n, by)| Value::from(n >> by)),
                1 => Just(Value::from(<$ty>::MIN)),
                1 => Just(Value::from(<$ty>::MAX)),
            ]
            .boxed()
        };
    }
    match scalar {
        Scalar::Unit => Just(Value::Null).boxed(),
        Scalar::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Scalar::I8 => integer!(i8),
        Scalar::I16 => integer!(i16),
        Scalar::I32 => integer!(i32),
        // JSON's numbers end at 64 bits here.
        Scalar::I64 | Scalar::I128 => integer!(i64),
        Scalar::U8 => integer!(u8),
        Scalar::U16 => integer!(u16),
        Scalar::U32 => integer!(u32),
        Scalar::U64 | Scalar::U128 => integer!(u64),
        Scalar::F32 => proptest::num::f32::NORMAL.prop_map(|one| json!(one)).boxed(),
        Scalar::F64 => proptest::num::f64::NORMAL.prop_map(|one| json!(one)).boxed(),
        Scalar::Char => any::<char>().prop_map(|one| json!(one)).boxed(),
        Scalar::Text => prop_oneof![3 => "[a-z]{1,8}", 1 => "\\PC{0,4}", 1 => Just(String::new())]
            .prop_map(Value::from)
            .boxed(),
        Scalar::Bytes => vec(any::<u8>(), 0..4).prop_map(|bytes| json!(bytes)).boxed(),
        Scalar::Uuid => {
            any::<u128>().prop_map(|id| json!(uuid::Uuid::from_u128(id).to_string())).boxed()
        }
        Scalar::Timestamp => (0..4_102_444_800_000_000_i64)
            .prop_map(|micros| json!(Timestamp::from_micros(micros)))
            .boxed(),
        Scalar::Any => prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,6}".prop_map(Value::from),
            Just(json!({ "a": [1, null] })),
        ]
        .boxed(),
        _ => Just(Value::Null).boxed(),
    }
}
