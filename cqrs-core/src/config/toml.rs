//! TOML with the lines of its values.

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::error::Mistake;
use super::found::Origin;
use super::layer::{Layer, Lines, below};

/// The values of a TOML document; of one that is none, every mistake in its
/// form.
pub(super) fn read(text: &str, origin: &Origin) -> Layer {
    let mut layer = Layer::default();
    let lines = Lines::of(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(1, |span| lines.at(span.start));
        layer.mistakes.push(Mistake::syntax(&error.message(), origin.at(line)));
    }
    if layer.mistakes.is_empty() {
        let at = |byte| origin.at(lines.at(byte));
        read_table("", document.get_ref(), &at, &mut layer);
    }
    layer
}

fn read_table(path: &str, table: &DeTable<'_>, at: &dyn Fn(usize) -> Origin, layer: &mut Layer) {
    for (name, value) in table {
        let path = below(path, name.get_ref());
        match value.get_ref() {
            DeValue::Table(table) if !table.is_empty() => read_table(&path, table, at, layer),
            other => layer.add(path, value_of(other), at(name.span().start)),
        }
    }
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(is) => Value::Bool(*is),
        // What does not fit is kept as text, which no number is read from.
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(serde_json::Number::from_i128)
            .map_or_else(|| number.as_str().into(), Value::Number),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map_or_else(|| number.as_str().into(), Value::Number),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(_) => Value::Array(Vec::new()),
        DeValue::Table(_) => Value::Object(serde_json::Map::new()),
    }
}
