//! `#[guard]` on functions and methods.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Signature, Type};

use super::function::Above;
use super::handler::service_parts;
use super::{at, qualified, registration};
use crate::args::{Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::{HandlerFn, Held, Role, bare, local};
use crate::krate::Krate;

const KEYS: &Keys = &[("crate", Form::Path)];

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let above = Above { attribute: "guard", keys: KEYS, methods: "guards" };
    above.expand(args, item, |function, _, krate, ctxt| {
        let guard = Guard::of(&function.attrs, &function.sig, krate, ctxt)?;
        let name = &function.sig.ident;
        let literal = guard.registration(&name.to_token_stream(), &unraw(name), None);
        Some((literal, guard.handler.cfgs))
    })
}

/// A guard, as a function or as a method of a service.
pub(super) struct Guard<'a> {
    pub(super) handler: HandlerFn,
    krate: &'a Krate,
}

impl<'a> Guard<'a> {
    pub(super) fn of(
        attrs: &[syn::Attribute],
        sig: &Signature,
        krate: &'a Krate,
        ctxt: &mut Ctxt,
    ) -> Option<Self> {
        let before = ctxt.is_clean();
        let handler = HandlerFn::of(attrs, sig, Role::GUARD, false, krate, ctxt)?;
        let is_nothing =
            matches!(bare(&handler.output), Type::Tuple(tuple) if tuple.elems.is_empty());
        if before && ctxt.is_clean() && !is_nothing {
            let message = "write `()`: a guard lets a command pass, and answers nothing";
            ctxt.error(&handler.output, Code::HANDLER_RESULT, message);
        }
        Some(Self { handler, krate })
    }

    /// The literal of its registration.
    pub(super) fn registration(
        &self,
        function: &TokenStream,
        item: &str,
        service: Option<&Type>,
    ) -> TokenStream {
        let (private, message) = (self.krate.private(), &self.handler.message);
        let wiring = local("wiring");
        let install = self.install(function, service);
        let body = quote! {
            #private::Body::Guard {
                install: {
                    fn __install(#wiring: &mut #private::Wiring<'_>) { #install }
                    __install
                },
            }
        };
        let name = qualified(message, &quote!(#private::Command), "NAME");
        let span = self.handler.name.span();
        registration::literal("Guard", &name, &quote!(0), item, &body, span, self.krate)
    }

    fn install(&self, function: &TokenStream, service: Option<&Type>) -> TokenStream {
        let (private, krate) = (self.krate.private(), self.krate);
        let HandlerFn { name, message, error, .. } = &self.handler;
        let [wiring, argument, ctx] = ["wiring", "message", "ctx"].map(local);
        let (resolve, bind) =
            (self.handler.resolve(krate), self.handler.bind(Held::Captured, krate));
        let call = self.handler.call(function, &argument.to_token_stream(), Held::Captured);
        let (find, found, bind_service) = service_parts(service, krate);
        // What it refuses with is reported at its type.
        let here = error.span().resolved_at(proc_macro2::Span::call_site());
        let guarded = at(&quote!(#private::guarded), here);
        let said = quote_spanned!(here=> let __said = #call; #guarded(__said));
        // A future that is not `Send` is reported at the guard's name.
        let future = quote_spanned! {name.span()=>
            <#private::std::boxed::Box<_>>::pin(async move { #said })
        };
        let body = quote_spanned!(name.span()=> { #bind_service #bind #future });
        let closure = quote_spanned!(name.span()=> move |#argument, #ctx| #body);
        let wire_name = qualified(message, &quote!(#private::Command), "NAME");
        let take = quote_spanned! {message.span()=>
            <#private::Wiring<'_>>::guard_fn::<#message>(#wiring, #closure)
        };
        quote! {
            let _ = #wire_name;
            #find
            #resolve
            #found
            #take;
        }
    }
}
