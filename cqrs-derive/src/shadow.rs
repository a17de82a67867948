//! Serialisation of the user's types without asking for serde's derives: a
//! private copy of the type with `#[serde(remote = ..)]`, to which the impls
//! for the type itself forward.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Fields, Generics};

use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

/// The serde attributes among others.
pub(crate) fn serde_attrs(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("serde")).collect()
}

/// Fields with their serde attributes and nothing else.
pub(crate) fn bare_fields(fields: &Fields) -> TokenStream {
    let field = |field: &syn::Field| {
        let attrs = serde_attrs(&field.attrs);
        let ty = &field.ty;
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

/// Both impls for a struct, through a shadow of it.
pub(crate) fn for_struct(
    name: &Ident,
    attrs: &[Attribute],
    generics: &Generics,
    fields: &Fields,
    krate: &Krate,
) -> TokenStream {
    let (private, serde) = (krate.private(), krate.serde());
    let shadow = format_ident!("__{}Shadow", crate::case::unraw(name));
    let remote = name.to_string();
    let attrs = serde_attrs(attrs);
    let body = bare_fields(fields);
    let where_clause = &generics.where_clause;
    let params = &generics.params;
    let body = match fields {
        Fields::Unnamed(_) => quote!(#body #where_clause;),
        _ => quote!(#where_clause #body),
    };
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
        struct #shadow <#params> #body

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

/// What a type parameter of a message or event must be.
pub(crate) fn storable(private: &TokenStream) -> [TokenStream; 5] {
    [
        quote!(#private::serde::Serialize),
        quote!(#private::serde::de::DeserializeOwned),
        quote!(::core::marker::Send),
        quote!(::core::marker::Sync),
        quote!('static),
    ]
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
                    if matches!(&token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ',')
                    {
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
