//! One stored type with its versions: its identity, its reading through
//! upcasters, its writing through downcasters, its comparison with the lock.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::lock::Lock;
use crate::steps::{How, Versions, phantom};

/// One stored type.
pub(super) struct Stored<'a> {
    pub(super) private: &'a TokenStream,
    pub(super) name: &'a str,
    pub(super) versions: &'a Versions,
    /// The description of its current content, as a constant.
    pub(super) shape: &'a TokenStream,
    /// The type that reads its current content.
    pub(super) reader: TokenStream,
    /// The closure that makes the event of it.
    pub(super) make: TokenStream,
    /// The codec that its content was written by.
    pub(super) codec: TokenStream,
    /// Where it is declared.
    pub(super) at: Span,
}

/// A function by reference, all at the user's token: that is where the
/// compiler then reports what it lacks.
fn borrowed(path: &syn::Path) -> TokenStream {
    quote_spanned!(path.span()=> &#path)
}

impl Stored<'_> {
    /// The literal of its `EventType`.
    pub(super) fn event_type(&self) -> TokenStream {
        let Self { private, name, versions, shape, .. } = self;
        let current = versions.current;
        let line = quote_spanned!(self.at=> ::core::line!());
        let past = versions.up.iter().map(|step| {
            let version = step.version;
            match &step.how {
                How::Function(path) => {
                    let (past, function) = (quote_spanned!(step.span()=> past), borrowed(path));
                    quote!(#private::#past(#version, #function))
                }
                How::Type(ty) => quote!(#private::past_as::<#ty>(#version)),
            }
        });
        let past: Vec<TokenStream> = past.collect();
        let after = (!past.is_empty()).then(|| quote!(.after(const { &[#(#past),*] })));
        let formerly = &versions.formerly;
        let formerly = (!formerly.is_empty()).then(|| quote!(.formerly(&[#(#formerly),*])));
        quote! {
            #private::EventType::new(#name, #current, ::core::file!(), #line)
                .shaped(#shape) #after #formerly
        }
    }

    /// The stored names, as a pattern.
    pub(super) fn pattern(&self) -> TokenStream {
        let (name, formerly) = (self.name, &self.versions.formerly);
        quote!(#name #(| #formerly)*)
    }

    /// Reads the record, at whatever version it stands.
    pub(super) fn decode(&self) -> TokenStream {
        let Self { private, versions, reader, make, codec, .. } = self;
        let current = versions.current;
        let read = quote! {
            #private::current::<#reader, #codec, Self>(record, #current, #make)
        };
        if versions.up.is_empty() {
            return read;
        }
        let chain = self.chain();
        quote! {
            if record.schema_version().get() == #current {
                #read
            } else {
                #chain
            }
        }
    }

    fn chain(&self) -> TokenStream {
        let Self { private, versions, reader, make, codec, .. } = self;
        let current = versions.current;
        let last = phantom(&quote!(#private::TheCurrentVersion<#reader>));
        let takes = versions.up.iter().skip(1).map(|step| match &step.how {
            How::Function(path) => {
                let (input, function) = (quote_spanned!(step.span()=> input), borrowed(path));
                quote!(#private::#input(#function))
            }
            How::Type(ty) => phantom(&quote!(#ty)),
        });
        let takes = takes.chain([last]);
        let count = versions.up.len();
        let steps = versions.up.iter().zip(takes).enumerate().map(|(index, (step, next))| {
            let version = step.version;
            let call = match &step.how {
                How::Function(path) => {
                    let (method, function) = (quote_spanned!(step.span()=> step), borrowed(path));
                    quote!(#method(#next, fed, #version, #function))
                }
                How::Type(ty) if index + 1 == count => {
                    let method = quote_spanned!(step.span()=> convert_last);
                    quote!(#method::<#ty, _, _>(fed, #version))
                }
                How::Type(ty) => {
                    let method = quote_spanned!(step.span()=> convert);
                    quote!(#method::<#ty, _, _>(#next, fed, #version))
                }
            };
            quote!(let fed = chain.#call?;)
        });
        quote! {
            let chain = #private::Chain::<#codec>::new(record);
            let fed = #private::Fed::<_, Self>::Ahead;
            #(#steps)*
            chain.finish::<#reader, Self>(fed, #current, #make)
        }
    }

    /// The arms that write older versions.
    pub(super) fn downcasts(&self) -> Vec<TokenStream> {
        let private = self.private;
        let arm = |step: &crate::steps::Step| {
            let version = step.version;
            let How::Function(path) = &step.how else { return TokenStream::new() };
            let (downcast, function) = (quote_spanned!(step.span()=> downcast), borrowed(path));
            quote!(#version => #private::#downcast(self, #version, #function, out),)
        };
        self.versions.down.iter().map(arm).collect()
    }

    /// Comparisons with what the lock file records; `types` is where the
    /// identity of this type can be found.
    pub(super) fn locks(&self, lock: &Lock, event_type: &TokenStream) -> TokenStream {
        let Versions { current, up, .. } = self.versions;
        let shape = quote!(#event_type.shape);
        let now = lock.compare(self.name, *current, "holds", &shape, self.at);
        let before = up.iter().enumerate().filter_map(|(index, step)| {
            let shape = quote!(#event_type.history[#index].shape);
            lock.compare(self.name, step.version, "held", &shape, step.span())
        });
        quote!(#now #(#before)*)
    }
}
