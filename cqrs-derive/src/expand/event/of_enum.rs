//! An enum of events: one event type a variant.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::Target;
use super::content::reader;
use super::kind::Kind;
use super::tags::tag_parts;
use super::versions::Stored;
use crate::args::Args;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::expand::qualified;
use crate::steps::Retired;

/// What an enum consists of.
pub(super) struct Enum<'a> {
    pub(super) kinds: Vec<Kind<'a>>,
    pub(super) unknown: Unknown,
    pub(super) retired: Vec<Retired>,
    pub(super) check: Option<syn::Path>,
}

/// What becomes of events that the enum does not know.
pub(super) enum Unknown {
    Fail,
    Skip,
    /// The variant that takes them in.
    Keep(Ident),
}

impl Unknown {
    pub(super) fn of(args: &Args, kinds: &[Kind<'_>], ctxt: &mut Ctxt) -> Self {
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

impl Target<'_> {
    pub(super) fn for_enum(&self, whole: &Enum<'_>, ctxt: &mut Ctxt) -> TokenStream {
        for kind in whole.kinds.iter().filter(|kind| kind.is_inline()) {
            self.refuse_dropped(&kind.name, &kind.versions, ctxt);
        }
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
        let (private, variant) = (&self.private, &kind.variant.ident);
        let reader = reader(kind);
        let fields = kind.variant.fields.iter().filter_map(|field| field.ident.as_ref());
        let fields: Vec<&Ident> = fields.collect();
        let (_, ty_generics, _) = self.input.generics.split_for_impl();
        Stored {
            private,
            name: &kind.name,
            versions: &kind.versions,
            shape: &kind.shape,
            make: quote!(|#reader { #(#fields,)* .. }| Self::#variant { #(#fields),* }),
            reader: quote!(#reader #ty_generics),
            codec: quote!(<Self as #private::Event>::Codec),
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
                        #read::<Self::Codec>(record).map(|read| read.map(Self::#variant))
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
                let kept = quote!(Self::#variant(#private::RawEvent::of(record)));
                quote!(#private::Decoded::Unknown(#private::std::boxed::Box::new(#kept)))
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
}
