//! `#[derive(Query)]`

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::DeriveInput;

use super::command::{Message, message_stub};
use super::{at, checks, in_const, parse, struct_fields};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::policy::{self, with_policy};

const KEYS: &Keys = with_policy![
    ("name", Form::Text),
    ("version", Form::Number),
    ("output", Form::Type),
    ("stream", Form::Type),
    ("crate", Form::Path),
    ("cache", Form::FlagOrText),
    ("shared", Form::Flag),
];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::of(&input.attrs, "query", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let row = args.ty("stream");
    let output = match (row, args.key("output")) {
        (Some(_), None) => syn::parse_quote!(()),
        (Some(_), Some(key)) => {
            let message =
                "keep one of `output` and `stream`: what comes row by row has no other answer";
            ctxt.error(key, Code::ATTRIBUTE_VALUE, message);
            syn::parse_quote!(())
        }
        (None, _) => args.required_type("output", "query", &input.ident, &mut ctxt),
    };
    let body = expand(&input, &args, &output, &krate, &mut ctxt);
    match ctxt.finish() {
        None => in_const(&body),
        Some(errors) => {
            let more = quote!(type Output = #output;);
            let stub = in_const(&message_stub(&input, &krate, &quote!(Query), &more));
            quote!(#errors #stub)
        }
    }
}

fn expand(
    input: &DeriveInput,
    args: &Args,
    output: &syn::Type,
    krate: &Krate,
    ctxt: &mut Ctxt,
) -> TokenStream {
    let Some(fields) = struct_fields(input, "Query", ctxt) else { return TokenStream::new() };
    let private = krate.private();
    let name = args.name(unraw(&input.ident), &input.ident, ctxt);
    let version = args.version("version", ctxt);
    let message = Message { input, fields, krate };
    let serde = message.serde();
    let validate = checks::validate(input, fields, krate, ctxt);
    let keeping = keeping(args, &private, ctxt);
    let query = message.implement(
        &quote!(Query),
        &quote! {
            const NAME: &'static str = #name;
            const VERSION: #private::SchemaVersion = #private::SchemaVersion::new(#version);
            type Output = #output;
            #keeping
        },
    );
    let policy = policy::settings(args, krate, ctxt);
    let register = message.register("Query", &name, version, None, &policy);
    let streams =
        args.ty("stream").map(|row| message.implement(&quote!(Streams), &quote!(type Row = #row;)));
    quote!(#serde #validate #query #streams #register)
}

/// That the answers can be kept; asked of the output at the word that says it.
fn keeping(args: &Args, private: &TokenStream, ctxt: &mut Ctxt) -> TokenStream {
    let shared = args.has("shared");
    let Some(cache) = args.key("cache") else {
        if let Some(key) = args.key("shared") {
            let message = "say `cache` as well: `shared` is about the answers that are kept";
            ctxt.error(key, Code::ATTRIBUTE_VALUE, message);
        }
        return TokenStream::new();
    };
    let new = at(&quote!(#private::Keeping::new), cache.span());
    let new = quote_spanned!(cache.span()=> #new(#shared));
    quote! {
        const KEEPING: ::core::option::Option<&'static #private::Keeping<Self::Output>> =
            ::core::option::Option::Some(&#new);
    }
}
