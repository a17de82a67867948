//! Shapes as JSON Schema, draft 2020-12.

use serde_json::{Map, Value, json};

use super::{Field, Presence, Scalar, Shape, Tagging, Variant};

/// The JSON Schema (draft 2020-12) of a stored shape.
///
/// Integers carry their bounds, so that other programs refuse what could not
/// be read here.
#[must_use]
pub fn json_schema(title: &str, shape: &Shape) -> Value {
    let mut schema = Writer { above: Vec::new() }.shape(shape, "#");
    let head = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!(title)),
    ];
    let all = schema.as_object_mut().expect("a schema is an object");
    all.extend(head.map(|(key, value)| (key.to_owned(), value)));
    schema
}

struct Writer {
    /// Where the structs and enums around the present place stand.
    above: Vec<String>,
}

impl Writer {
    fn shape(&mut self, shape: &Shape, at: &str) -> Value {
        match shape {
            Shape::Scalar(scalar) => of_scalar(*scalar),
            Shape::Optional(inner) => {
                let inner = self.shape(inner, &format!("{at}/anyOf/0"));
                json!({ "anyOf": [inner, { "type": "null" }] })
            }
            Shape::List(inner) => {
                json!({ "type": "array", "items": self.shape(inner, &format!("{at}/items")) })
            }
            Shape::Set(inner) => {
                let items = self.shape(inner, &format!("{at}/items"));
                json!({ "type": "array", "items": items, "uniqueItems": true })
            }
            Shape::Array(length, inner) => {
                let items = self.shape(inner, &format!("{at}/items"));
                json!({ "type": "array", "items": items, "minItems": length, "maxItems": length })
            }
            Shape::Map(_, value) => {
                let value = self.shape(value, &format!("{at}/additionalProperties"));
                json!({ "type": "object", "additionalProperties": value })
            }
            Shape::Tuple(parts) => {
                let items: Vec<Value> = parts
                    .iter()
                    .enumerate()
                    .map(|(index, part)| self.shape(part, &format!("{at}/prefixItems/{index}")))
                    .collect();
                json!({
                    "type": "array",
                    "prefixItems": items,
                    "minItems": parts.len(),
                    "maxItems": parts.len(),
                })
            }
            Shape::Struct { fields, closed } => {
                self.above.push(at.to_owned());
                let object = self.object(fields, *closed, at);
                self.above.pop();
                object
            }
            Shape::Enum { tagging, variants } => {
                self.above.push(at.to_owned());
                let key = if *tagging == Tagging::Untagged { "anyOf" } else { "oneOf" };
                let variants: Vec<Value> = variants
                    .iter()
                    .enumerate()
                    .map(|(index, one)| self.variant(*tagging, one, &format!("{at}/{key}/{index}")))
                    .collect();
                self.above.pop();
                json!({ key: variants })
            }
            Shape::Opaque { description, .. } => json!({ "description": description }),
            Shape::Above(levels) => {
                let up = self.above.iter().rev().nth(*levels as usize);
                json!({ "$ref": up.map_or("#", String::as_str) })
            }
            _ => json!({}),
        }
    }

    fn object(&mut self, fields: &[Field], closed: bool, at: &str) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let mut parts = Vec::new();
        for field in fields {
            if field.presence == Presence::Flattened {
                let at = format!("{at}/allOf/{}", parts.len());
                parts.push(self.shape(field.shape, &at));
                continue;
            }
            let name = field.name;
            let at = format!("{at}/properties/{}", name.replace('~', "~0").replace('/', "~1"));
            properties.insert(name.to_owned(), self.shape(field.shape, &at));
            if field.presence == Presence::Required && !matches!(field.shape, Shape::Optional(_)) {
                required.push(name);
            }
        }
        let mut object = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        if !parts.is_empty() {
            object["allOf"] = json!(parts);
        }
        if closed {
            object["additionalProperties"] = json!(false);
        }
        object
    }

    fn variant(&mut self, tagging: Tagging, variant: &Variant, at: &str) -> Value {
        let name = variant.name;
        match (tagging, variant.content) {
            (Tagging::Untagged, None) => json!({ "type": "null" }),
            (Tagging::Untagged, Some(content)) => self.shape(content, at),
            (Tagging::External, None) => json!({ "const": name }),
            (Tagging::External, Some(content)) => {
                let content = self.shape(content, &format!("{at}/properties/{name}"));
                json!({ "type": "object", "properties": { name: content }, "required": [name] })
            }
            (Tagging::Internal { tag }, content) => {
                let told = json!({ "properties": { tag: { "const": name } }, "required": [tag] });
                match content {
                    None => told,
                    Some(content) => {
                        json!({ "allOf": [told, self.shape(content, &format!("{at}/allOf/1"))] })
                    }
                }
            }
            (Tagging::Adjacent { tag, .. }, None) => {
                json!({ "properties": { tag: { "const": name } }, "required": [tag] })
            }
            (Tagging::Adjacent { tag, content: key }, Some(content)) => {
                let content = self.shape(content, &format!("{at}/properties/{key}"));
                json!({
                    "properties": { tag: { "const": name }, key: content },
                    "required": [tag, key],
                })
            }
            _ => json!({}),
        }
    }
}

