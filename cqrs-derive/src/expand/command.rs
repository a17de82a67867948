//! `#[derive(Command)]`

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, Field, Fields};

use super::{checks, in_const, parse, registration, struct_fields};
use crate::args::{Args, Form};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::shadow;

const KEYS: &[(&str, Form)] = &[
    ("name", Form::Text),
    ("version", Form::Number),
    ("output", Form::Type),
    ("error", Form::Type),
    ("crate", Form::Path),
];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::of(&input.attrs, "command", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let body = expand(&input, &args, &krate, &mut ctxt);
    match ctxt.finish() {
        None => in_const(&body),
        Some(errors) => {
            let stub = in_const(&message_stub(&input, &krate, &quote!(Command), &quote!()));
            quote!(#errors #stub)
        }
    }
}

fn expand(input: &DeriveInput, args: &Args, krate: &Krate, ctxt: &mut Ctxt) -> TokenStream {
    let Some(fields) = struct_fields(input, "Command", ctxt) else { return TokenStream::new() };
    let private = krate.private();
    let name = args.name(unraw(&input.ident), ctxt);
    let version = args.version("version", ctxt);
    let message = Message { input, fields, krate };
    let serde = message.serde();
    let validate = checks::validate(input, fields, krate, ctxt);
    let command = message.implement(
        &quote!(Command),
        &quote! {
            const NAME: &'static str = #name;
            const VERSION: #private::SchemaVersion = #private::SchemaVersion::new(#version);
        },
    );
    let targets = targets(&message, ctxt);
    let contract = contract(input, args, krate, ctxt);
    let register = message.register("Command", &name, version);
    quote!(#serde #validate #command #targets #contract #register)
}

/// A derived message: what commands and queries have in common.
pub(super) struct Message<'a> {
    pub(super) input: &'a DeriveInput,
    pub(super) fields: &'a Fields,
    pub(super) krate: &'a Krate,
}

impl Message<'_> {
    pub(super) fn serde(&self) -> TokenStream {
        let DeriveInput { ident, attrs, generics, .. } = self.input;
        shadow::for_struct(ident, attrs, generics, self.fields, self.krate)
    }

    /// An impl with what a message of a type parameter needs.
    pub(super) fn implement(&self, what: &TokenStream, body: &TokenStream) -> TokenStream {
        let private = self.krate.private();
        let bound = quote! {
            #private::serde::Serialize + #private::serde::de::DeserializeOwned
                + ::core::marker::Send + ::core::marker::Sync + 'static
        };
        let generics = shadow::with_bounds(&self.input.generics, &bound);
        let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
        let name = &self.input.ident;
        quote! {
            #[automatically_derived]
            impl #impl_generics #private::#what for #name #ty_generics #where_clause { #body }
        }
    }

    /// Generic messages have no one instance that could register itself.
    pub(super) fn register(&self, kind: &str, name: &str, version: u32) -> TokenStream {
        if !self.input.generics.params.is_empty() {
            return TokenStream::new();
        }
        let (private, ident) = (self.krate.private(), &self.input.ident);
        let body = quote! {
            #private::Body::Message { type_id: ::core::any::TypeId::of::<#ident> }
        };
        let (item, span) = (unraw(ident), ident.span());
        let (name, version) = (quote!(#name), quote!(#version));
        let literal = registration::literal(kind, &name, &version, &item, &body, span, self.krate);
        registration::register(&ident.to_token_stream(), &literal, self.krate)
    }
}

/// The field that names the aggregate: the marked one, otherwise the first,
/// unless another has the same type.
fn targets(message: &Message<'_>, ctxt: &mut Ctxt) -> TokenStream {
    let is_marked = |field: &&Field| field.attrs.iter().any(|attr| attr.path().is_ident("id"));
    let fields: Vec<&Field> = message.fields.iter().collect();
    let mut marked = fields.iter().copied().filter(is_marked);
    let first_marked = marked.next();
    for second in marked {
        let at = second.attrs.iter().find(|attr| attr.path().is_ident("id"));
        let text = "a command is for one aggregate: keep one `#[id]`";
        ctxt.error(at, Code::TWO_IDS, text);
    }
    let same_type = |one: &Field, other: &Field| {
        one.ty.to_token_stream().to_string() == other.ty.to_token_stream().to_string()
    };
    let inferred = || {
        let (first, rest) = fields.split_first()?;
        (!rest.iter().any(|other| same_type(first, other))).then_some(*first)
    };
    let Some(field) = first_marked.or_else(inferred) else { return TokenStream::new() };
    let index = fields.iter().position(|one| std::ptr::eq(*one, field)).unwrap_or_default();
    let member = match &field.ident {
        Some(name) => name.to_token_stream(),
        None => syn::Index::from(index).to_token_stream(),
    };
    let ty = &field.ty;
    message.implement(
        &quote!(Targets),
        &quote! {
            type Id = #ty;
            fn target(&self) -> &Self::Id { &self.#member }
        },
    )
}

/// A command whose handler lives in another crate says what it answers.
fn contract(input: &DeriveInput, args: &Args, krate: &Krate, ctxt: &mut Ctxt) -> TokenStream {
    let (output, error) = (args.ty("output"), args.ty("error"));
    if output.is_none() && error.is_none() {
        return TokenStream::new();
    }
    let Some(error) = error else {
        let at = args.key("output").unwrap_or(&input.ident);
        ctxt.error(at, Code::MISSING_ATTRIBUTE, "`output` needs `error = ..` beside it");
        return TokenStream::new();
    };
    let (private, name) = (krate.private(), &input.ident);
    let output = output.map_or_else(|| quote!(()), ToTokens::to_token_stream);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::OneHandlerFor<#name #ty_generics>
            for #name #ty_generics #where_clause
        {
            type Output = #output;
            type Error = #error;
        }
    }
}

/// After a mistake: impls without content, so that no other error follows.
pub(super) fn message_stub(
    input: &DeriveInput,
    krate: &Krate,
    what: &TokenStream,
    more: &TokenStream,
) -> TokenStream {
    let (private, name) = (krate.private(), &input.ident);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let mut de = input.generics.clone();
    de.params.insert(0, syn::parse_quote!('de));
    let (de_generics, _, _) = de.split_for_impl();
    quote! {
        impl #impl_generics #private::Validate for #name #ty_generics #where_clause {}
        impl #impl_generics #private::serde::Serialize for #name #ty_generics #where_clause {
            fn serialize<__S: #private::serde::Serializer>(
                &self,
                _: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                ::core::unreachable!()
            }
        }
        impl #de_generics #private::serde::Deserialize<'de> for #name #ty_generics #where_clause {
            fn deserialize<__D: #private::serde::Deserializer<'de>>(
                _: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                ::core::unreachable!()
            }
        }
        impl #impl_generics #private::#what for #name #ty_generics #where_clause {
            const NAME: &'static str = "";
            const VERSION: #private::SchemaVersion = #private::SchemaVersion::FIRST;
            #more
        }
    }
}
