//! `#[command_handler]` and `#[query_handler]` on functions.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, ItemFn};

use super::{ends, in_const, parse_item, qualified, registration};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::{HandlerFn, Held, Role, local};
use crate::krate::Krate;
use crate::policy::{self, with_policy};

const COMMAND_KEYS: &Keys = with_policy![
    ("crate", Form::Path),
    ("contract", Form::Flag),
    ("cache", Form::Elsewhere("at queries")),
];
const QUERY_KEYS: &Keys = with_policy![
    ("crate", Form::Path),
    ("contract", Form::Elsewhere("at handlers of commands")),
    ("cache", policy::CACHE_ELSEWHERE),
];

/// Which bus a handler serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bus {
    Command,
    Query,
}

impl Bus {
    pub(super) fn role(self) -> Role {
        match self {
            Self::Command => Role::COMMAND,
            Self::Query => Role::QUERY,
        }
    }

    fn keys(self) -> &'static Keys {
        match self {
            Self::Command => COMMAND_KEYS,
            Self::Query => QUERY_KEYS,
        }
    }

    pub(super) fn attribute(self) -> &'static str {
        match self {
            Self::Command => "command_handler",
            Self::Query => "query_handler",
        }
    }
}

pub(crate) fn command(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(args, item, Bus::Command)
}

pub(crate) fn query(args: TokenStream, item: TokenStream) -> TokenStream {
    attribute(args, item, Bus::Query)
}

