//! A function that an attribute registers as it stands.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, ItemFn};

use super::handler::marker;
use super::{in_const, parse_item, registration};
use crate::args::{Args, Keys};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

/// An attribute above a function.
pub(super) struct Above {
    pub(super) attribute: &'static str,
    pub(super) keys: &'static Keys,
    /// What `#[handlers]` makes of methods.
    pub(super) methods: &'static str,
}

impl Above {
    /// The function with its marker and its registration, whose literal and
    /// conditions `read` gives unless something is wrong.
    pub(super) fn expand(
        &self,
        args: TokenStream,
        item: TokenStream,
        read: impl FnOnce(&ItemFn, &Args, &Krate, &mut Ctxt) -> Option<(TokenStream, Vec<Attribute>)>,
    ) -> TokenStream {
        let Self { attribute, keys, methods } = self;
        let expected = format!("put `#[{attribute}]` above a function");
        let function: ItemFn = match parse_item(item, Code::WRONG_ITEM, &expected) {
            Ok(function) => function,
            Err(kept) => return kept,
        };
        let mut ctxt = Ctxt::new();
        let args = Args::parse(args, attribute, keys, &mut ctxt);
        let krate = Krate::new(args.path("crate"));
        if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
            let message = format!(
                "put `#[handlers]` above the impl: it makes methods of a service {methods}"
            );
            ctxt.error(receiver, Code::METHOD_OUTSIDE_HANDLERS, message);
            // Beside a method no other items can stand.
            let errors = ctxt.finish();
            return quote!(#function #errors);
        }
        let name = &function.sig.ident;
        let found = read(&function, &args, &krate, &mut ctxt);
        let marker = marker(&function, name);
        let errors = ctxt.finish();
        let Some((literal, cfgs)) = found.filter(|_| errors.is_none()) else {
            return quote!(#function #marker #errors);
        };
        let register = registration::register(&name.to_token_stream(), &literal, &krate);
        let register = in_const(&register);
        quote!(#function #(#cfgs)* #marker #(#cfgs)* #register)
    }
}
