//! `#[event_handler]` on functions and methods.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Signature, Type};

use super::function::Above;
use super::handler::service_parts;
use super::{at, registration};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::{HandlerFn, Held, Role, arguments, local};
use crate::krate::Krate;
use crate::policy;

const OF_CALLERS: Form = Form::Elsewhere("at commands and queries: events come from no caller");

pub(super) const KEYS: &Keys = &[
    ("crate", Form::Path),
    ("name", Form::Text),
    ("start", Form::Text),
    ("volatile", Form::Flag),
    ("attempts", Form::Number),
    ("parts", Form::Number),
    ("on_failure", Form::Text),
    ("timeout", Form::Text),
    ("concurrency", Form::Number),
    ("breaker", Form::Text),
    ("audit", Form::Flag),
    ("retry", Form::Elsewhere("as `attempts = 5` at event handlers")),
    ("rate_limit", OF_CALLERS),
    ("role", OF_CALLERS),
    ("policy", OF_CALLERS),
    ("public", OF_CALLERS),
    ("authenticated", OF_CALLERS),
    ("cache", Form::Elsewhere("at queries")),
    ("contract", Form::Elsewhere("at handlers of commands")),
];

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let above = Above { attribute: "event_handler", keys: KEYS, methods: "handlers" };
    above.expand(args, item, |function, args, krate, ctxt| {
        let listener = Listener::of(&function.attrs, &function.sig, args, krate, ctxt)?;
        let name = &function.sig.ident;
        let literal = listener.registration(&name.to_token_stream(), &unraw(name), None);
        Some((literal, listener.handler.cfgs))
    })
}

/// An event handler, as a function or as a method of a service.
pub(super) struct Listener<'a> {
    pub(super) handler: HandlerFn,
    /// The enum or struct of its events, and whether it takes their record.
    pub(super) event: Type,
    recorded: bool,
    settings: TokenStream,
    name: String,
    krate: &'a Krate,
}

impl<'a> Listener<'a> {
    pub(super) fn of(
        attrs: &[syn::Attribute],
        sig: &Signature,
        args: &Args,
        krate: &'a Krate,
        ctxt: &mut Ctxt,
    ) -> Option<Self> {
        let handler = HandlerFn::of(attrs, sig, Role::EVENT, false, krate, ctxt);
        let name = args.name(unraw(&sig.ident), &sig.ident, ctxt);
        let settings = settings(&name, args, krate, ctxt);
        let handler = handler?;
        let inner = arguments(&handler.message, "Recorded").and_then(|args| args.first().copied());
        let (event, recorded) = match inner {
            Some(event) => (event.clone(), true),
            None => (handler.message.clone(), false),
        };
        Some(Self { handler, event, recorded, settings, name, krate })
    }

