//! `#[derive(Aggregate)]`

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, Fields};

use super::{in_const, parse, registration, struct_fields};
use crate::args::{Args, Form};
use crate::case::{snake, unraw};
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::shadow;

const KEYS: &[(&str, Form)] = &[
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
    match ctxt.finish() {
        None => in_const(&body.unwrap_or_default()),
        Some(errors) => errors,
    }
}

fn expand(input: &DeriveInput, args: &Args, krate: &Krate, ctxt: &mut Ctxt) -> Option<TokenStream> {
    let private = krate.private();
    let ident = &input.ident;
    let id = args.required_type("id", "aggregate", ident, ctxt);
    let event = args.required_type("event", "aggregate", ident, ctxt);
    let error = args.required_type("error", "aggregate", ident, ctxt);
    let name = args.name(snake(&unraw(ident)), ctxt);
    let fields = struct_fields(input, "Aggregate", ctxt)?;
    let (id, event, error) = (id?, event?, error?);
    let (state_impl, state) = state(input, fields, args, krate, ctxt);
    let snapshots = args
        .expr("snapshot")
        .map(|policy| quote!(const SNAPSHOTS: #private::SnapshotPolicy = #policy;));
    let stored = args.has("state_stored").then(|| {
        quote!(
            const STATE_STORED: bool = true;
        )
    });
    let stale = args.has("stale_rejections").then(|| {
        quote!(
            const STALE_REJECTIONS: bool = true;
        )
    });
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let register = input.generics.params.is_empty().then(|| {
        let body = quote!(#private::Body::None);
        let (item, span) = (unraw(ident), ident.span());
        let (name, version) = (quote!(#name), quote!(0));
        let literal =
            registration::literal("Aggregate", &name, &version, &item, &body, span, krate);
        let applies = quote_spanned!(span=> applies::<#ident>());
        let register = registration::register(&ident.to_token_stream(), &literal, krate);
        quote! {
            #register
            const _: fn() = || {
                fn applies<__A: #private::Apply>() {}
                #applies
            };
        }
    });
    Some(quote! {
        #state_impl
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
        #register
    })
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
    let forward = Forward { ident, krate };
    let shadow = shadow::for_struct(ident, attrs, generics, fields, krate);
    let fingerprint = fingerprint(fields);
    let (impls, encode, decode) = forward.functions(&shadow);
    let (_, ty_generics, _) = generics.split_for_impl();
    let _ = ty_generics;
    (
        impls,
        quote! {
            const STATE: ::core::option::Option<#private::StateCodec<Self>> =
                ::core::option::Option::Some(#private::StateCodec {
                    shape: #private::Shape { version: #version, fingerprint: #fingerprint },
                    encode: #encode,
                    decode: #decode,
                });
        },
    )
}

struct Forward<'a> {
    ident: &'a syn::Ident,
    krate: &'a Krate,
}

impl Forward<'_> {
    fn functions(&self, shadow: &TokenStream) -> (TokenStream, TokenStream, TokenStream) {
        let (private, ident) = (self.krate.private(), self.ident);
        let impls = quote! {
            #shadow
            fn __encode(
                state: &#ident,
                out: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::CodecError> {
                <#private::Json as #private::Codec>::encode(state, out)
            }
            fn __decode(bytes: &[u8]) -> ::core::result::Result<#ident, #private::CodecError> {
                <#private::Json as #private::Codec>::decode(bytes)
            }
        };
        (impls, quote!(__encode), quote!(__decode))
    }
}

/// FNV-1a (Fowler, Noll, Vo) over the names, types and serde attributes of
/// the fields.
fn fingerprint(fields: &Fields) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for field in fields {
        let name = field.ident.as_ref().map(unraw).unwrap_or_default();
        let ty = field.ty.to_token_stream().to_string();
        let attrs: String = shadow::serde_attrs(&field.attrs)
            .iter()
            .map(|attr| attr.to_token_stream().to_string())
            .collect();
        for byte in format!("{name}:{ty}{attrs};").bytes().filter(|byte| *byte != b' ') {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
