//! `#[derive(Aggregate)]`

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, Fields};

use super::{in_const, parse, registration, struct_fields};
use crate::args::{Args, Form, Keys};
use crate::case::{snake, unraw};
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::shadow;
use crate::shape::Shapes;

const KEYS: &Keys = &[
    ("id", Form::Type),
    ("event", Form::Type),
    ("error", Form::Type),
    ("name", Form::Text),
    ("snapshot", Form::Expr),
    ("snapshot_version", Form::Number),
    ("state_stored", Form::Flag),
    ("stale_rejections", Form::Flag),
    ("crate", Form::Path),
];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::of(&input.attrs, "aggregate", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let body = expand(&input, &args, &krate, &mut ctxt);
    let (aggregate, more) = body;
    match ctxt.finish() {
        None => in_const(&quote!(#aggregate #more)),
        Some(errors) => {
            let stub = in_const(&aggregate);
            quote!(#errors #stub)
        }
    }
}

/// The impl, which stands after a mistake too, and everything else.
fn expand(
    input: &DeriveInput,
    args: &Args,
    krate: &Krate,
    ctxt: &mut Ctxt,
) -> (TokenStream, TokenStream) {
    let private = krate.private();
    let ident = &input.ident;
    let id = args.required_type("id", "aggregate", ident, ctxt);
    let event = args.required_type("event", "aggregate", ident, ctxt);
    let error = args.required_type("error", "aggregate", ident, ctxt);
    let name = args.name(snake(&unraw(ident)), ident, ctxt);
    let fields = struct_fields(input, "Aggregate", ctxt);
    let (state_impl, state) =
        fields.map(|fields| state(input, fields, args, krate, ctxt)).unwrap_or_default();
    let snapshots = args
        .expr("snapshot")
        .map(|policy| quote!(const SNAPSHOTS: #private::SnapshotPolicy = #policy;));
    let flag = |key: &str, name: TokenStream| {
        args.has(key).then(|| {
            quote!(
                const #name: bool = true;
            )
        })
    };
    let stored = flag("state_stored", quote!(STATE_STORED));
    let stale = flag("stale_rejections", quote!(STALE_REJECTIONS));
    // The state's codec is of no use in a stub, whose type it may not fit.
    let state = if ctxt.is_clean() { state } else { TokenStream::new() };
    let generics = if state.is_empty() {
        input.generics.clone()
    } else {
        shadow::with_bounds(&input.generics, &shadow::persisted(&private))
    };
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let aggregate = quote! {
        #[automatically_derived]
        impl #impl_generics #private::Aggregate for #ident #ty_generics #where_clause {
            const NAME: &'static str = #name;
            type Id = #id;
            type Event = #event;
            type Error = #error;
            #snapshots
            #stored
            #stale
            #state
        }
    };
    // A generic aggregate has no one instance that could register itself.
    let register = input.generics.params.is_empty().then(|| register(ident, &name, krate));
    (aggregate, quote!(#state_impl #register))
}

fn register(ident: &syn::Ident, name: &str, krate: &Krate) -> TokenStream {
    let private = krate.private();
    let (item, span) = (unraw(ident), ident.span());
    let body = quote! {
        #private::Body::Aggregate {
            types: #private::events_of::<#ident>(),
            state: #private::state_of::<#ident>(),
        }
    };
    let (name, version) = (quote!(#name), quote!(0));
    let literal = registration::literal("Aggregate", &name, &version, &item, &body, span, krate);
    let applies = quote_spanned!(span=> #private::applies::<#ident>);
    let register = registration::register(&ident.to_token_stream(), &literal, krate);
    quote! {
        #register
        const _: fn() = #applies;
    }
}

/// How the state is stored: only where snapshots or a stored state ask for it.
fn state(
    input: &DeriveInput,
    fields: &Fields,
    args: &Args,
    krate: &Krate,
    ctxt: &mut Ctxt,
) -> (TokenStream, TokenStream) {
    let version = args.version("snapshot_version", ctxt);
    if !args.has("snapshot") && !args.has("state_stored") {
        return (TokenStream::new(), TokenStream::new());
    }
    let (private, ident) = (krate.private(), &input.ident);
    let DeriveInput { attrs, generics, .. } = input;
    let shadow = shadow::for_struct(ident, attrs, generics, fields, krate);
    let shape = Shapes::new(krate, Some(ident)).of_message(input, fields, ctxt);
    let state = quote! {
        const STATE: ::core::option::Option<#private::StateCodec<Self>> =
            ::core::option::Option::Some(#private::StateCodec::new(
                #version,
                const { #shape },
                <#private::Json as #private::Codec>::encode::<Self>,
                #private::decode_json::<Self>,
            ));
    };
    (shadow, state)
}
