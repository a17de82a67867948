//! `#[derive(Event)]`

mod content;
mod kind;
mod of_enum;
mod of_struct;
mod tags;
mod versions;

use cqrs_schema::FILE_NAME;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput};

use self::kind::{Kind, refuse_duplicates};
use self::of_enum::{Enum, Unknown};
use super::{in_const, parse, registration, schema};
use crate::args::{Args, Form, Keys, check_name};
use crate::case::{snake, unraw};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::lock::Lock;
use crate::shape::Shapes;
use crate::steps::{Versions, retired};
use crate::{shadow, tense};

const UPCAST: Form = Form::List("1 => function");
const FORMERLY: Form = Form::List("\"old.name\"");

const ENUM_KEYS: &Keys = &[
    ("prefix", Form::Text),
    ("codec", Form::Type),
    ("retired", Form::List("\"old.name\"")),
    ("unknown", Form::Text),
    ("check", Form::Path),
    ("past_tense", Form::Flag),
    ("crate", Form::Path),
    ("name", Form::Elsewhere("on the variants")),
    ("version", Form::Elsewhere("on the variants")),
    ("first", Form::Elsewhere("on the variants")),
    ("upcast", Form::Elsewhere("on the variants")),
    ("downcast", Form::Elsewhere("on the variants")),
    ("formerly", Form::Elsewhere("on the variants")),
    ("tag", Form::Elsewhere("on the fields")),
];
const STRUCT_KEYS: &Keys = &[
    ("name", Form::Text),
    ("version", Form::Number),
    ("first", Form::Number),
    ("upcast", UPCAST),
    ("downcast", UPCAST),
    ("formerly", FORMERLY),
    ("codec", Form::Type),
    ("check", Form::Path),
    ("past_tense", Form::Flag),
    ("crate", Form::Path),
    ("prefix", Form::Elsewhere("on an enum of events")),
    ("retired", Form::Elsewhere("on an enum of events")),
    ("unknown", Form::Elsewhere("on an enum of events")),
    ("tag", Form::Elsewhere("on the fields")),
];
const VARIANT_KEYS: &Keys = &[
    ("name", Form::Text),
    ("version", Form::Number),
    ("first", Form::Number),
    ("upcast", UPCAST),
    ("downcast", UPCAST),
    ("formerly", FORMERLY),
    ("unknown", Form::Flag),
    ("prefix", Form::Elsewhere("on the enum")),
    ("codec", Form::Elsewhere("on the enum")),
    ("retired", Form::Elsewhere("on the enum")),
    ("check", Form::Elsewhere("on the enum")),
    ("past_tense", Form::Elsewhere("on the enum")),
    ("crate", Form::Elsewhere("on the enum")),
    ("tag", Form::Elsewhere("on the fields")),
];

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input = match parse(input) {
        Ok(input) => input,
        Err(error) => return error,
    };
    let mut ctxt = Ctxt::new();
    let keys = if matches!(input.data, Data::Enum(_)) { ENUM_KEYS } else { STRUCT_KEYS };
    let args = Args::of(&input.attrs, "event", keys, &mut ctxt);
    let krate = Krate::new(args.path("crate"));
    let codec = match args.ty("codec") {
        Some(codec) => codec.to_token_stream(),
        None => {
            let private = krate.private();
            quote!(#private::Json)
        }
    };
    let is_generic = !input.generics.params.is_empty();
    // A generic type has no one shape that could be recorded.
    let lock = if is_generic { None } else { Lock::of_package(&input.ident, &krate, &mut ctxt) };
    let target = Target { input: &input, krate: &krate, private: krate.private(), codec, lock };
    let body = match &input.data {
        Data::Enum(data) => {
            shadow::refuse_container_attrs(&input.attrs, &mut ctxt);
            let prefix = prefix(&input.ident, &args, &mut ctxt);
            let variants = data.variants.iter();
            let shapes = Shapes::new(&krate, None);
            let kinds: Vec<Kind<'_>> =
                variants.map(|variant| Kind::of(variant, &prefix, &shapes, &mut ctxt)).collect();
            let retired = retired(&args, &mut ctxt);
            refuse_duplicates(&kinds, &retired, &mut ctxt);
            if args.has("past_tense") {
                kinds.iter().filter(|kind| !kind.unknown).for_each(|kind| {
                    tense::check(&kind.variant.ident, &mut ctxt);
                });
            }
            let unknown = Unknown::of(&args, &kinds, &mut ctxt);
            let whole = Enum { kinds, unknown, retired, check: args.path("check").cloned() };
            target.for_enum(&whole, &mut ctxt)
        }
        Data::Struct(data) => {
            if args.has("past_tense") {
                tense::check(&input.ident, &mut ctxt);
            }
            target.for_struct(&data.fields, &args, &mut ctxt)
        }
        Data::Union(_) => {
            let message =
                format!("make `{}` an enum of events or the struct of one event", input.ident);
            ctxt.error(&input.ident, Code::WRONG_ITEM, message);
            TokenStream::new()
        }
    };
    match ctxt.finish() {
        None => in_const(&body),
        Some(errors) => {
            let stub = in_const(&target.stub());
            quote!(#errors #stub)
        }
    }
}

/// `AccountEvent` gives `account`.
fn prefix(ident: &Ident, args: &Args, ctxt: &mut Ctxt) -> String {
    if let Some(prefix) = args.text("prefix") {
        let is_name = prefix.value().is_empty() || check_name(prefix, ctxt);
        return if is_name { prefix.value() } else { String::new() };
    }
    let name = unraw(ident);
    let stem = name.strip_suffix("Events").or_else(|| name.strip_suffix("Event"));
    snake(stem.filter(|stem| !stem.is_empty()).unwrap_or(&name))
}

/// The type that the derive stands on.
struct Target<'a> {
    input: &'a DeriveInput,
    krate: &'a Krate,
    private: TokenStream,
    codec: TokenStream,
    lock: Option<Lock>,
}

