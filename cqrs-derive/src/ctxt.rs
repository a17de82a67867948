//! Collects the mistakes of one item, so that all are reported at once.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Type, parse_quote_spanned};

use crate::code::Code;

/// The mistakes found so far. It must be finished: dropping it unfinished is
/// a mistake of ours.
pub(crate) struct Ctxt {
    errors: Option<Vec<syn::Error>>,
    /// Some mistakes are reported by a type in the stub.
    stands_in_a_type: bool,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self { errors: Some(Vec::new()), stands_in_a_type: false }
    }

    /// Notes a mistake at some tokens.
    pub(crate) fn error(&mut self, at: impl ToTokens, code: Code, message: impl std::fmt::Display) {
        let error = syn::Error::new_spanned(at, format!("{message} [{code}]"));
        self.push(error);
    }

    /// Notes a mistake at a place.
    pub(crate) fn error_at(&mut self, at: Span, code: Code, message: impl std::fmt::Display) {
        self.push(syn::Error::new(at, format!("{message} [{code}]")));
    }

    /// Notes a mistake that leaves a type open, and gives a type that reports
    /// it. It stands in the stub once: the compiler then lets everything pass
    /// that depends on this type.
    pub(crate) fn error_type(
        &mut self,
        at: impl ToTokens,
        code: Code,
        message: impl std::fmt::Display,
    ) -> Type {
        self.stands_in_a_type = true;
        let message = format!("{message} [{code}]");
        let span = syn::spanned::Spanned::span(&at);
        // In the place of a type the compiler would take `()` for the macro; an
        // unknown length makes the whole type unknown.
        parse_quote_spanned!(span=> [(); ::core::compile_error! { #message }])
    }

    /// Takes over the mistakes of a part.
    pub(crate) fn take(&mut self, mut part: Self) {
        self.stands_in_a_type |= part.stands_in_a_type;
        part.errors.take().into_iter().flatten().for_each(|error| self.push(error));
    }

    /// Notes what `syn` says.
    pub(crate) fn push(&mut self, error: syn::Error) {
        if let Some(errors) = &mut self.errors {
            errors.push(error);
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        !self.stands_in_a_type && self.errors.as_ref().is_none_or(Vec::is_empty)
    }

    /// The tokens that report the mistakes, `None` if there are none.
    pub(crate) fn finish(mut self) -> Option<TokenStream> {
        let clean = self.is_clean();
        let mut errors = self.errors.take().unwrap_or_default().into_iter();
        let Some(mut all) = errors.next() else { return (!clean).then(TokenStream::new) };
        errors.for_each(|error| all.combine(error));
        Some(all.into_compile_error())
    }
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        if self.errors.is_some() && !std::thread::panicking() {
            unreachable!("the mistakes of an item are always reported");
        }
    }
}
