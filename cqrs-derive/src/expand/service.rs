//! `#[handlers]`: methods of a service as handlers.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, ImplItem, ItemImpl};

use super::handler::{Bus, Parts};
use super::in_const;
use crate::args::{Args, Form};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::HandlerFn;
use crate::krate::Krate;

const KEYS: &[(&str, Form)] = &[("crate", Form::Path)];
const METHOD_KEYS: &[(&str, Form)] = &[("contract", Form::Flag)];

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut block: ItemImpl = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, "handlers", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let service = (*block.self_ty).clone();
    let mut expanded = TokenStream::new();
    let mut found = false;
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some((bus, attr)) = take_mark(&mut method.attrs) else { continue };
        found = true;
        let tokens = match &attr.meta {
            syn::Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        let args = Args::parse(tokens, bus.attribute(), METHOD_KEYS, &mut ctxt);
        let noun = if bus == Bus::Command { "command" } else { "query" };
        let Some(handler) = HandlerFn::of(&method.sig, noun, &krate, &mut ctxt) else { continue };
        let name = &method.sig.ident;
        let parts = Parts {
            handler: &handler,
            bus,
            krate: &krate,
            item: format!("{}::{name}", service.to_token_stream()).replace(' ', ""),
            contract: args.has("contract"),
            service: Some(&service),
        };
        let registration = parts.registration(&quote!(service.#name));
        let (root, private, message) = (krate.root(), krate.private(), &handler.message);
        let one_handler = parts.one_handler();
        expanded.extend(in_const(&quote! {
            #one_handler
            #[automatically_derived]
            impl #private::Serves<#message> for #service {
                const REGISTRATION: #private::Registration = #registration;
            }
            #root::__submit!(<#service as #private::Serves<#message>>::REGISTRATION);
        }));
    }
    if !found {
        let message = "mark the methods that handle messages with `#[command_handler]` or \
                       `#[query_handler]`";
        ctxt.error(&block.self_ty, Code::NO_HANDLERS, message);
    }
    match ctxt.finish() {
        None => quote!(#block #expanded),
        Some(errors) => quote!(#block #errors),
    }
}

/// Takes the handler's mark off a method.
fn take_mark(attrs: &mut Vec<Attribute>) -> Option<(Bus, Attribute)> {
    for bus in [Bus::Command, Bus::Query] {
        let is_mark = |attr: &Attribute| {
            let last = attr.path().segments.last();
            last.is_some_and(|segment| segment.ident == bus.attribute())
        };
        if let Some(index) = attrs.iter().position(is_mark) {
            return Some((bus, attrs.remove(index)));
        }
    }
    None
}
