//! `#[derive(Projection)]`

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use super::{in_const, parse, registration};
use crate::args::{Args, Form};
use crate::case::{snake, unraw};
use crate::ctxt::Ctxt;
use crate::krate::Krate;

const KEYS: &[(&str, Form)] = &[
    ("event", Form::Type),
    ("key", Form::Type),
    ("row", Form::Type),
    ("name", Form::Text),
    ("version", Form::Number),
    ("crate", Form::Path),
];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::of(&input.attrs, "projection", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let ident = &input.ident;
    let event = args.required_type("event", "projection", ident, &mut ctxt);
    let key = args.required_type("key", "projection", ident, &mut ctxt);
    let row = args.required_type("row", "projection", ident, &mut ctxt);
    let name = args.name(snake(&unraw(ident)), &mut ctxt);
    let version = args.version("version", &mut ctxt);
    if let Some(errors) = ctxt.finish() {
        return errors;
    }
    let private = krate.private();
    let install = quote_spanned!(ident.span()=> wiring.projection::<#ident>());
    let body = quote! {
        #private::Body::Projection {
            install: { fn install(wiring: &mut #private::Wiring<'_>) { #install } install }
        }
    };
    let (item, span) = (unraw(ident), ident.span());
    let (name_tokens, version_tokens) = (quote!(#name), quote!(#version));
    let literal = registration::literal(
        "Projection",
        &name_tokens,
        &version_tokens,
        &item,
        &body,
        span,
        &krate,
    );
    let register = registration::register(&ident.to_token_stream(), &literal, &krate);
    in_const(&quote! {
        #[automatically_derived]
        impl #private::Projection for #ident {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            type Event = #event;
            type Key = #key;
            type Row = #row;
        }
        #register
    })
}
