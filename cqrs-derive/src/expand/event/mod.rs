//! `#[derive(Event)]`

mod content;
mod kind;
mod versions;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields};

use self::content::reader;
use self::kind::{Kind, refuse_duplicates, refuse_reserved, tags};
use self::versions::Stored;
use super::{in_const, parse, qualified, registration, schema};
use crate::args::{Args, Form, Keys, check_name};
use crate::case::{snake, unraw};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;
use crate::lock::Lock;
use crate::serde_attr::Container;
use crate::shadow;
use crate::shape::Shapes;
use crate::steps::{Retired, Versions, retired};

const UPCAST: Form = Form::List("1 => function");
const FORMERLY: Form = Form::List("\"old.name\"");

const ENUM_KEYS: &Keys = &[
    ("prefix", Form::Text),
    ("codec", Form::Type),
    ("retired", Form::List("\"old.name\"")),
    ("unknown", Form::Text),
    ("check", Form::Path),
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
    ("crate", Form::Elsewhere("on the enum")),
    ("tag", Form::Elsewhere("on the fields")),
];
const FIELD_KEYS: &Keys = &[
    ("tag", Form::FlagOrText),
    ("name", Form::Elsewhere("on the variant or struct")),
    ("version", Form::Elsewhere("on the variant or struct")),
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
            refuse_duplicates(&kinds, &mut ctxt);
            let unknown = Unknown::of(&args, &kinds, &mut ctxt);
            let retired = retired(&args, &mut ctxt);
            let whole = Enum { kinds, unknown, retired, check: args.path("check").cloned() };
            target.for_enum(&whole, &mut ctxt)
        }
        Data::Struct(data) => target.for_struct(&data.fields, &args, &mut ctxt),
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

/// What an enum consists of.
struct Enum<'a> {
    kinds: Vec<Kind<'a>>,
    unknown: Unknown,
    retired: Vec<Retired>,
    check: Option<syn::Path>,
}

/// What becomes of events that the enum does not know.
enum Unknown {
    Fail,
    Skip,
    /// The variant that takes them in.
    Keep(Ident),
}

