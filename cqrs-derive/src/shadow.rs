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
    let semi = matches!(fields, Fields::Unnamed(_)).then(|| quote!(;));
    let where_clause = &generics.where_clause;
    let params = &generics.params;
    let (_, ty_generics, _) = generics.split_for_impl();
    let ser = with_bounds(generics, &quote!(#private::serde::Serialize));
    let (ser_impl, _, ser_where) = ser.split_for_impl();
    let mut de = with_bounds(generics, &quote!(#private::serde::Deserialize<'de>));
    de.params.insert(0, syn::parse_quote!('de));
    let (de_impl, _, de_where) = de.split_for_impl();
    quote! {
        #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
        #[serde(crate = #serde, remote = #remote)]
        #(#attrs)*
        #[allow(dead_code, clippy::all, clippy::pedantic)]
        struct #shadow <#params> #where_clause #body #semi

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

/// The generics with a bound on each type parameter.
pub(crate) fn with_bounds(generics: &Generics, bound: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.bounds.push(syn::parse_quote!(#bound));
    }
    generics
}

/// Refuses the serde attributes of an event enum: none of them could have
/// the effect that its author expects.
pub(crate) fn refuse_container_attrs(attrs: &[Attribute], ctxt: &mut Ctxt) {
    for attr in serde_attrs(attrs) {
        let message = "an event enum takes no serde attributes: each variant is stored as its \
                       content alone, under a type name of its own; rename a type with \
                       `#[event(name = \"..\")]` and put `#[serde(..)]` on the variant or field";
        ctxt.error(attr, Code::SERDE_ATTRIBUTE, message);
    }
}
