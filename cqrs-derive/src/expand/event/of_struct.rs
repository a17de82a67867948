//! A struct that is one event.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Fields};

use super::Target;
use super::kind::{refuse_reserved, refuse_seen};
use super::tags::{tag_parts, tags};
use super::versions::Stored;
use crate::args::Args;
use crate::case::{snake, unraw};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::expand::schema;
use crate::serde_attr::Container;
use crate::shadow;
use crate::shape::Shapes;
use crate::steps::Versions;

impl Target<'_> {
    pub(super) fn for_struct(&self, fields: &Fields, args: &Args, ctxt: &mut Ctxt) -> TokenStream {
        let private = &self.private;
        let DeriveInput { ident, attrs, generics, .. } = self.input;
        let name = args.name(snake(&unraw(ident)), ident, ctxt);
        refuse_reserved(&name, ident, ctxt);
        let versions = Versions::of(args, &name, ctxt);
        let mut own = vec![(name.clone(), format!("`{ident}`"))];
        refuse_seen(&versions.formerly, &format!("`{ident}`"), &mut own, ctxt);
        self.refuse_dropped(&name, &versions, ctxt);
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
            codec: quote!(__C),
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
                <Self as #private::EventStruct>::read::<Self::Codec>(record)
            }
        });
        let read = (!versions.up.is_empty()).then(|| {
            quote! {
                fn read<__C: #private::Codec>(
                    record: &#private::RecordedEvent,
                ) -> ::core::result::Result<#private::Decoded<Self>, #private::DecodeError> {
                    match record.event_type().as_str() {
                        #pattern => { #decode }
                        _ => ::core::result::Result::Err(#private::unknown_type(record)),
                    }
                }
            }
        });
        let event_struct = self.implement_struct(&stored.event_type(), read);
        let locks = self.lock.as_ref().map(|lock| {
            let event_type = quote!(<#ident as #private::EventStruct>::TYPE);
            let (tracked, locks) = (lock.tracked(), stored.locks(lock, &event_type));
            quote!(#tracked #locks)
        });
        quote!(#serde #shape_const #event #event_struct #locks)
    }
}