    /// The literal of its registration.
    pub(super) fn registration(
        &self,
        function: &TokenStream,
        item: &str,
        service: Option<&Type>,
    ) -> TokenStream {
        let (private, event, settings) = (self.krate.private(), &self.event, &self.settings);
        let wiring = local("wiring");
        let install = self.install(function, service);
        let types = quote_spanned!(event.span()=> #private::types_of::<#event>());
        let body = quote! {
            #private::Body::EventHandler {
                types: #types,
                settings: #settings,
                install: {
                    fn __install(#wiring: &mut #private::Wiring<'_>) { #install }
                    __install
                },
            }
        };
        let (name, span) = (&self.name, self.handler.name.span());
        let (name, version) = (quote!(#name), quote!(0));
        registration::literal("EventHandler", &name, &version, item, &body, span, self.krate)
    }

    fn install(&self, function: &TokenStream, service: Option<&Type>) -> TokenStream {
        let (private, event, krate) = (self.krate.private(), &self.event, self.krate);
        let [wiring, argument, call, ctx] = ["wiring", "event", "call", "ctx"].map(local);
        let (resolve, bind) =
            (self.handler.resolve(krate), self.handler.bind(Held::Captured, krate));
        let message = if self.recorded { quote!(#argument) } else { quote!(#argument.data()) };
        let run = self.handler.call(function, &message, Held::Captured);
        let (find, found, bind_service) = service_parts(service, krate);
        let span = self.handler.name.span();
        // A future that is not `Send` is reported at the handler's name.
        // What it returns is reported at its types, each once: the path, the
        // argument and the wait stand at one place.
        let here = |ty: &Type| ty.span().resolved_at(proc_macro2::Span::call_site());
        let (error, output) = (here(&self.handler.error), here(&self.handler.output));
        let failing = at(&quote!(#private::failing), error);
        let failing =
            quote_spanned!(error=> let __result = #run; let __result = #failing(__result););
        let handled = at(&quote!(#private::handled), output);
        let handled = quote_spanned!(output=> #failing #handled(__result, #call).await);
        let future = quote_spanned! {span=>
            <#private::std::boxed::Box<_>>::pin(async move { #handled })
        };
        let closure = quote_spanned! {span=>
            move |#argument, #call| {
                #[allow(unused_variables)]
                let #ctx = #call.ctx();
                #bind_service
                #bind
                #future
            }
        };
        let settings = &self.settings;
        let take = quote_spanned! {event.span()=>
            <#private::Wiring<'_>>::event_fn::<#event>(#wiring, #settings, #closure)
        };
        quote! {
            #find
            #resolve
            #found
            #take;
        }
    }
}

/// The literal of what the attribute says.
fn settings(name: &str, args: &Args, krate: &Krate, ctxt: &mut Ctxt) -> TokenStream {
    let private = krate.private();
    let start = one_of(args, "start", &[("beginning", "Beginning"), ("now", "Now")], ctxt);
    let start = start.unwrap_or_else(|| Ident::new("Beginning", proc_macro2::Span::call_site()));
    let recoveries = [("retry", "Retry"), ("park", "Park"), ("skip", "Skip"), ("stop", "Stop")];
    let on_failure = match one_of(args, "on_failure", &recoveries, ctxt) {
        None => quote!(::core::option::Option::None),
        Some(recovery) => quote!(::core::option::Option::Some(#private::Recovery::#recovery)),
    };
    let attempts = match args.count("attempts", ctxt) {
        None => quote!(::core::option::Option::None),
        Some(count) => quote!(::core::option::Option::Some(#count)),
    };
    let parts = args.count("parts", ctxt).unwrap_or(1);
    if parts > 1_024 {
        ctxt.error(args.key("parts"), Code::ATTRIBUTE_VALUE, "write a number from 1 to 1024");
    }
    let volatile = args.has("volatile");
    if volatile && (args.has("start") || parts > 1) {
        let key = args.key("start").or_else(|| args.key("parts"));
        let message = "remove this: a volatile handler keeps no place, in no part of the log";
        ctxt.error(key, Code::ATTRIBUTE_VALUE, message);
    }
    let policy = policy::settings(args, krate, ctxt);
    quote! {
        const { &#private::EventHandlerSettings {
            name: #name,
            start: #private::Start::#start,
            volatile: #volatile,
            attempts: #attempts,
            parts: #parts,
            on_failure: #on_failure,
            policy: #policy,
        } }
    }
}

/// The variant that the text of a key stands for.
fn one_of(args: &Args, key: &str, known: &[(&str, &str)], ctxt: &mut Ctxt) -> Option<Ident> {
    let text = args.text(key)?;
    let value = text.value();
    let found = known.iter().find(|(word, _)| *word == value);
    if found.is_none() {
        let words: Vec<_> = known.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let hint = match cqrs_schema::nearest(&value, known.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there are {}", words.join(", ")),
        };
        ctxt.error(text, Code::ATTRIBUTE_VALUE, format!("unknown value of `{key}`; {hint}"));
    }
    found.map(|(_, variant)| Ident::new(variant, text.span()))
}
