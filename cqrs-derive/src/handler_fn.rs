//! The signature of a handler: its message, its further parameters, what it
//! returns.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, GenericArgument, PathArguments, ReturnType, Signature, Type};

use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

/// A further parameter of a handler.
enum Param {
    /// Exists only within a call: `&Metadata`, `&Context`.
    OfCall(TokenStream),
    /// Resolved when the application is built.
    Resolved { ty: Type, by_ref: bool },
}

pub(crate) struct HandlerFn {
    pub(crate) name: Ident,
    pub(crate) message: Type,
    is_async: bool,
    params: Vec<Param>,
    pub(crate) output: Type,
    /// The domain's error, and whether it is wrapped in `CommandError` already.
    pub(crate) error: Type,
    pub(crate) flattened: bool,
}

/// The type behind a `&`, without `mut`.
pub(crate) fn referent(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_none() => Some(&reference.elem),
        _ => None,
    }
}

/// The name of a type's last path segment.
pub(crate) fn last_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// The arguments of a type written as `name<..>`.
pub(crate) fn arguments<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(args) = &segment.arguments else { return None };
    let types = args.args.iter().filter_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

impl HandlerFn {
    /// Reads a signature whose first parameter (after `self`) is the message.
    pub(crate) fn of(sig: &Signature, what: &str, krate: &Krate, ctxt: &mut Ctxt) -> Option<Self> {
        if let Some(param) = sig.generics.params.iter().find(|p| !is_lifetime(p)) {
            let message = format!("a {what} handler takes no generic parameters");
            ctxt.error(param, Code::GENERIC_HANDLER, message);
        }
        let mut inputs = sig.inputs.iter().filter_map(|arg| match arg {
            FnArg::Typed(arg) => Some(&*arg.ty),
            FnArg::Receiver(_) => None,
        });
        let message = inputs.next().and_then(referent).cloned();
        if message.is_none() {
            let text = format!("a {what} handler takes its {what} first, by reference: `&T`");
            match sig.inputs.iter().find(|arg| matches!(arg, FnArg::Typed(_))) {
                Some(first) => ctxt.error(first, Code::NO_MESSAGE, text),
                None => ctxt.error(&sig.ident, Code::NO_MESSAGE, text),
            }
        }
        let params = inputs.map(|ty| param(ty, krate)).collect();
        let result = match &sig.output {
            ReturnType::Type(_, ty) => arguments(ty, "Result").filter(|args| args.len() == 2),
            ReturnType::Default => None,
        };
        let Some(&[output, error]) = result.as_deref() else {
            let text = format!("a {what} handler returns `Result<value, error>`, written out");
            match &sig.output {
                ReturnType::Type(_, ty) => ctxt.error(ty, Code::HANDLER_RESULT, text),
                ReturnType::Default => ctxt.error(&sig.ident, Code::HANDLER_RESULT, text),
            }
            return None;
        };
        let inner = arguments(error, "CommandError").and_then(|args| args.first().copied());
        Some(Self {
            name: sig.ident.clone(),
            message: message?,
            is_async: sig.asyncness.is_some(),
            params,
            output: output.clone(),
            error: inner.unwrap_or(error).clone(),
            flattened: inner.is_some(),
        })
    }

    /// The statements that resolve the parameters, ending in `return` when one
    /// is missing; all are tried, so that all missing ones are reported.
    pub(crate) fn resolve(&self, krate: &Krate) -> TokenStream {
        let private = krate.private();
        let (names, types): (Vec<Ident>, Vec<&Type>) = self.resolved().unzip();
        if names.is_empty() {
            return TokenStream::new();
        }
        let resolve = types
            .iter()
            .map(|ty| quote_spanned!(ty.span()=> <#ty as #private::Parameter>::resolve(wiring)));
        quote! {
            #(let #names = #resolve;)*
            let (#(::core::option::Option::Some(#names),)*) = (#(#names,)*) else { return };
        }
    }

    /// The statements that bind the resolved parameters to a call.
    pub(crate) fn bind(&self, krate: &Krate) -> TokenStream {
        let private = krate.private();
        let names = self.resolved().map(|(name, _)| name);
        quote!(#(let #names = #private::Parameter::bind(&#names, ctx);)*)
    }

    fn resolved(&self) -> impl Iterator<Item = (Ident, &Type)> {
        self.params.iter().enumerate().filter_map(|(index, param)| match param {
            Param::Resolved { ty, .. } => Some((format_ident!("param{index}"), ty)),
            Param::OfCall(_) => None,
        })
    }

    /// The call: `function` is the path or method, `message` the reference.
    pub(crate) fn call(&self, function: &TokenStream, message: &TokenStream) -> TokenStream {
        let args = self.params.iter().enumerate().map(|(index, param)| match param {
            Param::OfCall(tokens) => tokens.clone(),
            Param::Resolved { by_ref, .. } => {
                let name = format_ident!("param{index}");
                if *by_ref { quote!(&#name) } else { name.to_token_stream() }
            }
        });
        let wait = self.is_async.then(|| quote!(.await));
        quote_spanned!(self.name.span()=> #function(#message, #(#args),*)#wait)
    }
}

fn is_lifetime(param: &syn::GenericParam) -> bool {
    matches!(param, syn::GenericParam::Lifetime(_))
}

fn param(ty: &Type, krate: &Krate) -> Param {
    let inner = referent(ty);
    match inner.and_then(last_name).as_deref() {
        Some("Metadata") => Param::OfCall(quote!(ctx.metadata())),
        Some("Context") => Param::OfCall(quote!(ctx)),
        _ => {
            let _ = krate;
            let by_ref = inner.is_some();
            Param::Resolved { ty: inner.unwrap_or(ty).clone(), by_ref }
        }
    }
}
