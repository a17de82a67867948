//! From a checked item to code, a file for each macro.

pub(crate) mod aggregate;
pub(crate) mod apply;
pub(crate) mod checks;
pub(crate) mod command;
pub(crate) mod decisions;
pub(crate) mod event;
pub(crate) mod handler;
pub(crate) mod id;
pub(crate) mod projection;
pub(crate) mod query;
pub(crate) mod registration;
pub(crate) mod rejection;
pub(crate) mod service;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Fields};

use crate::code::Code;
use crate::ctxt::Ctxt;

/// Parses a derive's input; what is no item is reported by `syn`.
fn parse(input: TokenStream) -> Result<DeriveInput, TokenStream> {
    syn::parse2(input).map_err(syn::Error::into_compile_error)
}

/// The fields of a struct; anything else is a mistake.
fn struct_fields<'a>(input: &'a DeriveInput, derive: &str, ctxt: &mut Ctxt) -> Option<&'a Fields> {
    if let syn::Data::Struct(data) = &input.data {
        return Some(&data.fields);
    }
    let message = format!("`#[derive({derive})]` goes on a struct; make `{}` one", input.ident);
    ctxt.error(&input.ident, Code::WRONG_ITEM, message);
    None
}

/// Scopes generated items, so that they touch no name of the user's.
fn in_const(body: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals, unused_qualifications, clippy::all, clippy::pedantic)]
        const _: () = { #body };
    }
}
