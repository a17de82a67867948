//! `#[handlers]`: methods of a service as handlers.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, ReceiverKind, Type};

use super::event_handler::{self, Listener};
use super::guard::Guard;
use super::handler::{Bus, Parts};
use super::{in_const, parse_item, refuse_generics};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::{HandlerFn, local};
use crate::krate::Krate;
use crate::policy::{self, with_policy};

const KEYS: &Keys = &[("crate", Form::Path)];
const COMMAND_KEYS: &Keys = with_policy![
    ("contract", Form::Flag),
    ("crate", Form::Elsewhere("at `#[handlers]`")),
    ("cache", Form::Elsewhere("at queries")),
];
const QUERY_KEYS: &Keys = with_policy![
    ("contract", Form::Elsewhere("at handlers of commands")),
    ("crate", Form::Elsewhere("at `#[handlers]`")),
    ("cache", policy::CACHE_ELSEWHERE),
];
const GUARD_KEYS: &Keys = &[("crate", Form::Elsewhere("at `#[handlers]`"))];

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
                take_mark(&mut method.attrs);
                take(&mut method.attrs, "event_handler");
                take(&mut method.attrs, "guard");
            }
        }
        let errors = ctxt.finish();
        return quote!(#block #errors);
    }
    let service = (*block.self_ty).clone();
    let mut expanded = TokenStream::new();
    let mut handled = Vec::new();
    let (mut listened, mut guarded) = (Vec::new(), Vec::new());
    let mut found = false;
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        if let Some(attr) = take(&mut method.attrs, "event_handler") {
            found = true;
            expanded.extend(listener(method, &attr, &service, &mut listened, &krate, &mut ctxt));
            continue;
        }
        if let Some(attr) = take(&mut method.attrs, "guard") {
            found = true;
            expanded.extend(guard(method, &attr, &service, &mut guarded, &krate, &mut ctxt));
            continue;
        }
        let Some((bus, attr)) = take_mark(&mut method.attrs) else { continue };
        found = true;
        expanded.extend(handler(method, bus, &attr, &service, &mut handled, &krate, &mut ctxt));
    }
    if !found {
        let message = "mark the methods that handle messages with `#[command_handler]`, \
                       `#[query_handler]`, `#[event_handler]` or `#[guard]`";
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
    let keys = if bus == Bus::Command { COMMAND_KEYS } else { QUERY_KEYS };
    let args = Args::parse(arguments(attr), bus.attribute(), keys, &mut ctxt);
    let contract = args.has("contract");
    let policy = policy::settings(&args, krate, &mut ctxt);
    check_receiver(method, &mut ctxt);
    let in_impl = bus == Bus::Command && !contract;
    let found = HandlerFn::of(&method.attrs, &method.sig, bus.role(), in_impl, krate, &mut ctxt);
    let clean = ctxt.is_clean();
    all.take(ctxt);
    let handler = found?;
    let name = &method.sig.ident;
    let item = item_of(service, name);
    let parts =
        Parts { handler: &handler, bus, krate, item, contract, policy, service: Some(service) };
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

/// A method that handles events.
fn listener(
    method: &ImplItemFn,
    attr: &Attribute,
    service: &Type,
    listened: &mut Vec<String>,
    krate: &Krate,
    all: &mut Ctxt,
) -> Option<TokenStream> {
    let mut ctxt = Ctxt::new();
    let args = Args::parse(arguments(attr), "event_handler", event_handler::KEYS, &mut ctxt);
    check_receiver(method, &mut ctxt);
    let found = Listener::of(&method.attrs, &method.sig, &args, krate, &mut ctxt);
    let clean = ctxt.is_clean();
    all.take(ctxt);
    let listener = found.filter(|_| clean)?;
    let (name, event) = (&method.sig.ident, &listener.event);
    let number = nth(listened, event);
    let function = local("service");
    let item = item_of(service, name);
    let literal = listener.registration(&quote!(#function.#name), &item, Some(service));
    let private = krate.private();
    let mark = quote!(#private::EventsOf<#event, #number>);
    Some(served(service, &mark, &literal, &listener.handler.cfgs, krate))
}

/// A method that guards a command.
fn guard(
    method: &ImplItemFn,
    attr: &Attribute,
    service: &Type,
    guarded: &mut Vec<String>,
    krate: &Krate,
    all: &mut Ctxt,
) -> Option<TokenStream> {
    let mut ctxt = Ctxt::new();
    Args::parse(arguments(attr), "guard", GUARD_KEYS, &mut ctxt);
    check_receiver(method, &mut ctxt);
    let found = Guard::of(&method.attrs, &method.sig, krate, &mut ctxt);
    let clean = ctxt.is_clean();
    all.take(ctxt);
    let guard = found.filter(|_| clean)?;
    let (name, message) = (&method.sig.ident, &guard.handler.message);
    let number = nth(guarded, message);
    let function = local("service");
    let item = item_of(service, name);
    let literal = guard.registration(&quote!(#function.#name), &item, Some(service));
    let private = krate.private();
    let mark = quote!(#private::GuardOf<#message, #number>);
    Some(served(service, &mark, &literal, &guard.handler.cfgs, krate))
}

/// How many methods before it take the same: a service may have several.
fn nth(before: &mut Vec<String>, ty: &Type) -> usize {
    let text = ty.to_token_stream().to_string();
    let number = before.iter().filter(|other| **other == text).count();
    before.push(text);
    number
}

/// The Rust name of a method, for people.
fn item_of(service: &Type, method: &syn::Ident) -> String {
    format!("{}::{}", service.to_token_stream(), unraw(method)).replace(' ', "")
}

/// The registration of a method, under a mark.
fn served(
    service: &Type,
    mark: &TokenStream,
    literal: &TokenStream,
    cfgs: &[Attribute],
    krate: &Krate,
) -> TokenStream {
    let (root, private) = (krate.root(), krate.private());
    let body = in_const(&quote! {
        #[automatically_derived]
        impl #private::Serves<#mark> for #service {
            const REGISTRATION: #private::Registration = #literal;
        }
        #root::__submit!(<#service as #private::Serves<#mark>>::REGISTRATION);
    });
    quote!(#(#cfgs)* #body)
}

fn check_receiver(method: &ImplItemFn, ctxt: &mut Ctxt) {
    let by_shared_ref = method.sig.inputs.first().is_some_and(|arg| match arg {
        FnArg::Receiver(receiver) => matches!(receiver.kind, ReceiverKind::Reference(_, _, None)),
        FnArg::Typed(_) => false,
    });
    if by_shared_ref {
        return;
    }
    let message = "take `&self`: all calls share one service";
    match method.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => ctxt.error(receiver, Code::RECEIVER, message),
        _ => ctxt.error(&method.sig.ident, Code::RECEIVER, message),
    }
}

/// What stands in the parentheses of an attribute.
fn arguments(attr: &Attribute) -> TokenStream {
    match &attr.meta {
        syn::Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    }
}

/// Takes the mark of a handler of messages off a method.
fn take_mark(attrs: &mut Vec<Attribute>) -> Option<(Bus, Attribute)> {
    [Bus::Command, Bus::Query]
        .into_iter()
        .find_map(|bus| Some((bus, take(attrs, bus.attribute())?)))
}

fn take(attrs: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let is_mark =
        |attr: &Attribute| attr.path().segments.last().is_some_and(|segment| segment.ident == name);
    let index = attrs.iter().position(is_mark)?;
    Some(attrs.remove(index))
}
