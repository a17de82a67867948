//! The words under which an event can be found: `#[event(tag)]` on fields.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Fields;

use crate::args::{Args, Form, Keys, check_name};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;

const FIELD_KEYS: &Keys = &[
    ("tag", Form::FlagOrText),
    ("name", Form::Elsewhere("on the variant or struct")),
    ("version", Form::Elsewhere("on the variant or struct")),
];

/// The fields of an event that are tags, with the tags' names.
pub(super) fn tags<'a>(fields: &'a Fields, ctxt: &mut Ctxt) -> Vec<(&'a Ident, String)> {
    let mut tags = Vec::new();
    for field in fields {
        let args = Args::of(&field.attrs, "event", FIELD_KEYS, ctxt);
        let Some(key) = args.key("tag") else { continue };
        let Some(name) = &field.ident else {
            let message = "put `tag` on a named field of the event struct inside";
            ctxt.error(key, Code::VARIANT_SHAPE, message);
            continue;
        };
        if let Some(text) = args.text("tag") {
            check_name(text, ctxt);
        }
        tags.push((name, args.text("tag").map_or_else(|| unraw(name), syn::LitStr::value)));
    }
    tags
}

/// The fields to bind and the value of `tags()`.
pub(super) fn tag_parts<'a>(
    tags: &'a [(&'a Ident, String)],
    private: &TokenStream,
) -> Option<(Vec<&'a Ident>, TokenStream)> {
    if tags.is_empty() {
        return None;
    }
    let fields: Vec<&Ident> = tags.iter().map(|(field, _)| *field).collect();
    let tags = tags
        .iter()
        .map(|(field, name)| quote_spanned!(field.span()=> #private::Tag::new(#name, #field)?));
    let tags = quote!(<#private::Tags as ::core::iter::FromIterator<_>>::from_iter([#(#tags),*]));
    Some((fields, quote!(::core::result::Result::Ok(#tags))))
}
