//! What is stored of an event of an enum: the content of its variant alone.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Fields;

use super::Target;
use super::kind::Kind;
use crate::case::unraw;
use crate::expand::qualified;
use crate::{fields, shadow};

impl Target<'_> {
    /// A shadow of the enum that writes content without a tag, and one of
    /// each variant that reads it.
    pub(super) fn shadows(&self, kinds: &[Kind<'_>]) -> TokenStream {
        let (private, serde) = (self.krate.private(), self.krate.serde());
        let name = &self.input.ident;
        let remote = name.to_string();
        let generics = &self.input.generics;
        let own = shadow::own(name, generics);
        let (params, where_clause) = (&generics.params, &generics.where_clause);
        let (_, ty_generics, _) = generics.split_for_impl();
        let ser = shadow::with_bounds(generics, &[quote!(#private::serde::Serialize)]);
        let variants = kinds.iter().map(|kind| {
            let (variant, attrs) = (&kind.variant.ident, shadow::serde_attrs(&kind.variant.attrs));
            let fields = shadow::bare_fields(&kind.variant.fields, &own);
            // An event struct writes itself, and one that is unknown is not written.
            let skip = (!kind.is_inline()).then(|| quote!(#[serde(skip)]));
            quote!(#(#attrs)* #skip #variant #fields)
        });
        let inner = kinds.iter().filter_map(|kind| {
            let variant = &kind.variant.ident;
            if kind.unknown {
                let error = quote!(<__S::Error as #private::serde::ser::Error>::custom);
                let message = "an event that is unknown here cannot be stored";
                return Some(quote! {
                    #name::#variant(_) => ::core::result::Result::Err(#error(#message)),
                });
            }
            let write = qualified(&kind.inner?.ty, &quote!(#private::EventStruct), "write");
            Some(quote!(#name::#variant(inner) => #write(inner, serializer),))
        });
        let readers = kinds.iter().filter(|kind| kind.is_inline()).map(|kind| {
            let reader = reader(kind);
            let syn::Variant { ident, attrs, fields: stored, .. } = kind.variant;
            let bare = shadow::bare_fields(stored, &own);
            if fields::are_bare(attrs, generics, stored) {
                let read = fields::read(&reader, &unraw(ident), stored, &own, self.krate);
                return quote!(struct #reader #bare #read);
            }
            let attrs = shadow::serde_attrs(attrs);
            let fields = phantom(generics, stored, &own).unwrap_or(bare);
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
}

/// The struct that reads the content of a variant.
pub(super) fn reader(kind: &Kind<'_>) -> Ident {
    format_ident!("__{}Content", unraw(&kind.variant.ident))
}

/// A reader of a generic enum must use every parameter.
fn phantom(generics: &syn::Generics, fields: &Fields, own: &TokenStream) -> Option<TokenStream> {
    if generics.params.is_empty() {
        return None;
    }
    let types = generics.type_params().map(|param| &param.ident);
    let lifetimes = generics.lifetimes().map(|param| &param.lifetime);
    let bare = fields.iter().map(|field| {
        let (attrs, name) = (shadow::serde_attrs(&field.attrs), &field.ident);
        let ty = shadow::named(field.ty.to_token_stream(), own);
        quote!(#(#attrs)* #name: #ty,)
    });
    Some(quote!({
        #(#bare)*
        #[serde(skip)]
        __parameters: ::core::marker::PhantomData<(#(&#lifetimes (),)* #(fn() -> #types,)*)>
    }))
}
