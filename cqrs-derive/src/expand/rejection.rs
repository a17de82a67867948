//! `#[derive(Rejection)]`

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, Data, Expr, ExprLit, Fields, Lit, Meta};

use super::{in_const, parse};
use crate::case::{snake, unraw};
use crate::code::Code;
use crate::ctxt::Ctxt;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let name = &input.ident;
    let mut ctxt = Ctxt::new();
    let arms: Vec<TokenStream> = match &input.data {
        Data::Struct(data) => vec![arm(&quote!(Self), name, &input.attrs, &data.fields)],
        Data::Enum(data) => {
            let arm = |variant: &syn::Variant| {
                let ident = &variant.ident;
                arm(&quote!(Self::#ident), ident, &variant.attrs, &variant.fields)
            };
            data.variants.iter().map(arm).collect()
        }
        Data::Union(_) => {
            let message = "`#[derive(Rejection)]` goes on an enum or a struct";
            ctxt.error(name, Code::WRONG_ITEM, message);
            Vec::new()
        }
    };
    let errors = ctxt.finish();
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let body =
        if arms.is_empty() { quote!(match *self {}) } else { quote!(match self { #(#arms)* }) };
    let body = if errors.is_some() { quote!(::core::unreachable!()) } else { body };
    let impls = in_const(&quote! {
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Display for #name #ty_generics #where_clause {
            #[allow(unused_variables)]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result { #body }
        }
        #[automatically_derived]
        impl #impl_generics ::core::error::Error for #name #ty_generics #where_clause {}
    });
    quote!(#errors #impls)
}

/// What one variant says: its doc comment, otherwise its name in words.
fn arm(path: &TokenStream, ident: &Ident, attrs: &[Attribute], fields: &Fields) -> TokenStream {
    let text = summary(attrs).unwrap_or_else(|| snake(&unraw(ident)).replace('_', " "));
    let (pattern, args) = match fields {
        Fields::Named(named) => {
            let names = named.named.iter().filter_map(|field| field.ident.as_ref());
            (quote!(#path { #(#names),* }), Vec::new())
        }
        Fields::Unnamed(unnamed) => {
            let names: Vec<Ident> =
                (0..unnamed.unnamed.len()).map(|index| format_ident!("field{index}")).collect();
            let used = |(index, _): &(usize, &Ident)| {
                text.contains(&format!("{{{index}}}")) || text.contains(&format!("{{{index}:"))
            };
            let args = names.iter().enumerate().filter(used);
            let args = args.map(|(_, name)| name.to_token_stream()).collect();
            (quote!(#path(#(#names),*)), args)
        }
        Fields::Unit => (path.clone(), Vec::new()),
    };
    quote_spanned!(ident.span()=> #pattern => ::core::write!(f, #text, #(#args),*),)
}

/// The first paragraph of a doc comment, in one line.
fn summary(attrs: &[Attribute]) -> Option<String> {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let text = lines.join(" ");
    (!text.is_empty()).then(|| text.trim_end_matches('.').to_owned())
}