impl Unknown {
    fn of(args: &Args, kinds: &[Kind<'_>], ctxt: &mut Ctxt) -> Self {
        let mut keeping = kinds.iter().filter(|kind| kind.unknown).map(|kind| &kind.variant.ident);
        let keep = keeping.next();
        for other in keeping {
            let message = "keep one variant for unknown events";
            ctxt.error(other, Code::UNKNOWN_EVENTS, message);
        }
        let word = args.text("unknown");
        match (word.map(syn::LitStr::value).as_deref(), keep) {
            (Some(_), Some(keep)) => {
                let message = format!("remove this, or the variant `{keep}`, which takes them in");
                ctxt.error(word, Code::UNKNOWN_EVENTS, message);
                Self::Fail
            }
            (None, Some(keep)) => Self::Keep(keep.clone()),
            (Some("skip"), None) => Self::Skip,
            (Some("fail") | None, None) => Self::Fail,
            (Some(_), None) => {
                let message = "write `\"fail\"` or `\"skip\"`; to keep unknown events, mark a variant: \
                               `#[event(unknown)] Unknown(RawEvent)`";
                ctxt.error(word, Code::UNKNOWN_EVENTS, message);
                Self::Fail
            }
        }
    }
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
    fn for_enum(&self, whole: &Enum<'_>, ctxt: &mut Ctxt) -> TokenStream {
        if !ctxt.is_clean() {
            return TokenStream::new();
        }
        let (private, kinds) = (&self.private, whole.kinds.as_slice());
        let shadows = self.shadows(kinds);
        let known: Vec<&Kind<'_>> = kinds.iter().filter(|kind| !kind.unknown).collect();
        let types = known.iter().map(|kind| self.event_type(kind));
        let event_type = self.event_type_of(&known, kinds);
        let retired: Vec<&syn::LitStr> = whole.retired.iter().map(|one| &one.name).collect();
        let retired = (!retired.is_empty())
            .then(|| quote!(const RETIRED: &'static [&'static str] = &[#(#retired),*];));
        let (tags, check) = (self.enum_tags(kinds), self.enum_check(whole));
        let (decode, encode_as) = (self.enum_decode(whole), self.enum_encode_as(kinds));
        let event = self.implement(&quote! {
            const TYPES: &'static [#private::EventType] = &[#(#types),*];
            #retired
            fn event_type(&self) -> &'static #private::EventType { #event_type }
            #tags
            #check
            fn encode(
                &self,
                out: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::CodecError> {
                <Self::Codec as #private::Codec>::encode(&__Content(self), out)
            }
            #encode_as
            fn decode(
                record: &#private::RecordedEvent,
            ) -> ::core::result::Result<#private::Decoded<Self>, #private::DecodeError> {
                #decode
            }
        });
        let (register, locks) = (self.register(), self.enum_locks(&known));
        quote!(#shadows #event #register #locks)
    }

    fn stored<'k>(&'k self, kind: &'k Kind<'_>) -> Stored<'k> {
        let variant = &kind.variant.ident;
        let reader = reader(kind);
        let fields = kind.variant.fields.iter().filter_map(|field| field.ident.as_ref());
        let fields: Vec<&Ident> = fields.collect();
        let (_, ty_generics, _) = self.input.generics.split_for_impl();
        Stored {
            private: &self.private,
            name: &kind.name,
            versions: &kind.versions,
            shape: &kind.shape,
            make: quote!(|#reader { #(#fields,)* .. }| Self::#variant { #(#fields),* }),
            reader: quote!(#reader #ty_generics),
            at: variant.span(),
        }
    }

    fn event_type(&self, kind: &Kind<'_>) -> TokenStream {
        let private = &self.private;
        match kind.inner {
            Some(inner) => qualified(&inner.ty, &quote!(#private::EventStruct), "TYPE"),
            None => self.stored(kind).event_type(),
        }
    }

    fn event_type_of(&self, known: &[&Kind<'_>], kinds: &[Kind<'_>]) -> TokenStream {
        let private = &self.private;
        if kinds.is_empty() {
            return quote!(match *self {});
        }
        let arms = known.iter().enumerate().map(|(index, kind)| {
            let variant = &kind.variant.ident;
            quote!(Self::#variant { .. } => &<Self as #private::Event>::TYPES[#index],)
        });
        let unknown = kinds.iter().filter(|kind| kind.unknown).map(|kind| {
            let variant = &kind.variant.ident;
            quote!(Self::#variant { .. } => &#private::UNKNOWN_EVENT,)
        });
        quote!(match self { #(#arms)* #(#unknown)* })
    }

    fn enum_tags(&self, kinds: &[Kind<'_>]) -> TokenStream {
        let private = &self.private;
        let arms = kinds.iter().filter_map(|kind| {
            let variant = &kind.variant.ident;
            if let Some(inner) = kind.inner {
                let tags = qualified(&inner.ty, &quote!(#private::EventStruct), "words");
                return Some(quote!(Self::#variant(inner) => #tags(inner),));
            }
            let (fields, tags) = tag_parts(&kind.tags, private)?;
            Some(quote!(Self::#variant { #(#fields,)* .. } => { #tags }))
        });
        let arms: Vec<TokenStream> = arms.collect();
        if arms.is_empty() {
            return TokenStream::new();
        }
        quote! {
            fn tags(&self) -> ::core::result::Result<#private::Tags, #private::InvalidInput> {
                #[allow(unreachable_patterns)]
                match self {
                    #(#arms)*
                    _ => ::core::result::Result::Ok(#private::Tags::NONE),
                }
            }
        }
    }

    /// The check of the enum itself, and those of its event structs.
    fn enum_check(&self, whole: &Enum<'_>) -> TokenStream {
        let private = &self.private;
        let inner = whole.kinds.iter().filter_map(|kind| {
            let variant = &kind.variant.ident;
            let look = qualified(&kind.inner?.ty, &quote!(#private::EventStruct), "looked_at");
            Some(quote!(Self::#variant(inner) => #look(inner)?,))
        });
        let inner: Vec<TokenStream> = inner.collect();
        let inner = (!inner.is_empty()).then(|| {
            quote! {
                #[allow(unreachable_patterns)]
                match self {
                    #(#inner)*
                    _ => {}
                }
            }
        });
        self.check(whole.check.as_ref(), inner)
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

    fn enum_decode(&self, whole: &Enum<'_>) -> TokenStream {
        let private = &self.private;
        let arms = whole.kinds.iter().filter(|kind| !kind.unknown).map(|kind| {
            let variant = &kind.variant.ident;
            if let Some(inner) = kind.inner {
                let event = quote!(#private::EventStruct);
                let one = qualified(&inner.ty, &event, "TYPE");
                let read = qualified(&inner.ty, &event, "read");
                return quote! {
                    name if #one.is_stored_as(name) => {
                        #read(record).map(|read| read.map(Self::#variant))
                    }
                };
            }
            let stored = self.stored(kind);
            let (pattern, decode) = (stored.pattern(), stored.decode());
            quote!(#pattern => { #decode })
        });
        let retired = whole.retired.iter().map(|one| one.arm(private));
        let known = quote! {
            match record.event_type().as_str() {
                #(#arms)*
                #(#retired)*
                _ => ::core::result::Result::Err(#private::unknown_type(record)),
            }
        };
        let otherwise = match &whole.unknown {
            Unknown::Fail => return known,
            Unknown::Skip => quote!(#private::Decoded::Skipped),
            Unknown::Keep(variant) => {
                quote!(#private::Decoded::One(Self::#variant(#private::RawEvent::of(record))))
            }
        };
        quote! {
            let read = || -> ::core::result::Result<#private::Decoded<Self>, #private::DecodeError> {
                #known
            };
            match read() {
                ::core::result::Result::Err(error) if #private::may_pass(&error, record) => {
                    ::core::result::Result::Ok(#otherwise)
                }
                read => read,
            }
        }
    }

    fn enum_encode_as(&self, kinds: &[Kind<'_>]) -> TokenStream {
        let private = &self.private;
        let arms = kinds.iter().filter_map(|kind| {
            let variant = &kind.variant.ident;
            if let Some(inner) = kind.inner {
                let write = qualified(&inner.ty, &quote!(#private::EventStruct), "write_as");
                return Some(quote!(Self::#variant(inner) => #write(inner, version, out),));
            }
            let downcasts = self.stored(kind).downcasts();
            (!downcasts.is_empty()).then(|| {
                quote! {
                    Self::#variant { .. } => match version.get() {
                        #(#downcasts)*
                        _ => #private::encode_current(self, version, out),
                    },
                }
            })
        });
        let arms: Vec<TokenStream> = arms.collect();
        if arms.is_empty() {
            return TokenStream::new();
        }
        self.encode_as(&quote! {
            #[allow(unreachable_patterns)]
            match self {
                #(#arms)*
                _ => #private::encode_current(self, version, out),
            }
        })
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

    fn enum_locks(&self, known: &[&Kind<'_>]) -> TokenStream {
        let Some(lock) = &self.lock else { return TokenStream::new() };
        let (private, ident, tracked) = (&self.private, &self.input.ident, lock.tracked());
        let locks = known.iter().enumerate().filter(|(_, kind)| kind.inner.is_none());
        let locks = locks.map(|(index, kind)| {
            let event_type = quote!(<#ident as #private::Event>::TYPES[#index]);
            self.stored(kind).locks(lock, &event_type)
        });
        quote!(#tracked #(#locks)*)
    }

    fn for_struct(&self, fields: &Fields, args: &Args, ctxt: &mut Ctxt) -> TokenStream {
        let private = &self.private;
        let DeriveInput { ident, attrs, generics, .. } = self.input;
        let name = args.name(snake(&unraw(ident)), ident, ctxt);
        refuse_reserved(&name, ident, ctxt);
        let versions = Versions::of(args, &name, ctxt);
        if let Fields::Unnamed(unnamed) = fields {
            let message = "give the fields names\nhelp: only what has names can change and still \
                           read old events";
            ctxt.error(unnamed, Code::VARIANT_SHAPE, message);
        }
        let tags = tag_parts(&tags(fields, ctxt), private).map(|(fields, tags)| {
            quote! {
                fn tags(&self) -> ::core::result::Result<#private::Tags, #private::InvalidInput> {
                    let Self { #(#fields,)* .. } = self;
                    #tags
                }
            }
        });
        let container = Container::of(attrs);
        let shape = Shapes::new(self.krate, Some(ident)).of_fields(fields, &container, 0, ctxt);
        let shape_const = schema::implement(self.input, &shape, self.krate);
        let serde = shadow::for_struct(ident, attrs, generics, fields, self.krate);
        let stored = Stored {
            private,
            name: &name,
            versions: &versions,
            shape: &quote!(<Self as #private::Schema>::SHAPE),
            reader: quote!(Self),
            make: quote!(|content: Self| content),
            at: ident.span(),
        };
        let (pattern, decode) = (stored.pattern(), stored.decode());
        let check = self.check(args.path("check"), None);
        let downcasts = stored.downcasts();
        let encode_as = (!downcasts.is_empty()).then(|| {
            self.encode_as(&quote! {
                match version.get() {
                    #(#downcasts)*
                    _ => #private::encode_current(self, version, out),
                }
            })
        });
        let event = self.implement(&quote! {
            const TYPES: &'static [#private::EventType] =
                &[<Self as #private::EventStruct>::TYPE];
            fn event_type(&self) -> &'static #private::EventType {
                &<Self as #private::Event>::TYPES[0]
            }
            #tags
            #check
            fn encode(
                &self,
                out: &mut #private::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), #private::CodecError> {
                <Self::Codec as #private::Codec>::encode(self, out)
            }
            #encode_as
            fn decode(
                record: &#private::RecordedEvent,
            ) -> ::core::result::Result<#private::Decoded<Self>, #private::DecodeError> {
                match record.event_type().as_str() {
                    #pattern => { #decode }
                    _ => ::core::result::Result::Err(#private::unknown_type(record)),
                }
            }
        });
        let event_struct = self.implement_struct(&stored.event_type());
        let locks = self.lock.as_ref().map(|lock| {
            let event_type = quote!(<#ident as #private::EventStruct>::TYPE);
            let (tracked, locks) = (lock.tracked(), stored.locks(lock, &event_type));
            quote!(#tracked #locks)
        });
        quote!(#serde #shape_const #event #event_struct #locks)
    }

    /// That a struct is one event.
    fn implement_struct(&self, event_type: &TokenStream) -> TokenStream {
        let private = self.krate.private();
        let body = quote!(const TYPE: #private::EventType = #event_type;);
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
        let event_struct = is_struct
            .then(|| self.implement_struct(&quote!(#private::EventType::new("", 1, "", 0))));
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

/// The fields to bind and the value of `tags()`.
fn tag_parts<'a>(
    tags: &'a [(&'a Ident, String)],
    private: &TokenStream,
) -> Option<(Vec<&'a Ident>, TokenStream)> {
    if tags.is_empty() {
        return None;
    }
    let fields: Vec<&Ident> = tags.iter().map(|(field, _)| *field).collect();
    let tags = tags
        .iter()
        .map(|(field, name)| quote_spanned!(field.span()=> #private::Tag::new(#name, #field)?));
    let tags = quote!(<#private::Tags as ::core::iter::FromIterator<_>>::from_iter([#(#tags),*]));
    Some((fields, quote!(::core::result::Result::Ok(#tags))))
}
