//! `#[derive(Id)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Fields, Type};

use super::{in_const, parse};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::last_name;
use crate::krate::Krate;
use crate::shadow;

const KEYS: &Keys = &[("crate", Form::Path)];

/// Inner types whose ids are `Copy`.
const COPY: &[&str] =
    &["u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "Uuid"];

/// Well-known types that cannot be inside an id, to say so at once.
const NEVER: &[&str] =
    &["f32", "f64", "bool", "char", "Option", "Vec", "Box", "HashMap", "BTreeMap", "HashSet"];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::of(&input.attrs, "id", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let inner = inner(&input, &mut ctxt);
    match (ctxt.finish(), inner) {
        (None, Some(inner)) => in_const(&expand(&input, inner, &krate)),
        (errors, _) => {
            let stub = in_const(&stub(&input, &krate));
            quote!(#errors #stub)
        }
    }
}

/// The one field of a tuple struct.
fn inner<'a>(input: &'a DeriveInput, ctxt: &mut Ctxt) -> Option<&'a Type> {
    let name = &input.ident;
    if !input.generics.params.is_empty() {
        let message = format!("remove the parameters of `{name}`: an id is not generic");
        ctxt.error(&input.generics.params, Code::WRONG_ITEM, message);
        return None;
    }
    let field = match &input.data {
        syn::Data::Struct(syn::DataStruct { fields: Fields::Unnamed(fields), .. })
            if fields.unnamed.len() == 1 =>
        {
            fields.unnamed.first()
        }
        _ => None,
    };
    let Some(field) = field else {
        let message = format!("write `struct {name}(String);`: an id is a struct around one value");
        ctxt.error(name, Code::WRONG_ITEM, message);
        return None;
    };
    if last_name(&field.ty).is_none_or(|name| NEVER.contains(&name.as_str())) {
        let message = "put a `String`, a `Uuid` or an integer here: an id has a text form that \
                       reads back, and an order";
        ctxt.error(&field.ty, Code::WRONG_ITEM, message);
        return None;
    }
    Some(&field.ty)
}

fn expand(input: &DeriveInput, inner: &Type, krate: &Krate) -> TokenStream {
    let (private, name) = (krate.private(), &input.ident);
    let text = unraw(name);
    let last = last_name(inner).unwrap_or_default();
    let copy = COPY
        .contains(&last.as_str())
        .then(|| quote!(#[automatically_derived] impl ::core::marker::Copy for #name {}));
    let from_str_slice = (last == "String").then(|| {
        quote! {
            #[automatically_derived]
            impl ::core::convert::From<&str> for #name {
                fn from(text: &str) -> Self { Self(::core::convert::From::from(text)) }
            }
        }
    });
    let values = values(name, inner, &private);
    let keys = keys(name, inner, &text, &private);
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
        impl #private::Schema for #name {
            const SHAPE: &'static #private::Shape = <#inner as #private::Schema>::SHAPE;
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

/// After a mistake: what an id can do, without content.
fn stub(input: &DeriveInput, krate: &Krate) -> TokenStream {
    let (private, name) = (krate.private(), &input.ident);
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let implement = |what: TokenStream, body: TokenStream| {
        quote! {
            impl #impl_generics #what for #name #ty_generics #where_clause { #body }
        }
    };
    let nothing = quote!({ ::core::unreachable!() });
    let format = quote! {
        fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result #nothing
    };
    let impls = [
        shadow::stub(name, &input.generics, krate),
        implement(quote!(::core::clone::Clone), quote!(fn clone(&self) -> Self #nothing)),
        implement(quote!(::core::cmp::PartialEq), quote!(fn eq(&self, _: &Self) -> bool #nothing)),
        implement(quote!(::core::cmp::Eq), quote!()),
        implement(
            quote!(::core::cmp::PartialOrd),
            quote! {
                fn partial_cmp(&self, _: &Self) -> ::core::option::Option<::core::cmp::Ordering>
                    #nothing
            },
        ),
        implement(
            quote!(::core::cmp::Ord),
            quote!(fn cmp(&self, _: &Self) -> ::core::cmp::Ordering #nothing),
        ),
        implement(
            quote!(::core::hash::Hash),
            quote!(fn hash<__H: ::core::hash::Hasher>(&self, _: &mut __H) #nothing),
        ),
        implement(quote!(::core::fmt::Display), format.clone()),
        implement(quote!(::core::fmt::Debug), format),
        implement(quote!(::core::convert::From<&str>), quote!(fn from(_: &str) -> Self #nothing)),
        implement(
            quote!(::core::convert::From<#private::std::string::String>),
            quote!(fn from(_: #private::std::string::String) -> Self #nothing),
        ),
        implement(
            quote!(#private::AggregateId),
            quote! {
                fn to_key(&self) -> #private::std::borrow::Cow<'_, str> #nothing
                fn from_key(_: &str) -> ::core::result::Result<Self, #private::InvalidId> #nothing
            },
        ),
        implement(
            quote!(::core::str::FromStr),
            quote! {
                type Err = #private::InvalidId;
                fn from_str(_: &str) -> ::core::result::Result<Self, Self::Err> #nothing
            },
        ),
        implement(
            quote!(#private::Schema),
            quote! {
                const SHAPE: &'static #private::Shape =
                    &#private::Shape::Scalar(#private::Scalar::Unit);
            },
        ),
        implement(
            quote!(#private::TableKey),
            quote! {
                fn encode_key(&self, _: &mut #private::std::vec::Vec<u8>) #nothing
                fn decode_key(_: &mut &[u8]) -> ::core::option::Option<Self> #nothing
            },
        ),
    ];
    // Parameters that a stub cannot bound would be errors of their own.
    if input.generics.params.is_empty() { impls.into_iter().collect() } else { TokenStream::new() }
}