fn of_scalar(scalar: Scalar) -> Value {
    let integer =
        |low: Value, high: Value| json!({ "type": "integer", "minimum": low, "maximum": high });
    match scalar {
        Scalar::Unit => json!({ "type": "null" }),
        Scalar::Bool => json!({ "type": "boolean" }),
        Scalar::I8 => integer(json!(i8::MIN), json!(i8::MAX)),
        Scalar::I16 => integer(json!(i16::MIN), json!(i16::MAX)),
        Scalar::I32 => integer(json!(i32::MIN), json!(i32::MAX)),
        Scalar::I64 => integer(json!(i64::MIN), json!(i64::MAX)),
        Scalar::U8 => integer(json!(0), json!(u8::MAX)),
        Scalar::U16 => integer(json!(0), json!(u16::MAX)),
        Scalar::U32 => integer(json!(0), json!(u32::MAX)),
        Scalar::U64 => integer(json!(0), json!(u64::MAX)),
        Scalar::I128 => json!({ "type": "integer" }),
        Scalar::U128 => json!({ "type": "integer", "minimum": 0 }),
        Scalar::F32 | Scalar::F64 => json!({ "type": "number" }),
        Scalar::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
        Scalar::Text => json!({ "type": "string" }),
        Scalar::Bytes => json!({ "type": "array", "items": of_scalar(Scalar::U8) }),
        Scalar::Uuid => json!({ "type": "string", "format": "uuid" }),
        Scalar::Timestamp => json!({ "type": "string", "format": "date-time" }),
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::parse;

    #[test]
    fn a_shape_that_holds_itself_refers_to_where_it_stands() {
        let shape = parse(
            "note default: optional text\nroot: struct\n  kids: list of above 0\n  size: u8\n",
        );
        let schema = json_schema("tree", shape.expect("it is a shape"));
        assert_eq!(
            schema,
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "tree",
                "type": "object",
                "required": ["root"],
                "properties": {
                    "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
                    "root": {
                        "type": "object",
                        "required": ["kids", "size"],
                        "properties": {
                            "kids": {
                                "type": "array",
                                "items": { "$ref": "#/properties/root" },
                            },
                            "size": { "type": "integer", "minimum": 0, "maximum": 255 },
                        },
                    },
                },
            })
        );
    }

    #[test]
    fn each_way_of_telling_a_variant_has_its_form() {
        let of = |tagging: &str| {
            let text = format!("is: {tagging}\n  A\n  B: struct\n    x: bool\n");
            json_schema("", parse(&text).expect("it is a shape"))
        };
        let content = json!({
            "type": "object",
            "properties": { "x": { "type": "boolean" } },
            "required": ["x"],
        });
        assert_eq!(of("enum")["oneOf"][0], json!({ "const": "A" }));
        assert_eq!(of("enum")["oneOf"][1]["properties"]["B"], content);
        assert_eq!(of("enum by t")["oneOf"][1]["allOf"][1], content);
        assert_eq!(of("enum by t in c")["oneOf"][1]["properties"]["c"], content);
        assert_eq!(of("enum without tag")["anyOf"], json!([{ "type": "null" }, content]));
    }
}
