//! Serialisation of a struct without serde attributes and parameters. The
//! part that depends on its fields is written out; what is the same for every
//! struct stands once in the library, so that a compiler reads it once.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Fields, Generics, Index};

use crate::case::unraw;
use crate::krate::Krate;
use crate::shadow::{named, serde_attrs};

/// Whether serde's own derive has nothing to add.
pub(crate) fn are_bare(attrs: &[Attribute], generics: &Generics, fields: &Fields) -> bool {
    let without = |attrs: &[Attribute]| serde_attrs(attrs).is_empty();
    without(attrs)
        && generics.params.is_empty()
        && generics.where_clause.is_none()
        && !matches!(fields, Fields::Unnamed(_))
        && fields.iter().all(|field| without(&field.attrs))
}

/// How the struct `name` is read. `shown` is its name in messages, `own` the
/// type that its fields call `Self`.
pub(crate) fn read(
    name: &Ident,
    shown: &str,
    fields: &Fields,
    own: &TokenStream,
    krate: &Krate,
) -> TokenStream {
    let private = krate.private();
    let names: Vec<_> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let keys: Vec<_> = names.iter().map(|name| unraw(name)).collect();
    let bytes = keys.iter().map(|key| syn::LitByteStr::new(key.as_bytes(), name.span()));
    let types: Vec<_> = fields.iter().map(|field| named(field.ty.to_token_stream(), own)).collect();
    let places: Vec<_> = (0..names.len()).map(Index::from).collect();
    let numbers = 0..names.len();
    let empty = names.iter().map(|_| quote!(::core::option::Option::None));
    let reads = places.iter().zip(&keys).zip(&types).map(|((place, key), ty)| {
        quote!(#place => #private::read_field::<#ty, __S>(&mut slots.#place, #key, source),)
    });
    let ends = places.iter().zip(&names).zip(&keys).zip(&types).map(|(((place, name), key), ty)| {
        quote!(#name: #private::field::<#ty, __E>(slots.#place, #key)?,)
    });
    quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl<'de> #private::Fields<'de> for #name {
            const NAME: &'static str = #shown;
            const NAMES: &'static [&'static str] = &[#(#keys),*];
            type Slots = (#(::core::option::Option<#types>,)*);

            #[inline]
            fn empty() -> Self::Slots {
                (#(#empty,)*)
            }

            #[inline]
            fn index(name: &[u8]) -> usize {
                match name {
                    #(#bytes => #numbers,)*
                    _ => usize::MAX,
                }
            }

            #[inline]
            fn read<__S: #private::Source<'de>>(
                slots: &mut Self::Slots,
                index: usize,
                source: &mut __S,
            ) -> ::core::result::Result<(), __S::Error> {
                match index {
                    #(#reads)*
                    _ => ::core::result::Result::Ok(()),
                }
            }

            #[inline]
            fn finish<__E: #private::serde::de::Error>(
                slots: Self::Slots,
            ) -> ::core::result::Result<Self, __E> {
                ::core::result::Result::Ok(Self { #(#ends)* })
            }
        }

        #[automatically_derived]
        impl<'de> #private::serde::Deserialize<'de> for #name {
            fn deserialize<__D: #private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                #private::read_fields(deserializer)
            }
        }
    }
}

/// How the struct `name` is written.
pub(crate) fn write(name: &Ident, fields: &Fields, krate: &Krate) -> TokenStream {
    let private = krate.private();
    let (shown, count) = (unraw(name), fields.len());
    let names: Vec<_> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let keys = names.iter().map(|name| unraw(name));
    let types = fields.iter().map(|field| &field.ty);
    let each = names.iter().zip(keys).zip(types).map(
        |((name, key), ty)| quote!(#private::write_field::<#ty, _>(&mut out, #key, &self.#name)?;),
    );
    let mutable = (count > 0).then(|| quote!(mut));
    quote! {
        #[automatically_derived]
        impl #private::serde::Serialize for #name {
            fn serialize<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                let #mutable out = serializer.serialize_struct(#shown, #count)?;
                #(#each)*
                #private::serde::ser::SerializeStruct::end(out)
            }
        }
    }
}
