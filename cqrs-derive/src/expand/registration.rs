//! What puts an item into the registry.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::krate::Krate;

/// The literal of a `Registration`.
pub(crate) fn literal(
    kind: &str,
    name: &TokenStream,
    version: &TokenStream,
    item: &str,
    body: &TokenStream,
    at: Span,
    krate: &Krate,
) -> TokenStream {
    let private = krate.private();
    let kind = quote::format_ident!("{kind}");
    let line = quote_spanned!(at=> ::core::line!());
    quote! {
        #private::Registration {
            kind: #private::Kind::#kind,
            name: #name,
            version: #version,
            item: #item,
            module_path: ::core::module_path!(),
            package: ::core::env!("CARGO_PKG_NAME"),
            location: #private::SourceLocation { file: ::core::file!(), line: #line },
            body: #body,
        }
    }
}

/// `Register` for a type, and its submission when the program is linked.
pub(crate) fn register(ty: &TokenStream, literal: &TokenStream, krate: &Krate) -> TokenStream {
    let (root, private) = (krate.root(), krate.private());
    quote! {
        #[automatically_derived]
        impl #private::Register for #ty {
            const REGISTRATION: #private::Registration = #literal;
        }
        #root::__submit!(<#ty as #private::Register>::REGISTRATION);
    }
}
