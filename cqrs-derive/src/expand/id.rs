//! `#[derive(Id)]`

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, Fields, Type};

use super::{in_const, parse};
use crate::args::{Args, Form};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

const KEYS: &[(&str, Form)] = &[("crate", Form::Path)];

/// Inner types whose ids are `Copy`.
const COPY: &[&str] =
    &["u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "Uuid"];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::of(&input.attrs, "id", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let inner = inner(&input, &mut ctxt);
    let body = inner.map(|inner| expand(&input, inner, &krate));
    match (ctxt.finish(), body) {
        (None, Some(body)) => in_const(&body),
        (errors, _) => errors.unwrap_or_default(),
    }
}

/// The one field of a tuple struct.
fn inner<'a>(input: &'a DeriveInput, ctxt: &mut Ctxt) -> Option<&'a Type> {
    if let syn::Data::Struct(data) = &input.data
        && let Fields::Unnamed(fields) = &data.fields
        && fields.unnamed.len() == 1
        && input.generics.params.is_empty()
    {
        return fields.unnamed.first().map(|field| &field.ty);
    }
    let name = &input.ident;
    let message = format!("an id is a struct around one value: `struct {name}(String);`");
    ctxt.error(name, Code::WRONG_ITEM, message);
    None
}

fn expand(input: &DeriveInput, inner: &Type, krate: &Krate) -> TokenStream {
    let (private, name) = (krate.private(), &input.ident);
    let text = unraw(name);
    let last = match inner {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    };
    let last = last.unwrap_or_default();
    let copy = COPY
        .contains(&last.as_str())
        .then(|| quote!(#[automatically_derived] impl ::core::marker::Copy for #name {}));
    let from_str_slice = (last == "String").then(|| {
        quote! {
            #[automatically_derived]
            impl ::core::convert::From<&str> for #name {
                fn from(text: &str) -> Self { Self(text.into()) }
            }
        }
    });
    let values = values(name, inner, &private);
    let keys = keys(name, inner, &text, &private);
    let _ = inner.to_token_stream();
    quote!(#copy #from_str_slice #values #keys)
}

/// What a plain value can do.
fn values(name: &syn::Ident, inner: &Type, private: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::core::clone::Clone for #name {
            fn clone(&self) -> Self { Self(::core::clone::Clone::clone(&self.0)) }
        }
        #[automatically_derived]
        impl ::core::cmp::PartialEq for #name {
            fn eq(&self, other: &Self) -> bool { self.0 == other.0 }
        }
        #[automatically_derived]
        impl ::core::cmp::Eq for #name {}
        #[automatically_derived]
        impl ::core::cmp::PartialOrd for #name {
            fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
                ::core::option::Option::Some(::core::cmp::Ord::cmp(self, other))
            }
        }
        #[automatically_derived]
        impl ::core::cmp::Ord for #name {
            fn cmp(&self, other: &Self) -> ::core::cmp::Ordering {
                ::core::cmp::Ord::cmp(&self.0, &other.0)
            }
        }
        #[automatically_derived]
        impl ::core::hash::Hash for #name {
            fn hash<__H: ::core::hash::Hasher>(&self, state: &mut __H) {
                ::core::hash::Hash::hash(&self.0, state);
            }
        }
        #[automatically_derived]
        impl ::core::fmt::Display for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.0, f)
            }
        }
        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.0, f)
            }
        }
        #[automatically_derived]
        impl ::core::convert::From<#inner> for #name {
            fn from(inner: #inner) -> Self { Self(inner) }
        }
        #[automatically_derived]
        impl #private::serde::Serialize for #name {
            fn serialize<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                <#inner as #private::serde::Serialize>::serialize(&self.0, serializer)
            }
        }
        #[automatically_derived]
        impl<'de> #private::serde::Deserialize<'de> for #name {
            fn deserialize<__D: #private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                <#inner as #private::serde::Deserialize<'de>>::deserialize(deserializer).map(Self)
            }
        }
    }
}

/// What an id can do.
fn keys(name: &syn::Ident, inner: &Type, text: &str, private: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl #private::AggregateId for #name {
            fn to_key(&self) -> #private::std::borrow::Cow<'_, str> {
                <#inner as #private::AggregateId>::to_key(&self.0)
            }
            fn from_key(key: &str) -> ::core::result::Result<Self, #private::InvalidId> {
                <#inner as #private::AggregateId>::from_key(key)
                    .map(Self)
                    .map_err(|_| #private::InvalidId::new(key, #text))
            }
        }
        #[automatically_derived]
        impl ::core::str::FromStr for #name {
            type Err = #private::InvalidId;
            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                <Self as #private::AggregateId>::from_key(text)
            }
        }
        #[automatically_derived]
        impl #private::TableKey for #name {
            fn encode_key(&self, out: &mut #private::std::vec::Vec<u8>) {
                <#inner as #private::TableKey>::encode_key(&self.0, out);
            }
            fn decode_key(bytes: &mut &[u8]) -> ::core::option::Option<Self> {
                <#inner as #private::TableKey>::decode_key(bytes).map(Self)
            }
        }
    }
}
