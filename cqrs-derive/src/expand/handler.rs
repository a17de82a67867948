//! `#[command_handler]` and `#[query_handler]` on functions.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ItemFn};

use super::{in_const, registration};
use crate::args::{Args, Form};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::HandlerFn;
use crate::krate::Krate;

const KEYS: &[(&str, Form)] = &[("crate", Form::Path), ("contract", Form::Flag)];

/// Which bus a handler serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bus {
    Command,
    Query,
}

impl Bus {
    fn noun(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Query => "query",
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
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, bus.attribute(), KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        let message = "put `#[handlers]` above the impl, so that this method's service is known";
        ctxt.error(receiver, Code::METHOD_OUTSIDE_HANDLERS, message);
    }
    let handler = HandlerFn::of(&function.sig, bus.noun(), &krate, &mut ctxt);
    let expanded = handler.map(|handler| {
        let name = &function.sig.ident;
        let path = name.to_token_stream();
        let parts = Parts {
            handler: &handler,
            bus,
            krate: &krate,
            item: unraw(name),
            contract: args.has("contract"),
            service: None,
        };
        let marker = marker(&function, name);
        let register = registration::register(&path, &parts.registration(&path), &krate);
        let one_handler = parts.one_handler();
        let body = in_const(&quote!(#one_handler #register));
        quote!(#marker #body)
    });
    match ctxt.finish() {
        None => quote!(#function #expanded),
        Some(errors) => quote!(#function #errors),
    }
}

/// A type with the function's name, for `App::builder().register::<name>()`.
/// It lives beside the function, in the namespace of types.
fn marker(function: &ItemFn, name: &Ident) -> TokenStream {
    let vis = &function.vis;
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code, clippy::all, clippy::pedantic)]
        #vis struct #name {}
    }
}

/// What a handler expands to, as a function or as a method of a service.
pub(super) struct Parts<'a> {
    pub(super) handler: &'a HandlerFn,
    pub(super) bus: Bus,
    pub(super) krate: &'a Krate,
    pub(super) item: String,
    pub(super) contract: bool,
    pub(super) service: Option<&'a syn::Type>,
}

impl Parts<'_> {
    /// The literal of the handler's registration.
    pub(super) fn registration(&self, function: &TokenStream) -> TokenStream {
        let (private, krate) = (self.krate.private(), self.krate);
        let message = &self.handler.message;
        let install = self.install(function);
        let body = quote! {
            #private::Body::Handler {
                message: ::core::any::TypeId::of::<#message>,
                aggregate: ::core::option::Option::None,
                install: {
                    fn install(wiring: &mut #private::Wiring<'_>) { #install }
                    install
                },
            }
        };
        let (kind, name) = match self.bus {
            Bus::Command => ("CommandHandler", quote!(<#message as #private::Command>::NAME)),
            Bus::Query => ("QueryHandler", quote!(<#message as #private::Query>::NAME)),
        };
        let span = self.handler.name.span();
        registration::literal(kind, &name, &quote!(0), &self.item, &body, span, krate)
    }

    fn install(&self, function: &TokenStream) -> TokenStream {
        let (private, krate) = (self.krate.private(), self.krate);
        let HandlerFn { message, output, .. } = self.handler;
        let resolve = self.handler.resolve(krate);
        let bind = self.handler.bind(krate);
        let call = self.handler.call(function, &quote!(message));
        let (service, bind_service) = match self.service {
            None => (TokenStream::new(), TokenStream::new()),
            Some(ty) => (
                quote! {
                    let service = <#private::Dep<#ty> as #private::Parameter>::resolve(wiring);
                },
                quote!(let service = ::core::clone::Clone::clone(&service);),
            ),
        };
        let service_found = self
            .service
            .map(|_| quote!(let ::core::option::Option::Some(service) = service else { return };));
        let answer = match self.bus {
            Bus::Command if self.handler.flattened => quote!(result),
            Bus::Command => quote!(result.map_err(#private::CommandError::Rejected)),
            Bus::Query => {
                let answer = quote_spanned! {output.span()=>
                    <#output as #private::AnswerTo<#message>>::answer
                };
                quote!(result.map(#answer).map_err(::core::convert::Into::into))
            }
        };
        let take = match self.bus {
            Bus::Command => quote!(command_fn),
            Bus::Query => quote!(query_fn),
        };
        quote! {
            #service
            #resolve
            #service_found
            wiring.#take::<#message>(move |message, ctx| {
                #bind_service
                #bind
                #private::std::boxed::Box::pin(async move {
                    let result = #call;
                    #answer
                })
            });
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
            Bus::Command => quote_spanned! {message.span()=>
                #[automatically_derived]
                impl #private::OneHandlerFor<#message> for #message {
                    type Output = #output;
                    type Error = #error;
                }
            },
            Bus::Query => quote_spanned! {message.span()=>
                #[automatically_derived]
                impl #private::OneQueryHandlerFor<#message> for #message {}
            },
        }
    }
}
