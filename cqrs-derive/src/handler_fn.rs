//! The signature of a handler: its message, its further parameters, what it
//! returns.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, FnArg, GenericArgument, PathArguments, ReturnType, Signature, Type};

use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::expand::qualified;
use crate::krate::Krate;

/// What a function is, and what it takes first.
#[derive(Clone, Copy)]
pub(crate) struct Role {
    pub(crate) itself: &'static str,
    pub(crate) message: &'static str,
    /// What it returns.
    result: &'static str,
}

impl Role {
    pub(crate) const COMMAND: Self = Self::of("a command handler", "command");
    pub(crate) const QUERY: Self = Self::of("a query handler", "query");
    pub(crate) const EVENT: Self = Self::of("an event handler", "event");
    pub(crate) const GUARD: Self =
        Self { result: "Result<(), Violations>", ..Self::of("a guard", "command") };

    const fn of(itself: &'static str, message: &'static str) -> Self {
        Self { itself, message, result: "Result<value, error>" }
    }
}

/// A further parameter of a handler.
enum Param {
    /// Exists only within a call: `&Metadata`, `&Context`.
    OfCall(TokenStream),
    /// Resolved when the application is built.
    Resolved { ty: Box<Type>, by_ref: bool },
}

/// Where the resolved parameters stand while a handler runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// In a closure whose call ends before it does.
    Lent,
    /// In a closure whose call gives a future that outlives it.
    Captured,
    /// In the fields of the value that handles, as long as the call.
    InFields,
}

pub(crate) struct HandlerFn {
    /// The conditions under which it exists.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) message: Type,
    pub(crate) is_async: bool,
    params: Vec<Param>,
    pub(crate) output: Type,
    /// The domain's error, and whether it is wrapped in `CommandError` already.
    pub(crate) error: Type,
    pub(crate) flattened: bool,
}

/// The name of a generated variable: out of sight of what users write, and the
/// same wherever the code around it is said to stand.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The type behind the invisible groups in which `macro_rules!` hands over
/// `$ty:ty`, and behind parentheses.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        _ => ty,
    }
}

/// The type behind a `&`, without `mut`.
pub(crate) fn referent(ty: &Type) -> Option<&Type> {
    match bare(ty) {
        Type::Reference(reference) if reference.mutability.is_none() => Some(&reference.elem),
        _ => None,
    }
}

/// The name of a type's last path segment.
pub(crate) fn last_name(ty: &Type) -> Option<String> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

/// The arguments of a type written as `name<..>`.
pub(crate) fn arguments<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let Type::Path(path) = bare(ty) else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(args) = &segment.arguments else { return None };
    let types = args.args.iter().filter_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// The conditions among some attributes.
pub(crate) fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

/// The message that a parameter is, or was probably meant to be.
pub(crate) fn meant(arg: Option<&FnArg>) -> Option<Type> {
    let Some(FnArg::Typed(arg)) = arg else { return None };
    match bare(&arg.ty) {
        Type::Reference(reference) => Some((*reference.elem).clone()),
        Type::Path(path) => {
            let name = path.path.get_ident()?.to_string();
            let other = ["Bus", "Context", "Metadata", "String", "Self"].contains(&name.as_str());
            (!other).then(|| (*arg.ty).clone())
        }
        _ => None,
    }
}

impl HandlerFn {
    /// Reads a signature whose first parameter (after `self`) is the message.
    ///
    /// After a mistake it is still given where the message is known. If
    /// `answers_in_impl`, the output then stands in an impl, and reports a
    /// missing result itself.
    pub(crate) fn of(
        attrs: &[Attribute],
        sig: &Signature,
        role: Role,
        answers_in_impl: bool,
        krate: &Krate,
        ctxt: &mut Ctxt,
    ) -> Option<Self> {
        if let Some(param) = sig.generics.params.iter().find(|p| !is_lifetime(p)) {
            let message = format!("remove this parameter: {} is not generic", role.itself);
            ctxt.error(param, Code::GENERIC_HANDLER, message);
        }
        let mut inputs = sig.inputs.iter().filter(|arg| matches!(arg, FnArg::Typed(_)));
        let first = inputs.next();
        let message = meant(first);
        let by_reference = match first {
            Some(FnArg::Typed(arg)) => referent(&arg.ty).is_some(),
            _ => false,
        };
        if !by_reference {
            let text = match &message {
                Some(ty) => {
                    let ty = ty.to_token_stream();
                    format!("write `&{ty}`: {} borrows its {}", role.itself, role.message)
                }
                None => format!("take the {0} first, by reference: `{0}: &..`", role.message),
            };
            match first {
                Some(FnArg::Typed(first)) => ctxt.error(&first.ty, Code::NO_MESSAGE, text),
                _ => ctxt.error(&sig.ident, Code::NO_MESSAGE, text),
            }
        }
        let types: Vec<&Type> = inputs
            .filter_map(|arg| match arg {
                FnArg::Typed(arg) => Some(&*arg.ty),
                FnArg::Receiver(_) => None,
            })
            .collect();
        for ty in types.iter().filter(|ty| matches!(ty, Type::ImplTrait(_))) {
            let message = format!("write a type: {} is not generic", role.itself);
            ctxt.error(ty, Code::GENERIC_HANDLER, message);
        }
        let params = types.into_iter().map(|ty| param(ty, role)).collect();
        let result = match &sig.output {
            ReturnType::Type(_, ty) => arguments(ty, "Result").filter(|args| args.len() == 2),
            ReturnType::Default => None,
        };
        let (output, error) = match result.as_deref() {
            Some(&[output, error]) => (output.clone(), error.clone()),
            _ => no_result(sig, role, message.as_ref().filter(|_| answers_in_impl), krate, ctxt)?,
        };
        let inner = arguments(&error, "CommandError").and_then(|args| args.first().copied());
        let flattened = inner.is_some();
        let error = inner.cloned().unwrap_or(error);
        Some(Self {
            cfgs: cfgs(attrs),
            name: sig.ident.clone(),
            message: message?,
            is_async: sig.asyncness.is_some(),
            params,
            output,
            error,
            flattened,
        })
    }

