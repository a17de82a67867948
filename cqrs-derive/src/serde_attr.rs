//! What serde's attributes say about the stored form. Mistakes in them are
//! left to serde's own derives, which read the same attributes.

use proc_macro2::Ident;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Token};

use crate::shadow::serde_attrs;

/// How names are changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

/// What stands on a struct, an enum or a variant.
#[derive(Default)]
pub(crate) struct Container {
    pub(crate) rename_all: Option<Rule>,
    pub(crate) rename_all_fields: Option<Rule>,
    pub(crate) closed: bool,
    pub(crate) default: bool,
    pub(crate) transparent: bool,
    pub(crate) untagged: bool,
    pub(crate) tag: Option<String>,
    pub(crate) content: Option<String>,
    /// What makes the stored form that of another type.
    pub(crate) hides: Option<Ident>,
}

/// What stands on a field or a variant.
#[derive(Default)]
pub(crate) struct Part {
    pub(crate) rename: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) default: bool,
    pub(crate) skip: bool,
    pub(crate) flatten: bool,
    pub(crate) other: bool,
    /// Says when the field is left out.
    pub(crate) left_out: Option<Ident>,
    /// What makes the stored form that of another type.
    pub(crate) hides: Option<Ident>,
}

impl Rule {
    fn of(text: &LitStr) -> Option<Self> {
        Some(match text.value().as_str() {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// Changes a name in snake case.
    pub(crate) fn field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => name.split('_').map(|word| first(word, char::to_uppercase)).collect(),
            Self::Camel => first(&Self::Pascal.field(name), char::to_lowercase),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// Changes a name in Pascal case.
    pub(crate) fn variant(self, name: &str) -> String {
        match self {
            Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => first(name, char::to_lowercase),
            Self::Snake => {
                let mut out = String::new();
                for (index, c) in name.char_indices() {
                    if index > 0 && c.is_uppercase() {
                        out.push('_');
                    }
                    out.push(c.to_ascii_lowercase());
                }
                out
            }
            Self::ScreamingSnake => Self::Snake.variant(name).to_ascii_uppercase(),
            Self::Kebab => Self::Snake.variant(name).replace('_', "-"),
            Self::ScreamingKebab => Self::ScreamingSnake.variant(name).replace('_', "-"),
        }
    }
}

fn first<I: Iterator<Item = char>>(word: &str, change: impl Fn(char) -> I) -> String {
    let mut chars = word.chars();
    chars.next().map(change).into_iter().flatten().chain(chars).collect()
}

impl Container {
    pub(crate) fn of(attrs: &[Attribute]) -> Self {
        let mut found = Self::default();
        each(attrs, |key, meta| match key {
            "rename_all" => found.rename_all = written(meta).as_ref().and_then(Rule::of),
            "rename_all_fields" => {
                found.rename_all_fields = written(meta).as_ref().and_then(Rule::of);
            }
            "deny_unknown_fields" => found.closed = true,
            "default" => {
                found.default = true;
                let _ = written(meta);
            }
            "transparent" => found.transparent = true,
            "untagged" => found.untagged = true,
            "tag" => found.tag = written(meta).map(|text| text.value()),
            "content" => found.content = written(meta).map(|text| text.value()),
            "into" | "from" | "try_from" | "remote" => {
                found.hides = meta.path.get_ident().cloned();
                let _ = written(meta);
            }
            _ => {
                let _ = written(meta);
            }
        });
        found
    }
}

impl Part {
    pub(crate) fn of(attrs: &[Attribute]) -> Self {
        let mut found = Self::default();
        each(attrs, |key, meta| match key {
            "rename" => found.rename = written(meta).map(|text| text.value()),
            "alias" => found.aliases.extend(written(meta).map(|text| text.value())),
            "default" => {
                found.default = true;
                let _ = written(meta);
            }
            "skip" | "skip_serializing" => found.skip = true,
            "skip_serializing_if" => {
                found.left_out = meta.path.get_ident().cloned();
                let _ = written(meta);
            }
            "flatten" => found.flatten = true,
            "other" => found.other = true,
            "with" | "serialize_with" | "deserialize_with" => {
                found.hides = meta.path.get_ident().cloned();
                let _ = written(meta);
            }
            _ => {
                let _ = written(meta);
            }
        });
        found
    }
}

/// Looks at every word of serde's attributes.
fn each(attrs: &[Attribute], mut look: impl FnMut(&str, &ParseNestedMeta<'_>)) {
    for attr in serde_attrs(attrs) {
        // What serde does not understand is serde's to report.
        let _ = attr.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            look(&key, &meta);
            Ok(())
        });
    }
}

/// The text behind `=`, or what `(serialize = "..")` says.
fn written(meta: &ParseNestedMeta<'_>) -> Option<LitStr> {
    if meta.input.peek(Token![=]) {
        return meta.value().ok()?.parse().ok();
    }
    if !meta.input.peek(syn::token::Paren) {
        return None;
    }
    let mut found = None;
    let _ = meta.parse_nested_meta(|inner| {
        let text = inner.value()?.parse()?;
        if inner.path.is_ident("serialize") {
            found = Some(text);
        }
        Ok(())
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_as_serde_changes_them() {
        for (rule, field, variant) in [
            (Rule::Lower, "very_tasty", "verytasty"),
            (Rule::Upper, "VERY_TASTY", "VERYTASTY"),
            (Rule::Pascal, "VeryTasty", "VeryTasty"),
            (Rule::Camel, "veryTasty", "veryTasty"),
            (Rule::Snake, "very_tasty", "very_tasty"),
            (Rule::ScreamingSnake, "VERY_TASTY", "VERY_TASTY"),
            (Rule::Kebab, "very-tasty", "very-tasty"),
            (Rule::ScreamingKebab, "VERY-TASTY", "VERY-TASTY"),
        ] {
            assert_eq!(rule.field("very_tasty"), field);
            assert_eq!(rule.variant("VeryTasty"), variant);
        }
    }
}
