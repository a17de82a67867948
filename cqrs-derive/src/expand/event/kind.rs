//! One event type of an enum.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Field, Fields, Variant};

use super::VARIANT_KEYS;
use super::tags::tags;
use crate::args::Args;
use crate::case::{snake, unraw};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::serde_attr::Container;
use crate::shadow;
use crate::shape::Shapes;
use crate::steps::{Retired, Versions};

/// One event type of an enum.
pub(super) struct Kind<'a> {
    pub(super) variant: &'a Variant,
    pub(super) name: String,
    pub(super) versions: Versions,
    /// The description of its content.
    pub(super) shape: TokenStream,
    /// The event struct, where the variant is a newtype over one.
    pub(super) inner: Option<&'a Field>,
    /// Whether it takes in what is unknown.
    pub(super) unknown: bool,
    pub(super) tags: Vec<(&'a Ident, String)>,
}

impl<'a> Kind<'a> {
    pub(super) fn of(
        variant: &'a Variant,
        prefix: &str,
        shapes: &Shapes<'_>,
        ctxt: &mut Ctxt,
    ) -> Self {
        let args = Args::of(&variant.attrs, "event", VARIANT_KEYS, ctxt);
        let default = snake(&unraw(&variant.ident));
        let default = if prefix.is_empty() { default } else { format!("{prefix}.{default}") };
        let unknown = args.has("unknown");
        let inner = match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
            Fields::Unnamed(fields) => {
                let ident = &variant.ident;
                let message = format!(
                    "give the fields names, `{ident} {{ field: Type }}`, or put one event struct \
                     here\nhelp: only what has names can change and still read old events"
                );
                ctxt.error(fields, Code::VARIANT_SHAPE, message);
                None
            }
            _ => None,
        };
        if unknown && inner.is_none() {
            let ident = &variant.ident;
            let message =
                format!("write `{ident}(RawEvent)`: it takes in events as they are stored");
            ctxt.error(ident, Code::UNKNOWN_EVENTS, message);
        }
        let elsewhere = unknown || inner.is_some();
        let name = if elsewhere { String::new() } else { args.name(default, &variant.ident, ctxt) };
        refuse_reserved(&name, &variant.ident, ctxt);
        refuse_elsewhere(&args, unknown, inner.is_some(), ctxt);
        let versions =
            if elsewhere { Versions::default() } else { Versions::of(&args, &name, ctxt) };
        shadow::refuse_variant_attrs(&variant.attrs, ctxt);
        let tags = tags(&variant.fields, ctxt);
        let shape = if elsewhere {
            TokenStream::new()
        } else {
            let shape = shapes.of_fields(&variant.fields, &Container::of(&variant.attrs), 0, ctxt);
            quote!(const { #shape })
        };
        Self { variant, name, versions, shape, inner: inner.filter(|_| !unknown), unknown, tags }
    }

    /// Whether the content stands in the variant itself.
    pub(super) fn is_inline(&self) -> bool {
        self.inner.is_none() && !self.unknown
    }
}

/// What cannot stand on a variant that holds an event of its own.
fn refuse_elsewhere(args: &Args, unknown: bool, inner: bool, ctxt: &mut Ctxt) {
    const OWN: [&str; 6] = ["name", "version", "first", "upcast", "downcast", "formerly"];
    for key in OWN.into_iter().filter_map(|key| args.key(key)) {
        if unknown {
            let message =
                format!("remove `{key}`: unknown events have their own names and versions");
            ctxt.error(key, Code::UNKNOWN_EVENTS, message);
        } else if inner {
            let message = format!(
                "put `{key}` on the event struct inside: it has a name and a version of its own"
            );
            ctxt.error(key, Code::VARIANT_SHAPE, message);
        }
    }
}

/// The framework's own events have names of their own.
pub(super) fn refuse_reserved(name: &str, at: &Ident, ctxt: &mut Ctxt) {
    if name.starts_with("lifecycle.") {
        let message = format!(
            "give `{at}` another stored name: `{name}` begins with `lifecycle.`, as the \
             framework's own events do"
        );
        ctxt.error(at, Code::NAME, message);
    }
}

/// Refuses a stored name that two things are read from.
pub(super) fn refuse_duplicates(kinds: &[Kind<'_>], retired: &[Retired], ctxt: &mut Ctxt) {
    let mut seen: Vec<(String, String)> = Vec::new();
    let inline: Vec<&Kind<'_>> = kinds.iter().filter(|kind| kind.is_inline()).collect();
    for kind in &inline {
        let variant = &kind.variant.ident;
        match seen.iter().find(|(name, _)| *name == kind.name) {
            Some((name, other)) => {
                let message = format!(
                    "give `{variant}` another `#[event(name = \"..\")]`: {other} is stored as \
                     `{name}` too"
                );
                ctxt.error(variant, Code::DUPLICATE_EVENT_NAME, message);
            }
            None => seen.push((kind.name.clone(), format!("`{variant}`"))),
        }
    }
    for kind in &inline {
        let label = format!("`{}`", kind.variant.ident);
        refuse_seen(&kind.versions.formerly, &label, &mut seen, ctxt);
    }
    for one in retired {
        refuse_seen(std::slice::from_ref(&one.name), "a retired type", &mut seen, ctxt);
    }
}

/// Refuses names that are among those of something else already.
pub(super) fn refuse_seen(
    names: &[syn::LitStr],
    label: &str,
    seen: &mut Vec<(String, String)>,
    ctxt: &mut Ctxt,
) {
    for name in names {
        match seen.iter().find(|(known, _)| *known == name.value()) {
            Some((_, other)) => {
                let message =
                    format!("remove this name: what is stored under it is read as {other}");
                ctxt.error(name, Code::DUPLICATE_EVENT_NAME, message);
            }
            None => seen.push((name.value(), label.to_owned())),
        }
    }
}
