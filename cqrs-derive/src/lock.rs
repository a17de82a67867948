//! What the package's lock file records, as far as a derive needs it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cqrs_schema::{
    EntryKind, FILE_NAME, LockFile, MODE_VARIABLE, Shape, Text, field_fingerprint, fingerprint,
};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

/// The lock file of the package that is being compiled.
pub(crate) struct Lock {
    file: LockFile,
    krate: TokenStream,
}

/// When a file was last changed, and its size.
type Stamp = (PathBuf, Option<SystemTime>, u64);

thread_local! {
    /// The file as it was read last; a mistake in it is reported once.
    static LAST: RefCell<Option<(Stamp, LockFile)>> = const { RefCell::new(None) };
}

impl Lock {
    /// Reads the file; `None` when there is none, or shapes are being changed.
    pub(crate) fn of_package(
        at: &impl quote::ToTokens,
        krate: &Krate,
        ctxt: &mut Ctxt,
    ) -> Option<Self> {
        let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
        let stamp = stamp(&package)?;
        if std::env::var_os(MODE_VARIABLE).is_some_and(|mode| !mode.is_empty()) {
            return Some(Self { file: LockFile::default(), krate: krate.private() });
        }
        let known = LAST.with_borrow(|last| {
            let (known, file) = last.as_ref()?;
            (*known == stamp).then(|| file.clone())
        });
        let file = match known {
            Some(file) => file,
            None => {
                let file = LockFile::read(&package).unwrap_or_else(|error| {
                    ctxt.error(at, Code::LOCK_FILE, error);
                    None
                });
                let file = file.unwrap_or_default();
                LAST.set(Some((stamp, file.clone())));
                file
            }
        };
        Some(Self { file, krate: krate.private() })
    }

    /// Has the compiler come back when the file or the mode changes.
    pub(crate) fn tracked(&self) -> TokenStream {
        let file = format!("/{FILE_NAME}");
        quote! {
            const _: &[u8] = ::core::include_bytes!(
                ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #file)
            );
            const _: ::core::option::Option<&str> = ::core::option_env!(#MODE_VARIABLE);
        }
    }

    /// The oldest recorded version of an event.
    pub(crate) fn oldest(&self, name: &str) -> Option<u32> {
        let entries = self.file.entries();
        let of_name = entries.filter(|one| one.kind == EntryKind::Event && one.name == name);
        of_name.map(|one| one.version).min()
    }

    /// Compares the shape of a version with the recorded one: `check` is
    /// `holds` for the current version and `held` for one before.
    pub(crate) fn compare(
        &self,
        name: &str,
        version: u32,
        check: &str,
        shape: &TokenStream,
        at: Span,
    ) -> Option<TokenStream> {
        let recorded = self.file.shape(EntryKind::Event, name, version)?;
        let (private, all) = (&self.krate, fingerprint(recorded));
        let fields = recorded.as_fields().unwrap_or_default().iter().map(|field| {
            let (name, part) = (field.name, field_fingerprint(field));
            let words = words(field.shape);
            quote!(#private::RecordedField { name: #name, fingerprint: #part, words: #words })
        });
        let check = proc_macro2::Ident::new(check, at);
        let locked = quote! {
            #private::Locked { name: #name, version: #version, fingerprint: #all, fields: &[#(#fields),*] }
        };
        // All of the call stands at the user's token, and so does its error.
        Some(quote_spanned! {at=>
            const _: () = {
                let locked = #locked;
                locked.#check(#shape)
            };
        })
    }
}

/// The package's lock file as it stands on the disk, `None` without one.
fn stamp(package: &Path) -> Option<Stamp> {
    let path = package.join(FILE_NAME);
    let metadata = std::fs::metadata(&path).ok()?;
    Some((path, metadata.modified().ok(), metadata.len()))
}

fn words(shape: &Shape) -> String {
    Text(shape).to_string()
}
