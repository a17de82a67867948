//! From a checked item to code, a file for each macro.

pub(crate) mod aggregate;
pub(crate) mod apply;
pub(crate) mod checks;
pub(crate) mod command;
pub(crate) mod decisions;
pub(crate) mod event;
pub(crate) mod event_handler;
mod function;
pub(crate) mod guard;
pub(crate) mod handler;
pub(crate) mod id;
pub(crate) mod projection;
pub(crate) mod query;
pub(crate) mod registration;
pub(crate) mod rejection;
pub(crate) mod schema;
pub(crate) mod service;

#[cfg(test)]
mod robustness;
#[cfg(test)]
mod tests;

use proc_macro2::{Delimiter, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{DeriveInput, Fields};

use crate::code::Code;
use crate::ctxt::Ctxt;

/// Parses a derive's input; what is no item is reported by `syn`.
fn parse(input: TokenStream) -> Result<DeriveInput, TokenStream> {
    syn::parse2(input).map_err(syn::Error::into_compile_error)
}

/// Parses the item below an attribute; another kind of item is a mistake, and
/// stays as it is.
fn parse_item<T: syn::parse::Parse>(
    item: TokenStream,
    code: Code,
    expected: &str,
) -> Result<T, TokenStream> {
    syn::parse2(item.clone()).map_err(|error| {
        let error = if syn::parse2::<syn::Item>(item.clone()).is_ok() {
            syn::Error::new_spanned(head(&item), format!("{expected} [{code}]"))
        } else {
            error
        };
        let error = error.into_compile_error();
        quote!(#item #error)
    })
}

/// Notes parameters of an impl whose methods are to be registered.
fn refuse_generics(block: &syn::ItemImpl, ctxt: &mut Ctxt) -> bool {
    let is_generic = !block.generics.params.is_empty();
    if is_generic {
        let message = "remove the parameters: what handles messages is registered, and a generic \
                       type has no one instance that could be";
        ctxt.error(&block.generics.params, Code::GENERIC_HANDLER, message);
    }
    is_generic
}

/// An item up to its body or its end.
fn head(item: &TokenStream) -> TokenStream {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    item.clone().into_iter().take_while(|token| !ends(token)).collect()
}

/// The fields of a struct; anything else is a mistake.
fn struct_fields<'a>(input: &'a DeriveInput, derive: &str, ctxt: &mut Ctxt) -> Option<&'a Fields> {
    if let syn::Data::Struct(data) = &input.data {
        return Some(&data.fields);
    }
    let message = format!("make `{}` a struct: `#[derive({derive})]` goes on structs", input.ident);
    ctxt.error(&input.ident, Code::WRONG_ITEM, message);
    None
}

/// `<ty as path>::item`, with the outermost tokens at the ends of `ty`, so
/// that the compiler underlines the whole type when it lacks the trait.
pub(crate) fn qualified(ty: &impl ToTokens, path: &TokenStream, item: &str) -> TokenStream {
    let (start, end) = ends(ty);
    let mut open = Punct::new('<', Spacing::Alone);
    open.set_span(start);
    let item = Ident::new(item, end);
    quote!(#open #ty as #path>::#item)
}

/// Tokens as if they stood at a place.
pub(crate) fn at(tokens: &TokenStream, place: proc_macro2::Span) -> TokenStream {
    let moved = |mut token: proc_macro2::TokenTree| {
        token.set_span(place.resolved_at(token.span()));
        token
    };
    tokens.clone().into_iter().map(moved).collect()
}

/// The places of the first and last of some tokens. Between them the compiler
/// underlines everything, where one place cannot be made of two.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let start = spans.next().unwrap_or_else(Span::call_site);
    (start, spans.last().unwrap_or(start))
}

/// Scopes generated items, so that they touch no name of the user's.
fn in_const(body: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals, unused_qualifications, clippy::all, clippy::pedantic)]
        const _: () = { #body };
    }
}
