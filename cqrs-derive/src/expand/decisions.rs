//! `#[command_handlers]`

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, ReceiverKind, ReturnType, Type};

use super::{ends, in_const, parse_item, qualified, refuse_generics, registration};
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::{arguments, cfgs, last_name, local, meant, referent};
use crate::krate::Krate;

const KEYS: &Keys = &[("crate", Form::Path)];

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let expected = "put `#[command_handlers]` above `impl Aggregate { .. }`";
    let mut block: ItemImpl = match parse_item(item, Code::WRONG_ITEM, expected) {
        Ok(block) => block,
        Err(kept) => return kept,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, "command_handlers", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    if let Some((name, _)) = &block.trait_ {
        let message = format!("{expected}, not above the impl of a trait");
        ctxt.error(name, Code::WRONG_ITEM, message);
        let errors = ctxt.finish();
        return quote!(#block #errors);
    }
    if refuse_generics(&block, &mut ctxt) {
        let errors = ctxt.finish();
        return quote!(#block #errors);
    }
    let aggregate = (*block.self_ty).clone();
    let mut expanded = TokenStream::new();
    let mut decided: Vec<String> = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let mut own = Ctxt::new();
        let decision = Decision::of(method, &aggregate, &krate, &mut own);
        let clean = own.is_clean();
        ctxt.take(own);
        let Some(decision) = decision else { continue };
        // The second decision on one command is an error of `OneHandlerFor`;
        // no other impl may clash beside it.
        let command = decision.command.to_token_stream().to_string();
        let whole = clean && !decided.contains(&command);
        let cfgs = &decision.cfgs;
        if cfgs.is_empty() {
            decided.push(command);
        }
        let body = if whole { decision.expand() } else { decision.one_handler() };
        let body = in_const(&body);
        expanded.extend(quote!(#(#cfgs)* #body));
    }
    let errors = ctxt.finish();
    quote!(#block #expanded #errors)
}

/// One decision method.
struct Decision<'a> {
    /// The conditions under which it exists.
    cfgs: Vec<Attribute>,
    aggregate: &'a Type,
    method: syn::Ident,
    command: Type,
    metadata: bool,
    output: Type,
    contract: bool,
    krate: &'a Krate,
}

impl<'a> Decision<'a> {
    /// Reads a method. After a mistake it is still given where the command is
    /// known.
    fn of(
        method: &mut ImplItemFn,
        aggregate: &'a Type,
        krate: &'a Krate,
        ctxt: &mut Ctxt,
    ) -> Option<Self> {
        let before = method.attrs.len();
        method.attrs.retain(|attr| !attr.path().is_ident("contract"));
        let contract = method.attrs.len() < before;
        let sig = &method.sig;
        let name = &sig.ident;
        let mut inputs = sig.inputs.iter();
        let receiver = inputs.next();
        let first = inputs.next();
        let command = meant(first);
        let (Some(FnArg::Receiver(receiver)), Some(command)) = (receiver, command) else {
            let message = format!(
                "move `{name}` into an impl without `#[command_handlers]`, or make it a decision: \
                 `fn {name}(&self, cmd: &Command) -> Result<..>`"
            );
            ctxt.error(name, Code::NOT_A_DECISION, message);
            return None;
        };
        if let Some(token) = &sig.asyncness {
            let message = "remove `async`: a decision depends on the state, the command and \
                           `&Metadata` alone\nhelp: do what must wait in a `#[command_handler]` \
                           function, which loads the aggregate by `Repository<..>`";
            ctxt.error(token, Code::ASYNC_DECISION, message);
        }
        if !matches!(receiver.kind, ReceiverKind::Reference(_, _, None)) {
            let message = "take `&self`: a decision changes nothing; its events change the state, \
                           in `apply`";
            ctxt.error(receiver, Code::IMPURE_DECISION, message);
        }
        if let Some(FnArg::Typed(arg)) = first
            && referent(&arg.ty).is_none()
        {
            let command = command.to_token_stream();
            let message = format!("write `&{command}`: a decision borrows its command");
            ctxt.error(&arg.ty, Code::NOT_A_DECISION, message);
        }
        if let Some(param) = sig.generics.type_params().next() {
            let message = "remove this parameter: a decision is not generic";
            ctxt.error(param, Code::NOT_A_DECISION, message);
        }
        let metadata = takes_metadata(inputs.collect(), ctxt);
        let output = match &sig.output {
            ReturnType::Type(_, ty) => (**ty).clone(),
            ReturnType::Default => syn::parse_quote!(()),
        };
        let cfgs = cfgs(&method.attrs);
        let method = sig.ident.clone();
        Some(Self { cfgs, aggregate, method, command, metadata, output, contract, krate })
    }

    fn expand(&self) -> TokenStream {
        let Self { aggregate, method, command, .. } = self;
        let (root, private) = (self.krate.root(), self.krate.private());
        let returns_result = last_name(&self.output).is_some_and(|name| name.ends_with("Result"));
        let output = &self.output;
        let (output, wrap) = if returns_result {
            (output.to_token_stream(), None)
        } else {
            let error = quote!(<#aggregate as #private::Aggregate>::Error);
            let at = self.output.span();
            let ok = quote_spanned!(at=> ::core::result::Result::Ok::<_, #error>);
            let (start, end) = ends(output);
            let close = quote_spanned!(end=> >);
            (quote_spanned!(start=> ::core::result::Result<#output, #error #close), Some(ok))
        };
        let value = self.value();
        // A decision of a wrong type is reported at its return type.
        let (start, end) = match output.to_token_stream().is_empty() {
            true => (method.span(), method.span()),
            false => ends(&self.output),
        };
        let this = syn::Ident::new("self", Span::call_site());
        let [cmd, time] = ["command", "metadata"].map(local);
        let metadata = self.metadata.then(|| quote!(&#time()));
        let args = quote_spanned!(end=> (#cmd, #metadata));
        let decided = quote_spanned!(start=> #this.#method #args);
        let decided = match wrap {
            None => decided,
            Some(wrap) => {
                let decided = quote_spanned!(end=> (#decided));
                quote!(#wrap #decided)
            }
        };
        let decided = quote_spanned!(end=> (#decided));
        let decide =
            qualified(&output, &quote!(#private::IntoDecision<#aggregate>), "into_decision");
        let registration = self.registration();
        let one_handler = self.one_handler();
        quote! {
            #[automatically_derived]
            impl #private::Decides<#command> for #aggregate {
                type Value = #value;
                const REGISTRATION: #private::Registration = #registration;
                #[allow(unused_variables)]
                fn decide(
                    &self,
                    #cmd: &#command,
                    #time: &dyn ::core::ops::Fn() -> #private::Metadata,
                ) -> ::core::result::Result<
                    #private::Decision<<#aggregate as #private::Aggregate>::Event, #value>,
                    <#aggregate as #private::Aggregate>::Error,
                > {
                    #decide #decided
                }
            }
            #one_handler
            #root::__submit!(<#aggregate as #private::Decides<#command>>::REGISTRATION);
        }
    }

    /// The type of the answer, read off the signature. The compiler could find
    /// it by a projection, but would then repeat a decision of a wrong type
    /// wherever the command is dispatched.
    fn value(&self) -> TokenStream {
        let result = arguments(&self.output, "Result").and_then(|args| args.first().copied());
        let events = result.unwrap_or(&self.output);
        match arguments(events, "Returning").as_deref() {
            Some([_, value]) => value.to_token_stream(),
            _ => quote!(()),
        }
    }

    /// Spanned at the command, so that the compiler shows both handlers when
    /// there are two.
    fn one_handler(&self) -> TokenStream {
        if self.contract {
            return TokenStream::new();
        }
        let Self { aggregate, command, .. } = self;
        let (private, value) = (self.krate.private(), self.value());
        quote_spanned! {command.span()=>
            #[automatically_derived]
            impl #private::OneHandlerFor<#command> for #command {
                type Output = #value;
                type Error = <#aggregate as #private::Aggregate>::Error;
            }
        }
    }

    fn registration(&self) -> TokenStream {
        let Self { aggregate, method, command, krate, .. } = self;
        let private = krate.private();
        let item = format!("{}::{}", aggregate.to_token_stream(), unraw(method)).replace(' ', "");
        let name = qualified(command, &quote!(#private::Command), "NAME");
        let wiring = local("wiring");
        let install = quote_spanned! {command.span()=>
            #wiring.decision::<#aggregate, #command>()
        };
        let decider = quote_spanned!(command.span()=> #private::decider::<#aggregate, #command>);
        let body = quote! {
            #private::Body::Handler {
                message: ::core::any::TypeId::of::<#command>,
                aggregate: ::core::option::Option::Some(<#aggregate as #private::Aggregate>::NAME),
                decider: ::core::option::Option::Some(#decider),
                policy: #private::PolicySettings::NONE,
                install: {
                    fn __install(#wiring: &mut #private::Wiring<'_>) { #install }
                    __install
                },
            }
        };
        let span = method.span();
        registration::literal("CommandHandler", &name, &quote!(0), &item, &body, span, krate)
    }
}

/// Whether a decision takes metadata; anything else would make it impure.
fn takes_metadata(inputs: Vec<&FnArg>, ctxt: &mut Ctxt) -> bool {
    let mut takes = false;
    for input in inputs {
        let ty = match input {
            FnArg::Typed(arg) => referent(&arg.ty),
            FnArg::Receiver(_) => None,
        };
        if ty.and_then(last_name).as_deref() == Some("Metadata") && !takes {
            takes = true;
        } else {
            let message = "remove this parameter: a decision depends on the state, the command \
                           and `&Metadata` alone, so that it can be taken again\nhelp: look \
                           things up in a `#[command_handler]` function and put them into the \
                           command";
            ctxt.error(input, Code::IMPURE_DECISION, message);
        }
    }
    takes
}