fn attribute(args: TokenStream, item: TokenStream, bus: Bus) -> TokenStream {
    let expected = format!("put `#[{}]` above a function", bus.attribute());
    let function: ItemFn = match parse_item(item, Code::WRONG_ITEM, &expected) {
        Ok(function) => function,
        Err(kept) => return kept,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, bus.attribute(), bus.keys(), &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        let message = "put `#[handlers]` above the impl: it makes methods of a service handlers";
        ctxt.error(receiver, Code::METHOD_OUTSIDE_HANDLERS, message);
        // Beside a method no other items can stand.
        let errors = ctxt.finish();
        return quote!(#function #errors);
    }
    let contract = args.has("contract");
    let in_impl = bus == Bus::Command && !contract;
    let handler =
        HandlerFn::of(&function.attrs, &function.sig, bus.role(), in_impl, &krate, &mut ctxt);
    let Some(handler) = handler else {
        let errors = ctxt.finish();
        return quote!(#function #errors);
    };
    let name = &function.sig.ident;
    let item = unraw(name);
    let policy = policy::settings(&args, &krate, &mut ctxt);
    let parts =
        Parts { handler: &handler, bus, krate: &krate, item, contract, policy, service: None };
    let cfgs = &handler.cfgs;
    let marker = marker(&function, name);
    let one_handler = parts.one_handler();
    if let Some(errors) = ctxt.finish() {
        let stub = in_const(&one_handler);
        return quote!(#function #(#cfgs)* #marker #errors #(#cfgs)* #stub);
    }
    let path = name.to_token_stream();
    let register = registration::register(&path, &parts.registration(&path), &krate);
    let body = in_const(&quote!(#one_handler #register));
    quote!(#function #(#cfgs)* #marker #(#cfgs)* #body)
}

/// A type with the function's name, for `App::builder().register::<name>()`.
/// It lives beside the function, in the namespace of types.
pub(super) fn marker(function: &ItemFn, name: &Ident) -> TokenStream {
    let vis = &function.vis;
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, clippy::all, clippy::pedantic)]
        #vis struct #name {}
    }
}

/// What finds a service when the application is built, ends if it is missing,
/// and hands it to a call.
pub(super) fn service_parts(
    service: Option<&syn::Type>,
    krate: &Krate,
) -> (TokenStream, TokenStream, TokenStream) {
    let Some(ty) = service else { return Default::default() };
    let (private, wiring, service) = (krate.private(), local("wiring"), local("service"));
    (
        quote! {
            let #service = <#private::Dep<#ty> as #private::Parameter>::resolve(#wiring);
        },
        quote!(let ::core::option::Option::Some(#service) = #service else { return };),
        quote!(let #service = ::core::clone::Clone::clone(&#service);),
    )
}

/// What a handler expands to, as a function or as a method of a service.
pub(super) struct Parts<'a> {
    pub(super) handler: &'a HandlerFn,
    pub(super) bus: Bus,
    pub(super) krate: &'a Krate,
    pub(super) item: String,
    pub(super) contract: bool,
    pub(super) policy: TokenStream,
    pub(super) service: Option<&'a syn::Type>,
}

impl Parts<'_> {
    /// The literal of the handler's registration.
    pub(super) fn registration(&self, function: &TokenStream) -> TokenStream {
        let (private, krate, policy) = (self.krate.private(), self.krate, &self.policy);
        let message = &self.handler.message;
        let wiring = local("wiring");
        let install = self.install(function);
        let body = quote! {
            #private::Body::Handler {
                message: ::core::any::TypeId::of::<#message>,
                aggregate: ::core::option::Option::None,
                decider: ::core::option::Option::None,
                policy: #policy,
                install: {
                    fn __install(#wiring: &mut #private::Wiring<'_>) { #install }
                    __install
                },
            }
        };
        let kind = match self.bus {
            Bus::Command => "CommandHandler",
            Bus::Query => "QueryHandler",
        };
        let span = self.handler.name.span();
        registration::literal(kind, &self.name(), &quote!(0), &self.item, &body, span, krate)
    }

    /// The message's wire name; it asks for the message's trait.
    fn name(&self) -> TokenStream {
        let private = self.krate.private();
        let message = match self.bus {
            Bus::Command => quote!(#private::Command),
            Bus::Query => quote!(#private::Query),
        };
        qualified(&self.handler.message, &message, "NAME")
    }

    fn install(&self, function: &TokenStream) -> TokenStream {
        let krate = self.krate;
        let resolve = self.handler.resolve(krate);
        let (find_service, service_found, _) = service_parts(self.service, krate);
        let take = match (self.bus, self.handler.is_async) {
            (Bus::Command, true) => self.command_async(function),
            (Bus::Command, false) => self.closure("command_now_fn", Held::Lent, function),
            (Bus::Query, _) => self.closure("query_fn", Held::Captured, function),
        };
        // Asked for first and at the place that all else has: a message
        // without its trait is then one error.
        let wire_name = self.name();
        quote! {
            let _ = #wire_name;
            #find_service
            #resolve
            #service_found
            #take;
        }
    }

    /// The call of the function, to what a handler gives.
    fn result(&self, function: &TokenStream, held: Held) -> TokenStream {
        let private = self.krate.private();
        let HandlerFn { message, output, error, .. } = self.handler;
        let call = self.handler.call(function, &local("message").to_token_stream(), held);
        match self.bus {
            Bus::Command if self.handler.flattened => call,
            Bus::Command => quote!(#call.map_err(#private::CommandError::Rejected)),
            Bus::Query => {
                let answered = qualified(message, &quote!(#private::Query), "answered");
                let (_, end) = ends(message);
                quote_spanned!(end=> #answered::<#output, #error>(#call))
            }
        }
    }

    /// Hands over a closure.
    fn closure(&self, take: &str, held: Held, function: &TokenStream) -> TokenStream {
        let (private, krate) = (self.krate.private(), self.krate);
        let HandlerFn { name, message, .. } = self.handler;
        let [wiring, argument, ctx] = ["wiring", "message", "ctx"].map(local);
        let (bind, result) = (self.handler.bind(held, krate), self.result(function, held));
        let (_, _, bind_service) = service_parts(self.service, krate);
        // A future that is not `Send` is reported at the handler's name.
        let future = quote_spanned! {name.span()=>
            <#private::std::boxed::Box<_>>::pin(async move { #result })
        };
        let outcome = if held == Held::Lent { result } else { future };
        let body = quote_spanned!(name.span()=> { #bind_service #bind #outcome });
        let closure = quote_spanned!(name.span()=> move |#argument, #ctx| #body);
        let take = Ident::new(take, Span::call_site());
        quote_spanned! {syn::spanned::Spanned::span(message)=>
            <#private::Wiring<'_>>::#take::<#message>(#wiring, #closure)
        }
    }

    /// Hands over a value whose method may wait: its future can then stand in
    /// that of the call, which a closure cannot say.
    fn command_async(&self, function: &TokenStream) -> TokenStream {
        let (private, krate) = (self.krate.private(), self.krate);
        let HandlerFn { name, message, .. } = self.handler;
        let [wiring, argument, ctx, service] = ["wiring", "message", "ctx", "service"].map(local);
        let this = local("self");
        let held = Held::InFields;
        let (bind, result) = (self.handler.bind(held, krate), self.result(function, held));
        let (mut names, mut types): (Vec<_>, Vec<_>) =
            self.handler.resolved().map(|(name, ty, _)| (name, ty.to_token_stream())).unzip();
        let bind_service = self.service.map(|ty| {
            names.push(service.clone());
            types.push(quote!(#private::Dep<#ty>));
            quote!(let #service = &#this.#service;)
        });
        // A future that is not `Send` is reported at the handler's name.
        let run = quote_spanned! {name.span()=>
            async fn run(
                &#this,
                #argument: &#message,
                #[allow(unused_variables)]
                #ctx: &#private::Context,
            ) -> #private::Answer<#message> {
                #bind_service
                #bind
                #result
            }
        };
        let take = quote_spanned! {syn::spanned::Spanned::span(message)=>
            <#private::Wiring<'_>>::command_async::<#message>(
                #wiring,
                __Handler { #(#names,)* },
            )
        };
        quote! {
            struct __Handler { #(#names: #types,)* }
            impl #private::AsyncCommandHandler<#message> for __Handler { #run }
            #take
        }
    }

    /// That the message has its one handler.
    pub(super) fn one_handler(&self) -> TokenStream {
        if self.contract {
            return TokenStream::new();
        }
        let private = self.krate.private();
        let HandlerFn { message, output, error, .. } = self.handler;
        match self.bus {
            Bus::Command => quote_spanned! {syn::spanned::Spanned::span(message)=>
                #[automatically_derived]
                impl #private::OneHandlerFor<#message> for #message {
                    type Output = #output;
                    type Error = #error;
                }
            },
            Bus::Query => quote_spanned! {syn::spanned::Spanned::span(message)=>
                #[automatically_derived]
                impl #private::OneQueryHandlerFor<#message> for #message {}
            },
        }
    }
}
