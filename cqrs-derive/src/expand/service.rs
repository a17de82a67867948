//! `#[handlers]`: methods of a service as handlers.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, ReceiverKind, Type};

use super::handler::{Bus, Parts};
use super::{in_const, parse_item, refuse_generics};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::{HandlerFn, local};
use crate::krate::Krate;

const KEYS: &Keys = &[("crate", Form::Path)];
const COMMAND_KEYS: &Keys = &[("contract", Form::Flag), CRATE];
const QUERY_KEYS: &Keys = &[("contract", Form::Elsewhere("at handlers of commands")), CRATE];
const CRATE: (&str, Form) = ("crate", Form::Elsewhere("at `#[handlers]`"));

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let expected = "put `#[handlers]` above the impl of a service";
    let mut block: ItemImpl = match parse_item(item, Code::WRONG_ITEM, expected) {
        Ok(block) => block,
        Err(kept) => return kept,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, "handlers", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    if refuse_generics(&block, &mut ctxt) {
        // The marks are no attributes of their own.
        for item in &mut block.items {
            if let ImplItem::Fn(method) = item {
                let _: Option<(Bus, Attribute)> = take_mark(&mut method.attrs);
            }
        }
        let errors = ctxt.finish();
        return quote!(#block #errors);
    }
    let service = (*block.self_ty).clone();
    let mut expanded = TokenStream::new();
    let mut handled = Vec::new();
    let mut found = false;
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some((bus, attr)) = take_mark(&mut method.attrs) else { continue };
        found = true;
        expanded.extend(handler(method, bus, &attr, &service, &mut handled, &krate, &mut ctxt));
    }
    if !found {
        let message = "mark the methods that handle messages with `#[command_handler]` or \
                       `#[query_handler]`";
        ctxt.error(&block.self_ty, Code::NO_HANDLERS, message);
    }
    let errors = ctxt.finish();
    quote!(#block #expanded #errors)
}

fn handler(
    method: &ImplItemFn,
    bus: Bus,
    attr: &Attribute,
    service: &Type,
    handled: &mut Vec<String>,
    krate: &Krate,
    all: &mut Ctxt,
) -> Option<TokenStream> {
    let mut ctxt = Ctxt::new();
    let tokens = match &attr.meta {
        syn::Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let keys = if bus == Bus::Command { COMMAND_KEYS } else { QUERY_KEYS };
    let contract = Args::parse(tokens, bus.attribute(), keys, &mut ctxt).has("contract");
    let by_shared_ref = method.sig.inputs.first().is_some_and(|arg| match arg {
        FnArg::Receiver(receiver) => matches!(receiver.kind, ReceiverKind::Reference(_, _, None)),
        FnArg::Typed(_) => false,
    });
    if !by_shared_ref {
        let message = "take `&self`: all calls share one service";
        match method.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => ctxt.error(receiver, Code::RECEIVER, message),
            _ => ctxt.error(&method.sig.ident, Code::RECEIVER, message),
        }
    }
    let in_impl = bus == Bus::Command && !contract;
    let found = HandlerFn::of(&method.attrs, &method.sig, bus.noun(), in_impl, krate, &mut ctxt);
    let clean = ctxt.is_clean();
    all.take(ctxt);
    let handler = found?;
    let name = &method.sig.ident;
    let item = format!("{}::{}", service.to_token_stream(), unraw(name)).replace(' ', "");
    let parts = Parts { handler: &handler, bus, krate, item, contract, service: Some(service) };
    let one_handler = parts.one_handler();
    let message = &handler.message;
    let text = message.to_token_stream().to_string();
    // The second handler of one message is an error of `OneHandlerFor`; no
    // other impl may clash beside it.
    let is_first = !handled.contains(&text);
    let cfgs = &handler.cfgs;
    if cfgs.is_empty() {
        handled.push(text);
    }
    if !clean || !is_first {
        let stub = in_const(&one_handler);
        return Some(quote!(#(#cfgs)* #stub));
    }
    let function = local("service");
    let registration = parts.registration(&quote!(#function.#name));
    let (root, private) = (krate.root(), krate.private());
    let body = in_const(&quote! {
        #one_handler
        #[automatically_derived]
        impl #private::Serves<#message> for #service {
            const REGISTRATION: #private::Registration = #registration;
        }
        #root::__submit!(<#service as #private::Serves<#message>>::REGISTRATION);
    });
    Some(quote!(#(#cfgs)* #body))
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