    /// The statements that resolve the parameters, ending in `return` when one
    /// is missing; all are tried, so that all missing ones are reported.
    pub(crate) fn resolve(&self, krate: &Krate) -> TokenStream {
        let private = krate.private();
        let (names, types): (Vec<Ident>, Vec<&Type>) =
            self.resolved().map(|(name, ty, _)| (name, ty)).unzip();
        if names.is_empty() {
            return TokenStream::new();
        }
        let wiring = local("wiring");
        let resolve = types.iter().map(|ty| {
            let resolve = qualified(ty, &quote!(#private::Parameter), "resolve");
            quote!(#resolve(#wiring))
        });
        quote! {
            #(let #names = #resolve;)*
            let (#(::core::option::Option::Some(#names),)*) = (#(#names,)*) else { return };
        }
    }

    /// The statements that bind the resolved parameters to a call.
    pub(crate) fn bind(&self, held: Held, krate: &Krate) -> TokenStream {
        let private = krate.private();
        let ctx = local("ctx");
        let bind = self.resolved().filter(|(_, ty, by_ref)| !is_lent(ty, *by_ref, held));
        let bind = bind.map(|(name, ty, _)| {
            let bind = qualified(ty, &quote!(#private::Parameter), "bind");
            let place = place(&name, held);
            quote!(let #name = #bind(&#place, #ctx);)
        });
        quote!(#(#bind)*)
    }

    /// The parameters that are resolved: the name of each, its type, and
    /// whether the function borrows it.
    pub(crate) fn resolved(&self) -> impl Iterator<Item = (Ident, &Type, bool)> {
        self.params.iter().enumerate().filter_map(|(index, param)| match param {
            Param::Resolved { ty, by_ref } => {
                Some((local(&format!("param{index}")), &**ty, *by_ref))
            }
            Param::OfCall(_) => None,
        })
    }

    /// The call: `function` is the path or method, `message` the reference.
    pub(crate) fn call(
        &self,
        function: &TokenStream,
        message: &TokenStream,
        held: Held,
    ) -> TokenStream {
        let args = self.params.iter().enumerate().map(|(index, param)| match param {
            Param::OfCall(tokens) => tokens.clone(),
            Param::Resolved { ty, by_ref } => {
                let name = local(&format!("param{index}"));
                if is_lent(ty, *by_ref, held) {
                    let place = place(&name, held);
                    return quote!(&#place);
                }
                if *by_ref { quote!(&#name) } else { name.to_token_stream() }
            }
        });
        let wait = self.is_async.then(|| quote!(.await));
        quote_spanned!(self.name.span()=> #function(#message, #(#args),*)#wait)
    }
}

/// Whether a call borrows a parameter where it is held. What is the same for
/// every call may be: counting who holds it would be all that two threads
/// fight for.
fn is_lent(ty: &Type, by_ref: bool, held: Held) -> bool {
    held != Held::Captured && by_ref && last_name(ty).as_deref() == Some("Dep")
}

/// Where a parameter is held.
fn place(name: &Ident, held: Held) -> TokenStream {
    match held {
        Held::InFields => {
            let this = local("self");
            quote!(#this.#name)
        }
        Held::Lent | Held::Captured => name.to_token_stream(),
    }
}

fn is_lifetime(param: &syn::GenericParam) -> bool {
    matches!(param, syn::GenericParam::Lifetime(_))
}

fn param(ty: &Type, role: Role) -> Param {
    let inner = referent(ty);
    let ctx = local("ctx");
    match inner.and_then(last_name).as_deref() {
        Some("Metadata") => Param::OfCall(quote!(#ctx.metadata())),
        Some("Context") => Param::OfCall(quote!(#ctx)),
        Some("Delivery") if role.message == "event" => {
            let call = local("call");
            Param::OfCall(quote!(#call.delivery()))
        }
        _ => {
            let by_ref = inner.is_some();
            Param::Resolved { ty: Box::new(inner.unwrap_or(ty).clone()), by_ref }
        }
    }
}

/// Notes that a handler does not return a `Result`, and gives types for a
/// stub if they have a place in an impl for `answers`.
fn no_result(
    sig: &Signature,
    role: Role,
    answers: Option<&Type>,
    krate: &Krate,
    ctxt: &mut Ctxt,
) -> Option<(Type, Type)> {
    let text = format!("write `-> {}` out: {} returns that", role.result, role.itself);
    let at = match &sig.output {
        ReturnType::Type(_, ty) => ty.to_token_stream(),
        ReturnType::Default => sig.ident.to_token_stream(),
    };
    let Some(message) = answers else {
        ctxt.error(at, Code::HANDLER_RESULT, text);
        let nothing: Type = syn::parse_quote!(());
        return Some((nothing.clone(), nothing));
    };
    let private = krate.private();
    let output = ctxt.error_type(at, Code::HANDLER_RESULT, text);
    let error = syn::parse_quote!(<#message as #private::OneHandlerFor<#message>>::Output);
    Some((output, error))
}