impl Target<'_> {
    /// Refuses `first` above a version that is recorded.
    fn refuse_dropped(&self, name: &str, versions: &Versions, ctxt: &mut Ctxt) {
        let (Some(lock), Some(first)) = (&self.lock, &versions.first) else { return };
        if let Some(version) = lock.oldest(name).filter(|oldest| *oldest < first.0) {
            let message = format!(
                "add `upcast({version} => function)` instead: version {version} of `{name}` is \
                 recorded in {FILE_NAME}, so that it may be stored"
            );
            ctxt.error_at(first.1, Code::MISSING_UPCASTER, message);
        }
    }

    /// The method `check`, where there is something to do.
    fn check(&self, path: Option<&syn::Path>, inner: Option<TokenStream>) -> TokenStream {
        if path.is_none() && inner.is_none() {
            return TokenStream::new();
        }
        let private = &self.private;
        let own = path.map(|path| {
            let this = Ident::new("self", Span::call_site().located_at(path.span()));
            let checked = quote_spanned!(path.span()=> #path(#this));
            quote!(#private::checked(#checked)?;)
        });
        quote! {
            fn check(&self) -> ::core::result::Result<(), #private::std::string::String> {
                #inner
                #own
                ::core::result::Result::Ok(())
            }
        }
    }

    fn encode_as(&self, body: &TokenStream) -> TokenStream {
        let private = &self.private;
        quote! {
            fn encode_as(
                &self,
                version: #private::SchemaVersion,
                out: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::DowncastError> {
                #body
            }
        }
    }

    /// That a struct is one event.
    fn implement_struct(&self, event_type: &TokenStream, read: Option<TokenStream>) -> TokenStream {
        let private = self.krate.private();
        let body = quote!(const TYPE: #private::EventType = #event_type; #read);
        self.implementation(&quote!(EventStruct), &body)
    }

    fn implement(&self, body: &TokenStream) -> TokenStream {
        let codec = &self.codec;
        self.implementation(&quote!(Event), &quote!(type Codec = #codec; #body))
    }

    fn implementation(&self, what: &TokenStream, body: &TokenStream) -> TokenStream {
        let (private, name) = (self.krate.private(), &self.input.ident);
        let generics = shadow::with_bounds(&self.input.generics, &shadow::persisted(&private));
        let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
        quote! {
            #[automatically_derived]
            impl #impl_generics #private::#what for #name #ty_generics #where_clause { #body }
        }
    }

    fn register(&self) -> TokenStream {
        if !self.input.generics.params.is_empty() {
            return TokenStream::new();
        }
        let (private, ident) = (self.krate.private(), &self.input.ident);
        let body = quote! {
            #private::Body::Events {
                types: <#ident as #private::Event>::TYPES,
                retired: <#ident as #private::Event>::RETIRED,
                read: #private::read_again::<#ident>,
            }
        };
        let (item, span) = (unraw(ident), ident.span());
        let (name, version) = (quote!(#item), quote!(0));
        let literal =
            registration::literal("Event", &name, &version, &item, &body, span, self.krate);
        registration::register(&ident.to_token_stream(), &literal, self.krate)
    }

    /// After a mistake: an impl without content.
    fn stub(&self) -> TokenStream {
        let private = self.krate.private();
        let DeriveInput { ident, generics, .. } = self.input;
        let is_struct = matches!(self.input.data, Data::Struct(_));
        let serde = is_struct.then(|| {
            let nothing = quote!(&#private::Shape::Scalar(#private::Scalar::Unit));
            let schema = schema::implement(self.input, &nothing, self.krate);
            let serde = shadow::stub(ident, generics, self.krate);
            quote!(#serde #schema)
        });
        let event_struct = is_struct.then(|| {
            let event_type = quote!(#private::EventType::new("", 1, "", 0));
            self.implement_struct(&event_type, None)
        });
        let event = self.implement(&quote! {
            const TYPES: &'static [#private::EventType] = &[];
            fn event_type(&self) -> &'static #private::EventType { ::core::unreachable!() }
            fn encode(
                &self,
                _: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::CodecError> {
                ::core::unreachable!()
            }
            fn decode(
                _: &#private::RecordedEvent,
            ) -> ::core::result::Result<#private::Decoded<Self>, #private::DecodeError> {
                ::core::unreachable!()
            }
        });
        quote!(#serde #event #event_struct)
    }
}
