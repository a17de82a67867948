//! A part of an application that is listed by name.

use super::{Body, Kind, Registration};
use crate::message::SourceLocation;

/// A Rust module, or a whole crate, as a part of an application; declared by
/// [`module!`](crate::module!) and listed by [`modules!`](crate::modules!).
#[derive(Clone, Copy, Debug)]
pub struct Module(pub(crate) Registration);

impl Module {
    #[doc(hidden)]
    #[must_use]
    pub const fn declare(
        module_path: &'static str,
        package: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self(Registration {
            kind: Kind::Module,
            name: module_path,
            version: 0,
            item: module_path,
            module_path,
            package,
            location: SourceLocation { file, line },
            body: Body::None,
        })
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn registration(&self) -> Registration {
        self.0
    }

    /// The module's Rust path, for people.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.0.module_path
    }

    /// How specific the module is for an item at `path`: the length of its own
    /// path, or `None` when the item lies outside.
    pub(super) fn holds(&self, path: &str) -> Option<usize> {
        let rest = path.strip_prefix(self.path())?;
        (rest.is_empty() || rest.starts_with("::")).then_some(self.path().len())
    }
}

/// Declares the Rust module (or, at its root, the crate) around it as a
/// module of applications. Everything derived or marked in it, or in modules
/// inside it that declare nothing of their own, belongs to it.
///
/// ```
/// mod bank {
///     cqrs_core::module!();
/// }
/// assert!(bank::MODULE.path().ends_with("bank"));
/// ```
#[macro_export]
macro_rules! module {
    () => {
        /// This module, to be listed in an application.
        pub const MODULE: $crate::registry::Module = $crate::registry::Module::declare(
            ::core::module_path!(),
            ::core::env!("CARGO_PKG_NAME"),
            ::core::file!(),
            ::core::line!(),
        );
        $crate::__submit!(MODULE.registration());
    };
}

/// The modules of an application: `modules![crate, bank, billing::invoices]`.
/// Naming a module links its crate.
#[macro_export]
macro_rules! modules {
    ($($($part:ident)::+),* $(,)?) => {
        [$($($part)::+::MODULE),*]
    };
}
