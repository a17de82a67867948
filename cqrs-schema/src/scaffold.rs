//! The upcaster to start from when a shape has changed.

use std::fmt::Write;

use crate::compare::{Change, Comparison, Effect};

/// Rust source of a function that takes an event from one version to the
/// next. What cannot be known is an error of the compiler until it is written.
///
/// It works on the untyped value, so that it needs no type for the old shape.
#[must_use]
pub fn upcaster(name: &str, from: u32, comparison: &Comparison) -> String {
    let mut body = String::new();
    for change in &comparison.changes {
        step(change, &mut body);
    }
    let function = function_name(name, from);
    let mutable =
        if body.lines().any(|line| !line.trim_start().starts_with("//")) { "mut " } else { "" };
    format!(
        "/// `{name}`, from version {from} to version {}.\n\
         fn {function}({mutable}event: Untyped) -> Untyped {{\n{body}    event\n}}\n",
        from.saturating_add(1)
    )
}

/// The name of the scaffold's function.
pub(crate) fn function_name(name: &str, from: u32) -> String {
    let stem: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let stem =
        if stem.starts_with(|c: char| c.is_ascii_digit()) { format!("event_{stem}") } else { stem };
    format!("{stem}_from_{from}")
}

fn step(change: &Change, body: &mut String) {
    let Change { path, what, backward, .. } = change;
    if *backward == Effect::Reads {
        return;
    }
    let plain = !path.is_empty() && !path.contains(['.', '[']);
    let line = if plain && what.starts_with("is new") {
        set("    ", path, &format!("{path}: a value for old events"))
    } else if plain && what == "is no longer optional" {
        let set = set("        ", path, &format!("{path}: a value for old events"));
        format!("    if event.is_missing({path:?}) {{\n{set}    }}\n")
    } else if plain {
        set("    ", path, &format!("{path} {what}"))
    } else {
        format!("    // {path} {what}\n")
    };
    body.write_str(&line).expect("a string takes everything");
}

/// A call whose value is still to be written.
fn set(indent: &str, path: &str, what: &str) -> String {
    format!("{indent}event.set({path:?}, compile_error!({what:?}));\n")
}
