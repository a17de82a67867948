//! `Validate` from the `#[check(..)]` attributes of fields.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Fields};

use crate::args::{Args, Form, Keys};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

const KEYS: &Keys = &[
    ("required", Form::Flag),
    ("min", Form::Expr),
    ("max", Form::Expr),
    ("length", Form::List("min = 1, max = 40")),
    ("email", Form::Flag),
    ("nested", Form::Flag),
    ("custom", Form::Path),
];

const LENGTH_KEYS: &Keys = &[("min", Form::Expr), ("max", Form::Expr)];

/// The impl of `Validate`.
pub(crate) fn validate(
    input: &DeriveInput,
    fields: &Fields,
    krate: &Krate,
    ctxt: &mut Ctxt,
) -> TokenStream {
    let private = krate.private();
    let mut rules = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let args = Args::of(&field.attrs, "check", KEYS, ctxt);
        let member = match &field.ident {
            Some(name) => quote!(#name),
            None => {
                let index = syn::Index::from(index);
                quote!(#index)
            }
        };
        let name = field.ident.as_ref().map_or_else(|| index.to_string(), crate::case::unraw);
        rules.extend(field_rules(&args, &member, &name, &private, ctxt));
    }
    let name = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let found = found();
    let body = (!rules.is_empty()).then(|| {
        quote! {
            fn validate(&self) -> ::core::result::Result<(), #private::Violations> {
                let mut #found = #private::Violations::new();
                #(#rules)*
                #found.into_result()
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Validate for #name #ty_generics #where_clause { #body }
    }
}

/// Out of sight of the expressions that users write.
fn found() -> Ident {
    Ident::new("found", Span::mixed_site())
}

fn field_rules(
    args: &Args,
    member: &TokenStream,
    name: &str,
    private: &TokenStream,
    ctxt: &mut Ctxt,
) -> Vec<TokenStream> {
    let mut rules = Vec::new();
    let found = found();
    // At the key, where the compiler says that a check does not fit a field.
    let rule = |key: &str, bounds: &TokenStream| {
        let span = args.key(key).map_or_else(Span::call_site, Ident::span);
        let (rule, value) = (Ident::new(key, span), Ident::new("value", span));
        let check = quote_spanned! {span=>
            #private::rules::#rule(#value, #bounds #name, &mut #found)
        };
        quote!({ let #value = &self.#member; #check; })
    };
    if args.has("required") {
        rules.push(rule("required", &quote!()));
    }
    if let Some(limit) = args.expr("min") {
        rules.push(rule("min", &quote_spanned!(limit.span()=> &(#limit),)));
    }
    if let Some(limit) = args.expr("max") {
        rules.push(rule("max", &quote_spanned!(limit.span()=> &(#limit),)));
    }
    if let Some(bounds) = args.list("length") {
        let bounds = Args::parse(bounds, "length", LENGTH_KEYS, ctxt);
        let low = bounds.expr("min").map_or_else(|| quote!(0), |low| quote!(#low));
        let high = bounds
            .expr("max")
            .map_or_else(|| quote!(::core::primitive::usize::MAX), |high| quote!(#high));
        if !bounds.has("min")
            && !bounds.has("max")
            && let Some(key) = args.key("length")
        {
            let message = "write `length(min = 1, max = 40)`, one of them or both";
            ctxt.error(key, Code::ATTRIBUTE_VALUE, message);
        }
        rules.push(rule("length", &quote!((#low, #high),)));
    }
    if args.has("email") {
        rules.push(rule("email", &quote!()));
    }
    if args.has("nested") {
        let span = args.key("nested").map_or_else(Span::call_site, Ident::span);
        let inner = quote_spanned!(span=> #private::Validate::validate(&self.#member));
        rules.push(quote!(#found.nest(#name, #inner);));
    }
    if let Some(check) = args.path("custom") {
        rules.push(quote! {
            if let ::core::result::Result::Err(problem) = #check(&self.#member) {
                #found.add(#name, "custom", problem);
            }
        });
    }
    rules
}
