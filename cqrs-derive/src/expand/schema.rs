//! `#[derive(Schema)]` and `#[derive(Value)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use super::{in_const, parse};
use crate::args::{Args, Form, Keys};
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::shadow;
use crate::shape::{self, Shapes};

const KEYS: &Keys =
    &[("opaque", Form::Text), ("sample", Form::Text), ("as", Form::Type), ("crate", Form::Path)];

/// The description alone, for a type that has its serialisation.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    expand(input, |_, _| TokenStream::new())
}

/// The description with serialisation.
pub(crate) fn derive_value(input: TokenStream) -> TokenStream {
    expand(input, shadow::for_input)
}

fn expand(
    input: TokenStream,
    more: impl FnOnce(&DeriveInput, &Krate) -> TokenStream,
) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let args = Args::of(&input.attrs, "schema", KEYS, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let shape = Shapes::new(&krate, Some(&input.ident)).of_input(&input, &args, &mut ctxt);
    match ctxt.finish() {
        None => {
            let (schema, more) = (implement(&input, &shape, &krate), more(&input, &krate));
            in_const(&quote!(#more #schema))
        }
        Some(errors) => {
            let private = krate.private();
            let nothing = quote!(&#private::Shape::Scalar(#private::Scalar::Unit));
            let (schema, more) = (implement(&input, &nothing, &krate), more(&input, &krate));
            let stub = in_const(&quote!(#more #schema));
            quote!(#errors #stub)
        }
    }
}

/// `Schema` for a type of this shape.
pub(crate) fn implement(input: &DeriveInput, shape: &TokenStream, krate: &Krate) -> TokenStream {
    let (private, name) = (krate.private(), &input.ident);
    let generics = shadow::with_bounds(&input.generics, &[shape::bound(krate)]);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Schema for #name #ty_generics #where_clause {
            const SHAPE: &'static #private::Shape = #shape;
        }
    }
}
