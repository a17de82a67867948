//! Serialisation of the user's types without asking for serde's derives. What
//! serde's attributes or parameters say is left to serde: a
//! private copy of the type with `#[serde(remote = ..)]`, to which the impls
//! for the type itself forward.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Data, DeriveInput, Fields, Generics};

use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::fields as plain;
use crate::krate::Krate;

/// The serde attributes among others.
pub(crate) fn serde_attrs(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("serde")).collect()
}

/// Fields with their serde attributes and nothing else, of the type `own`.
pub(crate) fn bare_fields(fields: &Fields, own: &TokenStream) -> TokenStream {
    let field = |field: &syn::Field| {
        let attrs = serde_attrs(&field.attrs);
        let ty = named(field.ty.to_token_stream(), own);
        let name = field.ident.as_ref().map(|name| quote!(#name:));
        quote!(#(#attrs)* #name #ty)
    };
    match fields {
        Fields::Named(named) => {
            let fields = named.named.iter().map(field);
            quote!({ #(#fields),* })
        }
        Fields::Unnamed(unnamed) => {
            let fields = unnamed.unnamed.iter().map(field);
            quote!((#(#fields),*))
        }
        Fields::Unit => quote!({}),
    }
}

/// A type in which `Self` has its name, since the shadow is another type.
pub(crate) fn named(ty: TokenStream, own: &TokenStream) -> TokenStream {
    let one = |token: TokenTree| match token {
        TokenTree::Ident(ident) if ident == "Self" => own.clone(),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), named(group.stream(), own));
            inner.set_span(group.span());
            TokenStream::from(TokenTree::Group(inner))
        }
        token => TokenStream::from(token),
    };
    ty.into_iter().flat_map(one).collect()
}

/// The name of a type with its parameters.
pub(crate) fn own(name: &Ident, generics: &Generics) -> TokenStream {
    let (_, ty_generics, _) = generics.split_for_impl();
    quote!(#name #ty_generics)
}

/// Both impls for a struct, written out or through a shadow of it.
pub(crate) fn for_struct(
    name: &Ident,
    attrs: &[Attribute],
    generics: &Generics,
    fields: &Fields,
    krate: &Krate,
) -> TokenStream {
    if plain::are_bare(attrs, generics, fields) {
        let shown = crate::case::unraw(name);
        let read = plain::read(name, &shown, fields, &name.to_token_stream(), krate);
        let write = plain::write(name, fields, krate);
        return quote!(#write #read);
    }
    let shadow = shadow_name(name);
    let body = bare_fields(fields, &own(name, generics));
    let (params, where_clause) = (&generics.params, &generics.where_clause);
    let body = match fields {
        Fields::Unnamed(_) => quote!(#body #where_clause;),
        _ => quote!(#where_clause #body),
    };
    through(name, attrs, generics, &quote!(struct #shadow <#params> #body), krate)
}

/// Both impls for a struct or an enum, through a shadow of it.
pub(crate) fn for_input(input: &DeriveInput, krate: &Krate) -> TokenStream {
    let DeriveInput { ident, attrs, generics, .. } = input;
    match &input.data {
        Data::Struct(data) if matches!(data.fields, Fields::Unit) => {
            let (shadow, params) = (shadow_name(ident), &generics.params);
            let where_clause = &generics.where_clause;
            let copy = quote!(struct #shadow <#params> #where_clause;);
            through(ident, attrs, generics, &copy, krate)
        }
        Data::Struct(data) => for_struct(ident, attrs, generics, &data.fields, krate),
        Data::Enum(data) => {
            let (shadow, params) = (shadow_name(ident), &generics.params);
            let where_clause = &generics.where_clause;
            let own = own(ident, generics);
            let variants = data.variants.iter().map(|variant| {
                let (name, attrs) = (&variant.ident, serde_attrs(&variant.attrs));
                let fields = match &variant.fields {
                    Fields::Unit => TokenStream::new(),
                    fields => bare_fields(fields, &own),
                };
                quote!(#(#attrs)* #name #fields)
            });
            let copy = quote!(enum #shadow <#params> #where_clause { #(#variants),* });
            through(ident, attrs, generics, &copy, krate)
        }
        Data::Union(_) => TokenStream::new(),
    }
}

fn shadow_name(name: &Ident) -> Ident {
    format_ident!("__{}Shadow", crate::case::unraw(name))
}

/// A copy of the type under its shadow's name, and both impls through it.
fn through(
    name: &Ident,
    attrs: &[Attribute],
    generics: &Generics,
    copy: &TokenStream,
    krate: &Krate,
) -> TokenStream {
    let (private, serde) = (krate.private(), krate.serde());
    let (shadow, remote, attrs) = (shadow_name(name), name.to_string(), serde_attrs(attrs));
    let (_, ty_generics, _) = generics.split_for_impl();
    let ser = with_bounds(generics, &[quote!(#private::serde::Serialize)]);
    let (ser_impl, _, ser_where) = ser.split_for_impl();
    let mut de = with_bounds(generics, &[quote!(#private::serde::Deserialize<'de>)]);
    de.params.insert(0, syn::parse_quote!('de));
    let (de_impl, _, de_where) = de.split_for_impl();
    quote! {
        #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
        #[serde(crate = #serde, remote = #remote)]
        #(#attrs)*
        #[allow(dead_code, clippy::all, clippy::pedantic)]
        #copy

        #[automatically_derived]
        impl #ser_impl #private::serde::Serialize for #name #ty_generics #ser_where {
            fn serialize<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                <#shadow #ty_generics>::serialize(self, serializer)
            }
        }

        #[automatically_derived]
        impl #de_impl #private::serde::Deserialize<'de> for #name #ty_generics #de_where {
            fn deserialize<__D: #private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                <#shadow #ty_generics>::deserialize(deserializer)
            }
        }
    }
}

/// After a mistake: both impls without content.
pub(crate) fn stub(name: &Ident, generics: &Generics, krate: &Krate) -> TokenStream {
    let private = krate.private();
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let mut de = generics.clone();
    de.params.insert(0, syn::parse_quote!('de));
    let (de_generics, _, _) = de.split_for_impl();
    quote! {
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
    }
}

/// The generics with bounds on each type parameter.
pub(crate) fn with_bounds(generics: &Generics, bounds: &[TokenStream]) -> Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.extend(
            bounds.iter().map(|bound| -> syn::TypeParamBound { syn::parse_quote!(#bound) }),
        );
    }
    generics
}

/// What a type parameter of a message must be.
pub(crate) fn storable(private: &TokenStream) -> [TokenStream; 5] {
    [
        quote!(#private::serde::Serialize),
        quote!(#private::serde::de::DeserializeOwned),
        quote!(::core::marker::Send),
        quote!(::core::marker::Sync),
        quote!('static),
    ]
}

/// What a type parameter of an event or a stored state must be.
pub(crate) fn persisted(private: &TokenStream) -> Vec<TokenStream> {
    let mut bounds = storable(private).to_vec();
    bounds.push(quote!(#private::Schema));
    bounds
}

/// Refuses the serde attributes of an event enum: none of them could have
/// the effect that its author expects.
pub(crate) fn refuse_container_attrs(attrs: &[Attribute], ctxt: &mut Ctxt) {
    for attr in serde_attrs(attrs) {
        let message = "remove this: serde's attributes have no effect on an event enum\nhelp: each \
                       variant is stored as its content alone, under a type name of its own; \
                       rename that with `#[event(name = \"..\")]`, and fields with \
                       `#[serde(rename_all = \"..\")]` on the variant or `#[serde(..)]` on the field";
        ctxt.error(attr, Code::SERDE_ATTRIBUTE, message);
    }
}

/// Refuses what serde could only apply to the tag, which is not stored.
pub(crate) fn refuse_variant_attrs(attrs: &[Attribute], ctxt: &mut Ctxt) {
    for attr in serde_attrs(attrs) {
        let checked = attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident("rename_all") {
                let message = "remove this: of serde's attributes a variant takes `rename_all` \
                               alone\nhelp: its stored name is `#[event(name = \"..\")]`";
                ctxt.error(&meta.path, Code::SERDE_ATTRIBUTE, message);
            }
            let _: TokenStream = meta.input.step(|cursor| {
                let mut rest = *cursor;
                let mut value = TokenStream::new();
                while let Some((token, next)) = rest.token_tree() {
                    if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
                        break;
                    }
                    value.extend([token]);
                    rest = next;
                }
                Ok((value, rest))
            })?;
            Ok(())
        });
        if let Err(error) = checked {
            ctxt.push(error);
        }
    }
}
