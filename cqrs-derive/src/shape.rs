//! The description of a stored shape as tokens, from the fields and what
//! serde's attributes make of them.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Field, Fields, Variant};

use crate::args::{Args, Form, Keys};
use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::distinct;
use crate::expand::qualified;
use crate::krate::Krate;
use crate::serde_attr::{Container, Part, Rule};

/// The keys of `#[schema(..)]` on a field.
const FIELD_KEYS: &Keys = &[
    ("opaque", Form::Text),
    ("sample", Form::Text),
    ("as", Form::Type),
    ("crate", Form::Elsewhere("on the type")),
];

/// Writes descriptions of parts of one type.
pub(crate) struct Shapes<'a> {
    private: TokenStream,
    /// The type itself, where it may hold itself.
    own: Option<&'a Ident>,
}

impl<'a> Shapes<'a> {
    pub(crate) fn new(krate: &Krate, own: Option<&'a Ident>) -> Self {
        Self { private: krate.private(), own }
    }

    /// The shape of a whole struct or enum.
    pub(crate) fn of_input(
        &self,
        input: &DeriveInput,
        args: &Args,
        ctxt: &mut Ctxt,
    ) -> TokenStream {
        let container = Container::of(&input.attrs);
        if let Some(told) = self.told(args, ctxt) {
            return told;
        }
        if let Some(hides) = &container.hides {
            hidden(hides, ctxt);
            return TokenStream::new();
        }
        match &input.data {
            Data::Struct(data) => self.of_struct(&data.fields, &container, 0, ctxt),
            Data::Enum(data) => self.of_enum(data.variants.iter(), &container, ctxt),
            Data::Union(_) => {
                let message = format!("make `{}` a struct or an enum", input.ident);
                ctxt.error(&input.ident, Code::WRONG_ITEM, message);
                TokenStream::new()
            }
        }
    }

    /// The shape of a struct's content.
    pub(crate) fn of_message(
        &self,
        input: &DeriveInput,
        fields: &Fields,
        ctxt: &mut Ctxt,
    ) -> TokenStream {
        match fields {
            // A shadow writes nothing as no fields.
            Fields::Unit => self.of_fields(fields, &Container::default(), 0, ctxt),
            fields => self.of_struct(fields, &Container::of(&input.attrs), 0, ctxt),
        }
    }

