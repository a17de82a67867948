//! Collects the mistakes of one item, so that all are reported at once.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::code::Code;

/// The mistakes found so far. It must be finished: dropping it unfinished is
/// a mistake of ours.
pub(crate) struct Ctxt {
    errors: Option<Vec<syn::Error>>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self { errors: Some(Vec::new()) }
    }

    /// Notes a mistake at some tokens.
    pub(crate) fn error(&mut self, at: impl ToTokens, code: Code, message: impl std::fmt::Display) {
        let error = syn::Error::new_spanned(at, format!("{message} [{code}]"));
        self.push(error);
    }

    /// Notes what `syn` says.
    pub(crate) fn push(&mut self, error: syn::Error) {
        if let Some(errors) = &mut self.errors {
            errors.push(error);
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.errors.as_ref().is_none_or(Vec::is_empty)
    }

    /// The tokens that report the mistakes, `None` if there are none.
    pub(crate) fn finish(mut self) -> Option<TokenStream> {
        let mut errors = self.errors.take().unwrap_or_default().into_iter();
        let mut all = errors.next()?;
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
