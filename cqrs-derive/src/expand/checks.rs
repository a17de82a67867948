//! `Validate` from the `#[check(..)]` attributes of fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Fields};

use crate::args::{Args, Form};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

const KEYS: &[(&str, Form)] = &[
    ("required", Form::Flag),
    ("min", Form::Expr),
    ("max", Form::Expr),
    ("length", Form::List),
    ("email", Form::Flag),
    ("nested", Form::Flag),
    ("custom", Form::Path),
];

const LENGTH_KEYS: &[(&str, Form)] = &[("min", Form::Expr), ("max", Form::Expr)];

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
    let body = (!rules.is_empty()).then(|| {
        quote! {
            fn validate(&self) -> ::core::result::Result<(), #private::Violations> {
                let mut found = #private::Violations::new();
                #(#rules)*
                found.into_result()
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Validate for #name #ty_generics #where_clause { #body }
    }
}

fn field_rules(
    args: &Args,
    member: &TokenStream,
    name: &str,
    private: &TokenStream,
    ctxt: &mut Ctxt,
) -> Vec<TokenStream> {
    let mut rules = Vec::new();
    if args.has("required") {
        rules.push(quote!(#private::rules::required(&self.#member, #name, &mut found);));
    }
    if let Some(limit) = args.expr("min") {
        rules.push(quote!(#private::rules::min(&self.#member, &(#limit), #name, &mut found);));
    }
    if let Some(limit) = args.expr("max") {
        rules.push(quote!(#private::rules::max(&self.#member, &(#limit), #name, &mut found);));
    }
    if let Some(bounds) = args.list("length") {
        let bounds = Args::parse(bounds, "length", LENGTH_KEYS, ctxt);
        let low = bounds.expr("min").map_or_else(|| quote!(0), |low| quote!(#low));
        let high = bounds.expr("max").map_or_else(|| quote!(usize::MAX), |high| quote!(#high));
        if !bounds.has("min")
            && !bounds.has("max")
            && let Some(key) = args.key("length")
        {
            let message = "write `length(min = 1, max = 40)`, one of them or both";
            ctxt.error(key, Code::ATTRIBUTE_VALUE, message);
        }
        rules.push(
            quote!(#private::rules::length(&self.#member, (#low, #high), #name, &mut found);),
        );
    }
    if args.has("email") {
        rules.push(quote!(#private::rules::email(&self.#member, #name, &mut found);));
    }
    if args.has("nested") {
        rules.push(quote!(found.nest(#name, #private::Validate::validate(&self.#member));));
    }
    if let Some(check) = args.path("custom") {
        rules.push(quote! {
            if let ::core::result::Result::Err(problem) = #check(&self.#member) {
                found.add(#name, "custom", problem);
            }
        });
    }
    rules
}
