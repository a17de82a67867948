//! `#[derive(Command)]`

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, Field, Fields};

use super::{checks, in_const, parse, registration};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::policy::{self, with_policy};
use crate::shadow;
use crate::shape::Shapes;

const KEYS: &Keys = with_policy![
    ("name", Form::Text),
    ("version", Form::Number),
    ("output", Form::Type),
    ("error", Form::Type),
    ("crate", Form::Path),
    ("cache", Form::Elsewhere("at queries")),
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
    let mut more = contract(&input, &args, &krate, &mut ctxt);
    more.extend(targets(&input, &krate, &mut ctxt));
    match ctxt.finish() {
        None => in_const(&quote!(#body #more)),
        Some(errors) => {
            let stub = message_stub(&input, &krate, &quote!(Command), &quote!());
            let stub = in_const(&quote!(#stub #more));
            quote!(#errors #stub)
        }
    }
}

fn expand(input: &DeriveInput, args: &Args, krate: &Krate, ctxt: &mut Ctxt) -> TokenStream {
    let syn::Data::Struct(data) = &input.data else { return TokenStream::new() };
    let fields = &data.fields;
    let private = krate.private();
    let name = args.name(unraw(&input.ident), &input.ident, ctxt);
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
    let is_generic = !input.generics.params.is_empty();
    let shape = (!is_generic).then(|| Shapes::new(krate, None).of_message(input, fields, ctxt));
    let policy = policy::settings(args, krate, ctxt);
    let register = message.register("Command", &name, version, shape, &policy);
    quote!(#serde #validate #command #register)
}

/// An impl with what a message of a type parameter needs.
fn implement(
    input: &DeriveInput,
    krate: &Krate,
    what: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let private = krate.private();
    let generics = shadow::with_bounds(&input.generics, &shadow::storable(&private));
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let name = &input.ident;
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::#what for #name #ty_generics #where_clause { #body }
    }
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

    pub(super) fn implement(&self, what: &TokenStream, body: &TokenStream) -> TokenStream {
        implement(self.input, self.krate, what, body)
    }

    /// Generic messages have no one instance that could register itself.
    pub(super) fn register(
        &self,
        kind: &str,
        name: &str,
        version: u32,
        shape: Option<TokenStream>,
        policy: &TokenStream,
    ) -> TokenStream {
        if !self.input.generics.params.is_empty() {
            return TokenStream::new();
        }
        let (private, ident) = (self.krate.private(), &self.input.ident);
        let shape = match shape {
            Some(shape) => quote!(::core::option::Option::Some(const { #shape })),
            None => quote!(::core::option::Option::None),
        };
        let body = quote! {
            #private::Body::Message {
                type_id: ::core::any::TypeId::of::<#ident>,
                shape: #shape,
                policy: #policy,
            }
        };
        let (item, span) = (unraw(ident), ident.span());
        let (name, version) = (quote!(#name), quote!(#version));
        let literal = registration::literal(kind, &name, &version, &item, &body, span, self.krate);
        registration::register(&ident.to_token_stream(), &literal, self.krate)
    }
}

/// The field that names the aggregate: the marked one, otherwise the first,
/// unless another has the same type.
fn targets(input: &DeriveInput, krate: &Krate, ctxt: &mut Ctxt) -> TokenStream {
    let syn::Data::Struct(data) = &input.data else {
        let message =
            format!("make `{}` a struct: `#[derive(Command)]` goes on structs", input.ident);
        let nothing = ctxt.error_type(&input.ident, Code::WRONG_ITEM, message);
        return implement_targets(input, &nothing, &quote!(::core::unreachable!()), krate);
    };
    let is_mark = |attr: &&syn::Attribute| attr.path().is_ident("id");
    let is_marked = |field: &&Field| field.attrs.iter().any(|attr| is_mark(&attr));
    let fields: Vec<&Field> = data.fields.iter().collect();
    for mark in fields.iter().flat_map(|field| field.attrs.iter().filter(is_mark)) {
        if !matches!(mark.meta, syn::Meta::Path(_)) {
            ctxt.error(mark, Code::ATTRIBUTE_VALUE, "write `#[id]` alone");
        }
    }
    let mut marked = fields.iter().copied().filter(is_marked);
    let first_marked = marked.next();
    for second in marked {
        let at = second.attrs.iter().find(is_mark);
        let text = "remove this `#[id]`: a command is for one aggregate";
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
    implement_targets(input, &field.ty, &quote!(&self.#member), krate)
}

fn implement_targets(
    input: &DeriveInput,
    id: &syn::Type,
    target: &TokenStream,
    krate: &Krate,
) -> TokenStream {
    let body = quote! {
        type Id = #id;
        fn target(&self) -> &Self::Id { #target }
    };
    implement(input, krate, &quote!(Targets), &body)
}

/// A command whose handler lives in another crate says what it answers.
fn contract(input: &DeriveInput, args: &Args, krate: &Krate, ctxt: &mut Ctxt) -> TokenStream {
    let (output, error) = (args.ty("output"), args.ty("error"));
    if output.is_none() && error.is_none() {
        return TokenStream::new();
    }
    let error = error.cloned().unwrap_or_else(|| {
        let at = args.key("output").unwrap_or(&input.ident);
        let message = "add `error = ..` beside `output = ..`";
        ctxt.error_type(at, Code::MISSING_ATTRIBUTE, message)
    });
    let (private, name) = (krate.private(), &input.ident);
    let output = output.map_or_else(|| quote!(()), ToTokens::to_token_stream);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    // At the key, where the compiler then shows one of two handlers.
    let key = args.key("error").or_else(|| args.key("output")).unwrap_or(&input.ident);
    let mut target = name.clone();
    target.set_span(key.span().resolved_at(name.span()));
    quote_spanned! {key.span()=>
        #[automatically_derived]
        impl #impl_generics #private::OneHandlerFor<#name #ty_generics>
            for #target #ty_generics #where_clause
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
    let serde = shadow::stub(name, &input.generics, krate);
    let message = implement(
        input,
        krate,
        what,
        &quote! {
            const NAME: &'static str = "";
            const VERSION: #private::SchemaVersion = #private::SchemaVersion::FIRST;
            #more
        },
    );
    quote! {
        impl #impl_generics #private::Validate for #name #ty_generics #where_clause {}
        #serde
        #message
    }
}
