//! `#[apply]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprMatch, FnArg, ImplItem, ItemImpl, Pat, Stmt};

use super::parse_item;
use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

const KEYS: &Keys = &[("allow_wildcard", Form::Text), ("crate", Form::Path)];

pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let expected = "put `#[apply]` above `impl Apply for ..`";
    let mut block: ItemImpl = match parse_item(item, Code::NOT_AN_APPLY_IMPL, expected) {
        Ok(block) => block,
        Err(kept) => return kept,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::parse(args, "apply", KEYS, &mut ctxt);
    check(&block, args.has("allow_wildcard"), &mut ctxt);
    if is_apply(&block) {
        block.items.push(syn::parse_quote! {
            #[doc(hidden)]
            const WRITE_THE_APPLY_ATTRIBUTE_ABOVE_THIS_IMPL: () = ();
        });
    }
    let stub = stub(&block, &Krate::new(args.path("crate")));
    let errors = ctxt.finish();
    quote!(#block #errors #stub)
}

/// For `apply` in an impl of the aggregate itself: the impl of the trait that
/// was meant, so that the aggregate does not seem to lack it.
fn stub(block: &ItemImpl, krate: &Krate) -> Option<TokenStream> {
    let is_apply =
        |item: &ImplItem| matches!(item, ImplItem::Fn(method) if method.sig.ident == "apply");
    if block.trait_.is_some() || !block.items.iter().any(is_apply) {
        return None;
    }
    let (private, ty) = (krate.private(), &block.self_ty);
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    Some(quote! {
        impl #impl_generics #private::Apply for #ty #where_clause {
            fn apply(&mut self, _: &<Self as #private::Aggregate>::Event) {}
            const WRITE_THE_APPLY_ATTRIBUTE_ABOVE_THIS_IMPL: () = ();
        }
    })
}

fn is_apply(block: &ItemImpl) -> bool {
    let name = block.trait_.as_ref().and_then(|item| item.0.segments.last());
    name.is_some_and(|segment| segment.ident == "Apply")
}

fn check(block: &ItemImpl, allow_wildcard: bool, ctxt: &mut Ctxt) {
    if !is_apply(block) {
        let ty = &block.self_ty;
        let message = "put `#[apply]` above `impl Apply for ..`";
        match &block.trait_ {
            Some((name, _)) => ctxt.error(name, Code::NOT_AN_APPLY_IMPL, message),
            None => ctxt.error(ty, Code::NOT_AN_APPLY_IMPL, message),
        }
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
        if let Some(event) = &event {
            check_statements(&method.block.stmts, event, ctxt);
        }
    }
}

fn check_statements(statements: &[Stmt], event: &str, ctxt: &mut Ctxt) {
    for statement in statements {
        match statement {
            Stmt::Expr(expr, _) => check_expr(expr, event, ctxt),
            Stmt::Local(local) => {
                if let Some(init) = &local.init {
                    if init.diverge.is_some() && is_event(&init.expr, event) {
                        ctxt.error(&local.pat, Code::WILDCARD_ARM, message());
                    }
                    check_expr(&init.expr, event, ctxt);
                }
            }
            _ => {}
        }
    }
}

/// Looks where a match on the event usually stands; what an expression hides
/// deeper is the author's business.
fn check_expr(expr: &Expr, event: &str, ctxt: &mut Ctxt) {
    match expr {
        Expr::Match(arms) => check_arms(arms, event, ctxt),
        Expr::Block(block) => check_statements(&block.block.stmts, event, ctxt),
        Expr::Paren(paren) => check_expr(&paren.expr, event, ctxt),
        Expr::If(choice) => {
            if let Expr::Let(condition) = &*choice.cond
                && is_event(&condition.expr, event)
            {
                ctxt.error(&condition.pat, Code::WILDCARD_ARM, message());
            }
            check_statements(&choice.then_branch.stmts, event, ctxt);
            if let Some((_, other)) = &choice.else_branch {
                check_expr(other, event, ctxt);
            }
        }
        _ => {}
    }
}

fn check_arms(arms: &ExprMatch, event: &str, ctxt: &mut Ctxt) {
    if !is_event(&arms.expr, event) {
        return;
    }
    // An arm with a guard is a pattern of its own kind and swallows nothing.
    for arm in &arms.arms {
        if let Some(wildcard) = wildcard(&arm.pat) {
            ctxt.error(wildcard, Code::WILDCARD_ARM, message());
        }
    }
}

fn message() -> &'static str {
    "write `match event` with one arm for each event\nhelp: anything else swallows the events \
     that are added later; if that is meant, say why: `#[apply(allow_wildcard = \"..\")]`"
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
        Pat::Ident(binding) => match &binding.subpat {
            Some((_, inner)) => wildcard(inner),
            None => {
                let name = unraw(&binding.ident);
                name.starts_with(|c: char| c.is_lowercase() || c == '_').then_some(pat)
            }
        },
        Pat::Or(or) => or.cases.iter().find_map(wildcard),
        Pat::Paren(paren) => wildcard(&paren.pat),
        Pat::Reference(reference) => wildcard(&reference.pat),
        _ => None,
    }
}
