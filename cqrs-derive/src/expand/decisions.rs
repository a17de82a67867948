//! `#[command_handlers]`

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ImplItem, ImplItemFn, ItemImpl, ReceiverKind, ReturnType, Type};

use super::{in_const, registration};
use crate::args::{Args, Form};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::handler_fn::{last_name, referent};
use crate::krate::Krate;

const KEYS: &[(&str, Form)] = &[("crate", Form::Path)];

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut block: ItemImpl = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, "command_handlers", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    if let Some(item) = &block.trait_ {
        let message = "`#[command_handlers]` goes above a plain `impl Aggregate { .. }`";
        ctxt.error(&item.0, Code::WRONG_ITEM, message);
    }
    let aggregate = (*block.self_ty).clone();
    let mut expanded = TokenStream::new();
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item
            && let Some(decision) = Decision::of(method, &aggregate, &krate, &mut ctxt)
        {
            expanded.extend(in_const(&decision.expand()));
        }
    }
    let errors = ctxt.finish();
    let expanded = errors.is_none().then_some(expanded);
    quote!(#block #expanded #errors)
}

/// One decision method.
struct Decision<'a> {
    aggregate: &'a Type,
    method: syn::Ident,
    command: Type,
    metadata: bool,
    output: Type,
    contract: bool,
    krate: &'a Krate,
}

impl<'a> Decision<'a> {
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
        if let Some(token) = &sig.asyncness {
            let message = "a decision is synchronous: it depends on nothing but the state, the \
                           command and `&Metadata`; do what must wait in a `#[command_handler]` \
                           function";
            ctxt.error(token, Code::ASYNC_DECISION, message);
        }
        let mut inputs = sig.inputs.iter();
        let by_shared_ref = inputs.next().is_some_and(|arg| {
            let FnArg::Receiver(receiver) = arg else { return false };
            matches!(&receiver.kind, ReceiverKind::Reference(_, _, None))
        });
        let command = inputs.next().and_then(|arg| match arg {
            FnArg::Typed(arg) => referent(&arg.ty),
            FnArg::Receiver(_) => None,
        });
        let Some(command) = command.filter(|_| by_shared_ref && sig.generics.params.is_empty())
        else {
            let name = &sig.ident;
            let message = format!(
                "`{name}` is no decision: write `fn {name}(&self, cmd: &Command) -> Result<..>`, \
                 or move it into an impl without `#[command_handlers]`"
            );
            ctxt.error(name, Code::NOT_A_DECISION, message);
            return None;
        };
        let metadata = takes_metadata(inputs.collect(), ctxt)?;
        let output = match &sig.output {
            ReturnType::Type(_, ty) => (**ty).clone(),
            ReturnType::Default => syn::parse_quote!(()),
        };
        let (method, command) = (sig.ident.clone(), command.clone());
        Some(Self { aggregate, method, command, metadata, output, contract, krate })
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
            let ok = quote!(::core::result::Result::Ok::<_, #error>);
            (quote!(::core::result::Result<#output, #error>), Some(ok))
        };
        let metadata = self.metadata.then(|| quote!(&metadata()));
        let decided = quote_spanned!(method.span()=> self.#method(command, #metadata));
        let decided = wrap.map_or(decided.clone(), |wrap| quote!(#wrap(#decided)));
        let span = self.output.span();
        let decision = quote_spanned!(span=> <#output as #private::IntoDecision<#aggregate>>);
        let registration = self.registration();
        let one_handler = (!self.contract).then(|| self.one_handler());
        quote! {
            #[automatically_derived]
            impl #private::Decides<#command> for #aggregate {
                type Value = #decision::Value;
                const REGISTRATION: #private::Registration = #registration;
                #[allow(unused_variables)]
                fn decide(
                    &self,
                    command: &#command,
                    metadata: &dyn ::core::ops::Fn() -> #private::Metadata,
                ) -> ::core::result::Result<
                    #private::Decision<
                        <#aggregate as #private::Aggregate>::Event,
                        <#aggregate as #private::Decides<#command>>::Value,
                    >,
                    <#aggregate as #private::Aggregate>::Error,
                > {
                    #decision::into_decision(#decided)
                }
            }
            #one_handler
            #root::__submit!(<#aggregate as #private::Decides<#command>>::REGISTRATION);
        }
    }

    /// Spanned at the command, so that the compiler shows both handlers when
    /// there are two.
    fn one_handler(&self) -> TokenStream {
        let Self { aggregate, command, .. } = self;
        let private = self.krate.private();
        quote_spanned! {command.span()=>
            #[automatically_derived]
            impl #private::OneHandlerFor<#command> for #command {
                type Output = <#aggregate as #private::Decides<#command>>::Value;
                type Error = <#aggregate as #private::Aggregate>::Error;
            }
        }
    }

    fn registration(&self) -> TokenStream {
        let Self { aggregate, method, command, krate, .. } = self;
        let private = krate.private();
        let item = format!("{}::{method}", aggregate.to_token_stream()).replace(' ', "");
        let install = quote_spanned! {command.span()=>
            wiring.decision::<#aggregate, #command>()
        };
        let body = quote! {
            #private::Body::Handler {
                message: ::core::any::TypeId::of::<#command>,
                aggregate: ::core::option::Option::Some(<#aggregate as #private::Aggregate>::NAME),
                install: { fn install(wiring: &mut #private::Wiring<'_>) { #install } install },
            }
        };
        let name = quote!(<#command as #private::Command>::NAME);
        let span = method.span();
        registration::literal("CommandHandler", &name, &quote!(0), &item, &body, span, krate)
    }
}

/// Whether a decision takes metadata; anything else would make it impure.
fn takes_metadata(inputs: Vec<&FnArg>, ctxt: &mut Ctxt) -> Option<bool> {
    let mut takes = false;
    let mut pure = true;
    for input in inputs {
        let ty = match input {
            FnArg::Typed(arg) => referent(&arg.ty),
            FnArg::Receiver(_) => None,
        };
        if ty.and_then(last_name).as_deref() == Some("Metadata") && !takes {
            takes = true;
        } else {
            let message = "a decision depends on the state, the command and `&Metadata` alone, so \
                           that it can be taken again; look things up in a `#[command_handler]` \
                           function and put them into the command";
            ctxt.error(input, Code::IMPURE_DECISION, message);
            pure = false;
        }
    }
    pure.then_some(takes)
}
