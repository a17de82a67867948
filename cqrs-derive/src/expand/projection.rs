//! `#[derive(Projection)]`

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::{in_const, parse, registration};
use crate::args::{Args, Form, Keys};
use crate::case::{snake, unraw};
use crate::ctxt::Ctxt;
use crate::handler_fn::local;
use crate::krate::Krate;

const KEYS: &Keys = &[
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
    let name = args.name(snake(&unraw(ident)), ident, &mut ctxt);
    let version = args.version("version", &mut ctxt);
    let private = krate.private();
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let projection = quote! {
        #[automatically_derived]
        impl #impl_generics #private::Projection for #ident #ty_generics #where_clause {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            type Event = #event;
            type Key = #key;
            type Row = #row;
        }
    };
    if let Some(errors) = ctxt.finish() {
        let stub = in_const(&projection);
        return quote!(#errors #stub);
    }
    // A generic projection has no one instance that could register itself.
    let register =
        input.generics.params.is_empty().then(|| register(ident, &name, version, &krate));
    in_const(&quote!(#projection #register))
}

fn register(ident: &Ident, name: &str, version: u32, krate: &Krate) -> TokenStream {
    let private = krate.private();
    let wiring = local("wiring");
    let install = quote_spanned!(ident.span()=> #wiring.projection::<#ident>());
    let body = quote! {
        #private::Body::Projection {
            types: #private::events_into::<#ident>(),
            install: { fn __install(#wiring: &mut #private::Wiring<'_>) { #install } __install }
        }
    };
    let (item, span) = (unraw(ident), ident.span());
    let (name, version) = (quote!(#name), quote!(#version));
    let literal = registration::literal("Projection", &name, &version, &item, &body, span, krate);
    registration::register(&ident.to_token_stream(), &literal, krate)
}
