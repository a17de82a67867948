//! `#[apply]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprMatch, FnArg, ImplItem, ItemImpl, Pat, Stmt};

use crate::args::{Args, Form};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;

const KEYS: &[(&str, Form)] = &[("allow_wildcard", Form::Text)];

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut block: ItemImpl = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, "apply", KEYS, &mut ctxt);
    check(&block, args.has("allow_wildcard"), &mut ctxt);
    let is_apply = block.trait_.is_some();
    if is_apply {
        block.items.push(syn::parse_quote! {
            #[doc(hidden)]
            const WRITE_THE_APPLY_ATTRIBUTE_ABOVE_THIS_IMPL: () = ();
        });
    }
    let errors = ctxt.finish();
    quote!(#block #errors)
}

fn check(block: &ItemImpl, allow_wildcard: bool, ctxt: &mut Ctxt) {
    let is_apply = block
        .trait_
        .as_ref()
        .is_some_and(|item| item.0.segments.last().is_some_and(|segment| segment.ident == "Apply"));
    if !is_apply {
        let message = "`#[apply]` goes above `impl Apply for ..`";
        ctxt.error(&block.self_ty, Code::NOT_AN_APPLY_IMPL, message);
        return;
    }
    let methods = block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "apply" => Some(method),
        _ => None,
    });
    for method in methods.filter(|_| !allow_wildcard) {
        let event = method.sig.inputs.iter().nth(1).and_then(|arg| match arg {
            FnArg::Typed(arg) => match &*arg.pat {
                Pat::Ident(pat) => Some(unraw(&pat.ident)),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        for statement in &method.block.stmts {
            if let (Stmt::Expr(Expr::Match(arms), _), Some(event)) = (statement, &event) {
                check_arms(arms, event, ctxt);
            }
        }
    }
}

fn check_arms(arms: &ExprMatch, event: &str, ctxt: &mut Ctxt) {
    if !is_event(&arms.expr, event) {
        return;
    }
    // An arm with a guard is a pattern of its own kind and swallows nothing.
    for arm in &arms.arms {
        if let Some(wildcard) = wildcard(&arm.pat) {
            let message = "write one arm for each event: a wildcard would swallow the events that \
                           are added later; if that is meant, say why: \
                           `#[apply(allow_wildcard = \"..\")]`";
            ctxt.error(wildcard, Code::WILDCARD_ARM, message);
        }
    }
}

fn is_event(expr: &Expr, event: &str) -> bool {
    match expr {
        Expr::Path(path) => path.path.is_ident(event),
        Expr::Unary(unary) => is_event(&unary.expr, event),
        Expr::Reference(reference) => is_event(&reference.expr, event),
        Expr::Paren(paren) => is_event(&paren.expr, event),
        _ => false,
    }
}

/// The part of a pattern that takes every event.
fn wildcard(pat: &Pat) -> Option<&Pat> {
    match pat {
        Pat::Wild(_) => Some(pat),
        Pat::Ident(binding) if binding.subpat.is_none() => {
            let name = unraw(&binding.ident);
            name.starts_with(|c: char| c.is_lowercase() || c == '_').then_some(pat)
        }
        Pat::Or(or) => or.cases.iter().find_map(wildcard),
        Pat::Paren(paren) => wildcard(&paren.pat),
        Pat::Reference(reference) => wildcard(&reference.pat),
        _ => None,
    }
}