    /// The shape of a struct's content; `depth` types stand between a field
    /// and the type that the derive is on.
    fn of_struct(
        &self,
        fields: &Fields,
        container: &Container,
        depth: u32,
        ctxt: &mut Ctxt,
    ) -> TokenStream {
        let private = &self.private;
        match fields {
            Fields::Unit => quote!(&#private::Shape::Scalar(#private::Scalar::Unit)),
            Fields::Named(_) if !container.transparent => {
                self.of_fields(fields, container, depth, ctxt)
            }
            fields => {
                let stored: Vec<&Field> =
                    fields.iter().filter(|field| !Part::of(&field.attrs).skip).collect();
                // serde writes a tuple even where all but one part are skipped.
                match stored.as_slice() {
                    [one] if container.transparent || fields.len() == 1 => {
                        self.of_field(one, depth, ctxt)
                    }
                    parts => {
                        let parts = parts.iter().map(|part| self.of_field(part, depth, ctxt));
                        let parts: Vec<TokenStream> = parts.collect();
                        quote!(&#private::Shape::Tuple(&[#(#parts),*]))
                    }
                }
            }
        }
    }

    /// The shape of named fields, as a struct.
    pub(crate) fn of_fields(
        &self,
        fields: &Fields,
        container: &Container,
        depth: u32,
        ctxt: &mut Ctxt,
    ) -> TokenStream {
        distinct::fields(fields, container, ctxt);
        let private = &self.private;
        let fields: Vec<TokenStream> =
            fields.iter().filter_map(|field| self.named(field, container, depth, ctxt)).collect();
        let closed = container.closed;
        quote!(&#private::Shape::Struct { fields: &[#(#fields),*], closed: #closed })
    }

    fn named(
        &self,
        field: &Field,
        container: &Container,
        depth: u32,
        ctxt: &mut Ctxt,
    ) -> Option<TokenStream> {
        let part = Part::of(&field.attrs);
        if part.skip {
            return None;
        }
        let private = &self.private;
        let ident = field.ident.as_ref().map(unraw).unwrap_or_default();
        let renamed = part.rename.or_else(|| container.rename_all.map(|rule| rule.field(&ident)));
        let mut name = renamed.unwrap_or(ident);
        let presence = if part.flatten {
            name.clear();
            Some("Flattened")
        } else if part.default || container.default {
            Some("Defaulted")
        } else {
            None
        };
        if let Some(word) = part.left_out.filter(|_| presence.is_none() && !is_option(&field.ty)) {
            let message = "add `default` beside this: where the field is left out, it cannot be \
                           read back";
            ctxt.error(&word, Code::SERDE_ATTRIBUTE, message);
        }
        let aliases = part.aliases;
        let shape = self.of_field(field, depth, ctxt);
        let presence = presence.map(|presence| {
            let presence = quote::format_ident!("{presence}");
            quote!(.presence(#private::Presence::#presence))
        });
        let aliases = (!aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])));
        Some(quote!(#private::Field::new(#name, #shape) #presence #aliases))
    }

    /// The shape of one field's value.
    fn of_field(&self, field: &Field, depth: u32, ctxt: &mut Ctxt) -> TokenStream {
        let args = Args::of(&field.attrs, "schema", FIELD_KEYS, ctxt);
        if let Some(told) = self.told(&args, ctxt) {
            return told;
        }
        if let Some(hides) = Part::of(&field.attrs).hides {
            hidden(&hides, ctxt);
        }
        distinct::options(field, ctxt);
        let schema = {
            let private = &self.private;
            quote!(#private::Schema)
        };
        match self.own.and_then(|own| self.without_itself(own, field, depth)) {
            Some(ty) => qualified(&ty, &schema, "SHAPE"),
            None => qualified(&field.ty, &schema, "SHAPE"),
        }
    }

    /// What `#[schema(..)]` says, if it says it.
    fn told(&self, args: &Args, ctxt: &mut Ctxt) -> Option<TokenStream> {
        let private = &self.private;
        if let Some(ty) = args.ty("as") {
            return Some(qualified(ty, &quote!(#private::Schema), "SHAPE"));
        }
        let Some(description) = args.text("opaque") else {
            if let Some(key) = args.key("sample") {
                let message = "put `opaque = \"..\"` beside this: other values can be made up";
                ctxt.error(key, Code::ATTRIBUTE_VALUE, message);
            }
            return None;
        };
        let sample = match args.text("sample") {
            Some(sample) => quote!(::core::option::Option::Some(#sample)),
            None => quote!(::core::option::Option::None),
        };
        Some(quote! {
            &#private::Shape::Opaque { description: #description, sample: #sample }
        })
    }

    /// The type of a field with a mark in the place of the type itself, which
    /// would otherwise describe itself for ever.
    fn without_itself(&self, own: &Ident, field: &Field, depth: u32) -> Option<TokenStream> {
        let private = &self.private;
        let mark = quote!(#private::Above<#depth>);
        let mut found = false;
        let ty = replace(field.ty.to_token_stream(), own, &mark, &mut found);
        found.then_some(ty)
    }

    fn of_enum<'v>(
        &self,
        variants: impl Iterator<Item = &'v Variant> + Clone,
        container: &Container,
        ctxt: &mut Ctxt,
    ) -> TokenStream {
        distinct::variants(variants.clone(), container, ctxt);
        let private = &self.private;
        let tagging = match (&container.tag, &container.content) {
            _ if container.untagged => quote!(Untagged),
            (Some(tag), Some(content)) => quote!(Adjacent { tag: #tag, content: #content }),
            (Some(tag), None) => quote!(Internal { tag: #tag }),
            _ => quote!(External),
        };
        let variants: Vec<TokenStream> =
            variants.filter_map(|variant| self.variant(variant, container, ctxt)).collect();
        quote! {
            &#private::Shape::Enum {
                tagging: #private::Tagging::#tagging,
                variants: &[#(#variants),*],
            }
        }
    }

    fn variant(
        &self,
        variant: &Variant,
        container: &Container,
        ctxt: &mut Ctxt,
    ) -> Option<TokenStream> {
        let private = &self.private;
        let part = Part::of(&variant.attrs);
        if part.skip {
            return None;
        }
        let ident = unraw(&variant.ident);
        let renamed = part.rename.or_else(|| container.rename_all.map(|rule| rule.variant(&ident)));
        let name = renamed.unwrap_or(ident);
        let (aliases, other) = (part.aliases, part.other);
        let content = match &variant.fields {
            Fields::Unit => quote!(::core::option::Option::None),
            fields => {
                let own = Container::of(&variant.attrs);
                let rename_all: Option<Rule> = own.rename_all.or(container.rename_all_fields);
                let own = Container { rename_all, closed: container.closed, ..own };
                let depth = u32::from(matches!(fields, Fields::Named(_)));
                let args = Args::of(&variant.attrs, "schema", FIELD_KEYS, ctxt);
                let shape = match (self.told(&args, ctxt), &part.hides) {
                    (Some(told), _) => told,
                    (None, Some(hides)) => {
                        hidden(hides, ctxt);
                        TokenStream::new()
                    }
                    (None, None) => self.of_struct(fields, &own, depth, ctxt),
                };
                quote!(::core::option::Option::Some(const { #shape }))
            }
        };
        Some(quote! {
            #private::Variant {
                name: #name,
                aliases: &[#(#aliases),*],
                other: #other,
                content: #content,
            }
        })
    }
}

/// The parameters of a type, all of which must have a shape.
pub(crate) fn bound(krate: &Krate) -> TokenStream {
    let private = krate.private();
    quote!(#private::Schema)
}

/// An option may be missing when it is read.
fn is_option(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

fn hidden(word: &Ident, ctxt: &mut Ctxt) {
    let message = format!(
        "say what is stored: `{word}` hides it\nhelp: add `#[schema(as = Type)]` with the type that \
         is stored, or `#[schema(opaque = \"what it looks like\")]`"
    );
    ctxt.error(word, Code::HIDDEN_SHAPE, message);
}

/// Puts `mark` in the place of a type's own name and its arguments.
fn replace(tokens: TokenStream, own: &Ident, mark: &TokenStream, found: &mut bool) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut in_path = false;
    while let Some(token) = tokens.next() {
        let is_own = |ident: &Ident| ident == own || ident == "Self";
        match token {
            TokenTree::Ident(ident) if is_own(&ident) && !in_path => {
                *found = true;
                out.extend(mark.clone());
                skip_arguments(&mut tokens);
            }
            TokenTree::Group(group) => {
                let inner = replace(group.stream(), own, mark, found);
                let mut replaced = proc_macro2::Group::new(group.delimiter(), inner);
                replaced.set_span(group.span());
                out.extend([TokenTree::Group(replaced)]);
                in_path = false;
            }
            token => {
                in_path = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
                out.extend([token]);
            }
        }
    }
    out
}

fn skip_arguments(tokens: &mut std::iter::Peekable<proc_macro2::token_stream::IntoIter>) {
    let is = |token: &TokenTree, c: char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == c);
    let mut open = 0_usize;
    while tokens.peek().is_some_and(|next| open > 0 || is(next, '<')) {
        let Some(token) = tokens.next() else { return };
        if is(&token, '<') {
            open += 1;
        } else if is(&token, '>') {
            open -= 1;
            if open == 0 {
                return;
            }
        }
    }
}
