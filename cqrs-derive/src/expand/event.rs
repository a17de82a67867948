//! `#[derive(Event)]`

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Field, Fields, Variant};

use super::{in_const, parse, qualified, registration};
use crate::args::{Args, Form, Keys, check_name};
use crate::case::{snake, unraw};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::shadow;

const ENUM_KEYS: &Keys = &[
    ("prefix", Form::Text),
    ("codec", Form::Type),
    ("crate", Form::Path),
    ("name", Form::Elsewhere("on the variants")),
    ("version", Form::Elsewhere("on the variants")),
    ("tag", Form::Elsewhere("on the fields")),
];
const STRUCT_KEYS: &Keys = &[
    ("name", Form::Text),
    ("version", Form::Number),
    ("codec", Form::Type),
    ("crate", Form::Path),
    ("prefix", Form::Elsewhere("on an enum of events")),
    ("tag", Form::Elsewhere("on the fields")),
];
const VARIANT_KEYS: &Keys = &[
    ("name", Form::Text),
    ("version", Form::Number),
    ("prefix", Form::Elsewhere("on the enum")),
    ("codec", Form::Elsewhere("on the enum")),
    ("crate", Form::Elsewhere("on the enum")),
    ("tag", Form::Elsewhere("on the fields")),
];
const FIELD_KEYS: &Keys = &[
    ("tag", Form::FlagOrText),
    ("name", Form::Elsewhere("on the variant or struct")),
    ("version", Form::Elsewhere("on the variant or struct")),
];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let keys = if matches!(input.data, Data::Enum(_)) { ENUM_KEYS } else { STRUCT_KEYS };
    let args = Args::of(&input.attrs, "event", keys, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let codec = match args.ty("codec") {
        Some(codec) => codec.to_token_stream(),
        None => {
            let private = krate.private();
            quote!(#private::Json)
        }
    };
    let target = Target { input: &input, krate: &krate, codec };
    let body = match &input.data {
        Data::Enum(data) => {
            shadow::refuse_container_attrs(&input.attrs, &mut ctxt);
            let prefix = prefix(&input.ident, &args, &mut ctxt);
            let variants = data.variants.iter();
            let kinds: Vec<Kind<'_>> =
                variants.map(|variant| Kind::of(variant, &prefix, &mut ctxt)).collect();
            refuse_duplicates(&kinds, &mut ctxt);
            target.for_enum(&kinds, &mut ctxt)
        }
        Data::Struct(data) => target.for_struct(&data.fields, &args, &mut ctxt),
        Data::Union(_) => {
            let message =
                format!("make `{}` an enum of events or the struct of one event", input.ident);
            ctxt.error(&input.ident, Code::WRONG_ITEM, message);
            TokenStream::new()
        }
    };
    match ctxt.finish() {
        None => in_const(&body),
        Some(errors) => {
            let stub = in_const(&target.stub());
            quote!(#errors #stub)
        }
    }
}

/// `AccountEvent` gives `account`.
fn prefix(ident: &Ident, args: &Args, ctxt: &mut Ctxt) -> String {
    if let Some(prefix) = args.text("prefix") {
        let is_name = prefix.value().is_empty() || check_name(prefix, ctxt);
        return if is_name { prefix.value() } else { String::new() };
    }
    let name = unraw(ident);
    let stem = name.strip_suffix("Events").or_else(|| name.strip_suffix("Event"));
    snake(stem.filter(|stem| !stem.is_empty()).unwrap_or(&name))
}

/// One event type of an enum.
struct Kind<'a> {
    variant: &'a Variant,
    name: String,
    version: u32,
    /// The event struct, where the variant is a newtype over one.
    inner: Option<&'a Field>,
    tags: Vec<(&'a Ident, String)>,
}

impl<'a> Kind<'a> {
    fn of(variant: &'a Variant, prefix: &str, ctxt: &mut Ctxt) -> Self {
        let args = Args::of(&variant.attrs, "event", VARIANT_KEYS, ctxt);
        let default = snake(&unraw(&variant.ident));
        let default = if prefix.is_empty() { default } else { format!("{prefix}.{default}") };
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
        let name =
            if inner.is_some() { String::new() } else { args.name(default, &variant.ident, ctxt) };
        let version = args.version("version", ctxt);
        if inner.is_some() {
            for key in ["name", "version"].into_iter().filter_map(|key| args.key(key)) {
                let message = format!(
                    "put `{key}` on the event struct inside: it has a name and a version of its own"
                );
                ctxt.error(key, Code::VARIANT_SHAPE, message);
            }
        }
        shadow::refuse_variant_attrs(&variant.attrs, ctxt);
        let tags = tags(&variant.fields, ctxt);
        Self { variant, name, version, inner, tags }
    }
}

fn tags<'a>(fields: &'a Fields, ctxt: &mut Ctxt) -> Vec<(&'a Ident, String)> {
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

fn refuse_duplicates(kinds: &[Kind<'_>], ctxt: &mut Ctxt) {
    for (index, kind) in kinds.iter().enumerate().filter(|(_, kind)| kind.inner.is_none()) {
        let before = kinds.iter().take(index).filter(|kind| kind.inner.is_none());
        if let Some(other) = before.into_iter().find(|other| other.name == kind.name) {
            let message = format!(
                "give `{}` another `#[event(name = \"..\")]`: `{}` is stored as `{}` too",
                kind.variant.ident, other.variant.ident, kind.name
            );
            ctxt.error(&kind.variant.ident, Code::DUPLICATE_EVENT_NAME, message);
        }
    }
}

/// The type that the derive stands on.
struct Target<'a> {
    input: &'a DeriveInput,
    krate: &'a Krate,
    codec: TokenStream,
}

impl Target<'_> {
    fn for_enum(&self, kinds: &[Kind<'_>], ctxt: &mut Ctxt) -> TokenStream {
        if !ctxt.is_clean() {
            return TokenStream::new();
        }
        let private = self.krate.private();
        let shadows = self.shadows(kinds);
        let types = kinds.iter().map(|kind| self.event_type(kind));
        let type_arms = kinds.iter().enumerate().map(|(index, kind)| {
            let variant = &kind.variant.ident;
            quote!(Self::#variant { .. } => &<Self as #private::Event>::TYPES[#index],)
        });
        let event_type = if kinds.is_empty() {
            quote!(match *self {})
        } else {
            quote!(match self { #(#type_arms)* })
        };
        let tags = self.enum_tags(kinds);
        let decode_arms = kinds.iter().map(|kind| self.decode_arm(kind));
        let event = self.implement(&quote! {
            const TYPES: &'static [#private::EventType] = &[#(#types),*];
            fn event_type(&self) -> &'static #private::EventType { #event_type }
            #tags
            fn encode(
                &self,
                out: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::CodecError> {
                <Self::Codec as #private::Codec>::encode(&__Content(self), out)
            }
            fn decode(
                event: #private::EncodedEvent<'_>,
            ) -> ::core::result::Result<Self, #private::DecodeError> {
                match event.event_type {
                    #(#decode_arms)*
                    _ => ::core::result::Result::Err(event.unknown_type()),
                }
            }
        });
        let register = self.register();
        quote!(#shadows #event #register)
    }

    fn event_type(&self, kind: &Kind<'_>) -> TokenStream {
        let private = self.krate.private();
        if let Some(inner) = kind.inner {
            return qualified(&inner.ty, &quote!(#private::EventStruct), "TYPE");
        }
        let (name, version) = (&kind.name, kind.version);
        let line = quote_spanned!(kind.variant.ident.span()=> ::core::line!());
        quote!(#private::EventType::new(#name, #version, ::core::file!(), #line))
    }

    /// A shadow of the enum that writes content without a tag, and one of
    /// each variant that reads it.
    fn shadows(&self, kinds: &[Kind<'_>]) -> TokenStream {
        let (private, serde) = (self.krate.private(), self.krate.serde());
        let name = &self.input.ident;
        let remote = name.to_string();
        let generics = &self.input.generics;
        let (params, where_clause) = (&generics.params, &generics.where_clause);
        let (_, ty_generics, _) = generics.split_for_impl();
        let ser = shadow::with_bounds(generics, &[quote!(#private::serde::Serialize)]);
        let variants = kinds.iter().map(|kind| {
            let (variant, attrs) = (&kind.variant.ident, shadow::serde_attrs(&kind.variant.attrs));
            let fields = shadow::bare_fields(&kind.variant.fields);
            // An event struct writes itself.
            let skip = kind.inner.map(|_| quote!(#[serde(skip)]));
            quote!(#(#attrs)* #skip #variant #fields)
        });
        let inner = kinds.iter().filter_map(|kind| {
            let variant = &kind.variant.ident;
            let write = qualified(&kind.inner?.ty, &quote!(#private::EventStruct), "write");
            Some(quote!(#name::#variant(inner) => #write(inner, serializer),))
        });
        let readers = kinds.iter().filter(|kind| kind.inner.is_none()).map(|kind| {
            let reader = reader(kind);
            let attrs = shadow::serde_attrs(&kind.variant.attrs);
            let fields = shadow::bare_fields(&kind.variant.fields);
            let phantom = phantom(generics, &kind.variant.fields);
            let fields = phantom.unwrap_or(fields);
            quote! {
                #[derive(#private::serde::Deserialize)]
                #[serde(crate = #serde)]
                #(#attrs)*
                #[allow(dead_code, clippy::all, clippy::pedantic)]
                struct #reader <#params> #where_clause #fields
            }
        });
        let serialize = if kinds.is_empty() {
            quote!({
                let _ = serializer;
                match *self.0 {}
            })
        } else {
            quote! {
                match self.0 {
                    #(#inner)*
                    #[allow(unreachable_patterns)]
                    plain => <__Writer #ty_generics>::serialize(plain, serializer),
                }
            }
        };
        let writer = (!kinds.is_empty()).then(|| {
            quote! {
                #[derive(#private::serde::Serialize)]
                #[serde(crate = #serde, remote = #remote, untagged)]
                #[allow(dead_code, clippy::all, clippy::pedantic)]
                enum __Writer <#params> #where_clause { #(#variants),* }
            }
        });
        let mut content = ser;
        content.params.insert(0, syn::parse_quote!('__a));
        let (content_impl, content_ty, _) = content.split_for_impl();
        let mut plain = generics.clone();
        plain.params.insert(0, syn::parse_quote!('__a));
        let plain_params = &plain.params;
        quote! {
            #writer
            struct __Content <#plain_params> (&'__a #name #ty_generics) #where_clause;
            #[automatically_derived]
            impl #content_impl #private::serde::Serialize for __Content #content_ty #where_clause {
                fn serialize<__S: #private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    #serialize
                }
            }
            #(#readers)*
        }
    }

    fn enum_tags(&self, kinds: &[Kind<'_>]) -> TokenStream {
        let private = self.krate.private();
        let arms = kinds.iter().filter_map(|kind| {
            let variant = &kind.variant.ident;
            if kind.inner.is_some() {
                let inner = kind.inner.map(|inner| &inner.ty);
                let tags = qualified(&inner, &quote!(#private::EventStruct), "words");
                return Some(quote!(Self::#variant(inner) => #tags(inner),));
            }
            let (fields, tags) = tag_parts(&kind.tags, &private)?;
            Some(quote!(Self::#variant { #(#fields,)* .. } => { #tags }))
        });
        let arms: Vec<TokenStream> = arms.collect();
        if arms.is_empty() {
            return TokenStream::new();
        }
        quote! {
            fn tags(&self) -> ::core::result::Result<#private::Tags, #private::InvalidInput> {
                #[allow(unreachable_patterns)]
                match self {
                    #(#arms)*
                    _ => ::core::result::Result::Ok(#private::Tags::NONE),
                }
            }
        }
    }

    fn decode_arm(&self, kind: &Kind<'_>) -> TokenStream {
        let private = self.krate.private();
        let variant = &kind.variant.ident;
        if let Some(inner) = kind.inner {
            let event = quote!(#private::EventStruct);
            let one = qualified(&inner.ty, &event, "TYPE");
            let read = qualified(&inner.ty, &event, "read");
            return quote! {
                name if name == #one.name => #read(event).map(Self::#variant),
            };
        }
        let (name, version, reader) = (&kind.name, kind.version, reader(kind));
        let fields: Vec<&Ident> =
            kind.variant.fields.iter().filter_map(|field| field.ident.as_ref()).collect();
        let (_, ty_generics, _) = self.input.generics.split_for_impl();
        quote! {
            #name => {
                let #reader { #(#fields,)* .. } = event
                    .content::<#reader #ty_generics, Self::Codec>(#private::SchemaVersion::new(#version))?;
                ::core::result::Result::Ok(Self::#variant { #(#fields),* })
            }
        }
    }

    fn for_struct(&self, fields: &Fields, args: &Args, ctxt: &mut Ctxt) -> TokenStream {
        let private = self.krate.private();
        let ident = &self.input.ident;
        let name = args.name(snake(&unraw(ident)), ident, ctxt);
        let version = args.version("version", ctxt);
        if let Fields::Unnamed(unnamed) = fields {
            let message = "give the fields names\nhelp: only what has names can change and still \
                           read old events";
            ctxt.error(unnamed, Code::VARIANT_SHAPE, message);
        }
        let tags = tag_parts(&tags(fields, ctxt), &private).map(|(fields, tags)| {
            quote! {
                fn tags(&self) -> ::core::result::Result<#private::Tags, #private::InvalidInput> {
                    let Self { #(#fields,)* .. } = self;
                    #tags
                }
            }
        });
        let DeriveInput { attrs, generics, .. } = self.input;
        let serde = shadow::for_struct(ident, attrs, generics, fields, self.krate);
        let line = quote_spanned!(ident.span()=> ::core::line!());
        let event = self.implement(&quote! {
            const TYPES: &'static [#private::EventType] =
                &[<Self as #private::EventStruct>::TYPE];
            fn event_type(&self) -> &'static #private::EventType {
                &<Self as #private::Event>::TYPES[0]
            }
            #tags
            fn encode(
                &self,
                out: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::CodecError> {
                <Self::Codec as #private::Codec>::encode(self, out)
            }
            fn decode(
                event: #private::EncodedEvent<'_>,
            ) -> ::core::result::Result<Self, #private::DecodeError> {
                if event.event_type == #name {
                    event.content::<Self, Self::Codec>(#private::SchemaVersion::new(#version))
                } else {
                    ::core::result::Result::Err(event.unknown_type())
                }
            }
        });
        let event_struct = self.implement_struct(&quote! {
            #private::EventType::new(#name, #version, ::core::file!(), #line)
        });
        quote!(#serde #event #event_struct)
    }

    /// That a struct is one event.
    fn implement_struct(&self, event_type: &TokenStream) -> TokenStream {
        let private = self.krate.private();
        let body = quote!(const TYPE: #private::EventType = #event_type;);
        self.implementation(&quote!(EventStruct), &body)
    }

    fn implement(&self, body: &TokenStream) -> TokenStream {
        let codec = &self.codec;
        self.implementation(&quote!(Event), &quote!(type Codec = #codec; #body))
    }

    fn implementation(&self, what: &TokenStream, body: &TokenStream) -> TokenStream {
        let (private, name) = (self.krate.private(), &self.input.ident);
        let generics = shadow::with_bounds(&self.input.generics, &shadow::storable(&private));
        let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
        quote! {
            #[automatically_derived]
            impl #impl_generics #private::#what for #name #ty_generics #where_clause { #body }
        }
    }

    fn register(&self) -> TokenStream {
        if !self.input.generics.params.is_empty() {
            return TokenStream::new();
        }
        let (private, ident) = (self.krate.private(), &self.input.ident);
        let body = quote!(#private::Body::Events { types: <#ident as #private::Event>::TYPES });
        let (item, span) = (unraw(ident), ident.span());
        let (name, version) = (quote!(#item), quote!(0));
        let literal =
            registration::literal("Event", &name, &version, &item, &body, span, self.krate);
        registration::register(&ident.to_token_stream(), &literal, self.krate)
    }

    /// After a mistake: an impl without content.
    fn stub(&self) -> TokenStream {
        let private = self.krate.private();
        let DeriveInput { ident, generics, .. } = self.input;
        let is_struct = matches!(self.input.data, Data::Struct(_));
        let serde = is_struct.then(|| shadow::stub(ident, generics, self.krate));
        let event_struct = is_struct
            .then(|| self.implement_struct(&quote!(#private::EventType::new("", 1, "", 0))));
        let event = self.implement(&quote! {
            const TYPES: &'static [#private::EventType] = &[];
            fn event_type(&self) -> &'static #private::EventType { ::core::unreachable!() }
            fn encode(
                &self,
                _: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::CodecError> {
                ::core::unreachable!()
            }
            fn decode(
                _: #private::EncodedEvent<'_>,
            ) -> ::core::result::Result<Self, #private::DecodeError> {
                ::core::unreachable!()
            }
        });
        quote!(#serde #event #event_struct)
    }
}

fn reader(kind: &Kind<'_>) -> Ident {
    format_ident!("__{}Content", unraw(&kind.variant.ident))
}

/// The fields to bind and the value of `tags()`.
fn tag_parts<'a>(
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

/// A reader of a generic enum must use every parameter.
fn phantom(generics: &syn::Generics, fields: &Fields) -> Option<TokenStream> {
    if generics.params.is_empty() {
        return None;
    }
    let types = generics.type_params().map(|param| &param.ident);
    let lifetimes = generics.lifetimes().map(|param| &param.lifetime);
    let bare = fields.iter().map(|field| {
        let (attrs, name, ty) = (shadow::serde_attrs(&field.attrs), &field.ident, &field.ty);
        quote!(#(#attrs)* #name: #ty,)
    });
    Some(quote!({
        #(#bare)*
        #[serde(skip)]
        __parameters: ::core::marker::PhantomData<(#(&#lifetimes (),)* #(fn() -> #types,)*)>
    }))
}
