//! The path to `cqrs-core` in generated code.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// `::cqrs_core`, or what `crate = ..` says.
pub(crate) struct Krate(TokenStream);

impl Krate {
    pub(crate) fn new(path: Option<&syn::Path>) -> Self {
        Self(path.map_or_else(|| quote!(::cqrs_core), ToTokens::to_token_stream))
    }

    /// The module of everything that generated code touches.
    pub(crate) fn private(&self) -> TokenStream {
        let krate = &self.0;
        quote!(#krate::__private)
    }

    pub(crate) fn root(&self) -> &TokenStream {
        &self.0
    }

    /// serde's path as its `crate` attribute wants it.
    pub(crate) fn serde(&self) -> String {
        self.private().to_string().replace(' ', "") + "::serde"
    }
}
