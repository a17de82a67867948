//! `#[derive(Rejection)]`

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, Data, Expr, ExprLit, Fields, Lit, LitStr, Meta};

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
        Data::Struct(data) => {
            vec![arm(&quote!(Self), name, &input.attrs, &data.fields, &mut ctxt)]
        }
        Data::Enum(data) => {
            let arm = |variant: &syn::Variant| {
                let ident = &variant.ident;
                arm(&quote!(Self::#ident), ident, &variant.attrs, &variant.fields, &mut ctxt)
            };
            data.variants.iter().map(arm).collect()
        }
        Data::Union(_) => {
            let message = format!("make `{name}` an enum or a struct");
            ctxt.error(name, Code::WRONG_ITEM, message);
            Vec::new()
        }
    };
    let errors = ctxt.finish();
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let body =
        if arms.is_empty() { quote!(match *self {}) } else { quote!(match self { #(#arms)* }) };
    let body = if errors.is_some() { quote!(::core::unreachable!()) } else { body };
    // A union cannot have the `Debug` that an error needs.
    let is_union = matches!(input.data, Data::Union(_));
    let error = (!is_union).then(|| {
        quote! {
            #[automatically_derived]
            impl #impl_generics ::core::error::Error for #name #ty_generics #where_clause {}
        }
    });
    let impls = in_const(&quote! {
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Display for #name #ty_generics #where_clause {
            #[allow(unused_variables)]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result { #body }
        }
        #error
    });
    quote!(#errors #impls)
}

/// What one variant says: its doc comment, otherwise its name in words.
fn arm(
    path: &TokenStream,
    ident: &Ident,
    attrs: &[Attribute],
    fields: &Fields,
    ctxt: &mut Ctxt,
) -> TokenStream {
    let summary = summary(attrs);
    let text = match &summary {
        Some(summary) => summary.text.clone(),
        None => snake(&unraw(ident)).replace('_', " "),
    };
    let named = summary.iter().flat_map(|summary| placeholders(&summary.text));
    let mut args: Vec<(Ident, Ident)> = Vec::new();
    for name in named {
        let bound = fields.iter().enumerate().find_map(|(index, field)| match &field.ident {
            Some(field) => (unraw(field) == name).then(|| field.clone()),
            None => (index.to_string() == name).then(|| format_ident!("field{index}")),
        });
        let Some(bound) = bound else {
            let at = summary.as_ref().map(|summary| &summary.at);
            let message = format!(
                "write `{{{{` for a brace, or name a field of `{ident}`: `{{{name}}}` is none\nhelp: \
                 the first paragraph of this comment is the text of the rejection"
            );
            ctxt.error(at, Code::REJECTION_TEXT, message);
            continue;
        };
        let key = if name.starts_with(|c: char| c.is_ascii_digit()) {
            bound.clone()
        } else {
            format_ident!("{name}")
        };
        if !args.iter().any(|(known, _)| *known == key) {
            args.push((key, bound));
        }
    }
    let pattern = match fields {
        Fields::Named(named) => {
            let names = named.named.iter().filter_map(|field| field.ident.as_ref());
            quote!(#path { #(#names),* })
        }
        Fields::Unnamed(unnamed) => {
            let names = (0..unnamed.unnamed.len()).map(|index| format_ident!("field{index}"));
            quote!(#path(#(#names),*))
        }
        Fields::Unit => path.clone(),
    };
    let text = by_name(&text);
    let args = args.iter().map(|(key, bound)| quote!(#key = #bound));
    quote!(#pattern => ::core::write!(f, #text, #(#args),*),)
}

/// The names of the places in a format string; a brace that stands alone is a
/// place without a name.
fn placeholders(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '}']) {
        let (_, from) = rest.split_at(start);
        rest = if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            after
        } else if let Some(inside) = from.strip_prefix('{') {
            let (place, after) = inside.split_once('}').unwrap_or_default();
            found.push(place.split(':').next().unwrap_or_default().trim().to_owned());
            after
        } else {
            found.push(String::new());
            from.strip_prefix('}').unwrap_or_default()
        };
    }
    found
}

/// The format string with `{0}` as `{field0}`, since all arguments are named.
fn by_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('{');
        rest = after;
        if let Some(after) = rest.strip_prefix('{') {
            out.push('{');
            rest = after;
        } else if rest.starts_with(|c: char| c.is_ascii_digit()) {
            out.push_str("field");
        }
    }
    out.push_str(rest);
    out
}

struct Summary {
    text: String,
    at: LitStr,
}

/// The first paragraph of a doc comment, in one line.
fn summary(attrs: &[Attribute]) -> Option<Summary> {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<&LitStr> = lines.take_while(|line| !line.value().trim().is_empty()).collect();
    let at = (*lines.first()?).clone();
    let lines: Vec<String> = lines.iter().map(|line| line.value().trim().to_owned()).collect();
    let text = lines.join(" ");
    Some(Summary { text: text.trim_end_matches('.').to_owned(), at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_single_braces_are_places_without_a_name() {
        for (text, expected) in [
            ("plain", &[] as &[&str]),
            ("{by} and {0:?} in {{braces}}", &["by", "0"]),
            ("open { only", &[""]),
            ("} only", &[""]),
            ("{} and {a}}", &["", "a", ""]),
        ] {
            assert_eq!(placeholders(text), expected, "{text}");
        }
    }

    #[test]
    fn numbered_places_get_the_name_of_their_variable() {
        assert_eq!(by_name("{0} {{1}} {by:>2} {12:?}"), "{field0} {{1}} {by:>2} {field12:?}");
    }
}
