//! What is stored alike cannot be told apart when it is read.

use syn::{Field, Fields, GenericArgument, PathArguments, Type};

use crate::case::unraw;
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::serde_attr::{Container, Part};

/// A name under which a part is read, its own or an alias.
struct Name {
    stored: String,
    at: proc_macro2::Ident,
}

/// Refuses two fields of one struct that are stored or read under one name.
pub(crate) fn fields(fields: &Fields, container: &Container, ctxt: &mut Ctxt) {
    let names = fields.iter().filter_map(|field| {
        let (part, at) = (Part::of(&field.attrs), field.ident.clone()?);
        (!part.skip && !part.flatten).then(|| {
            let own = unraw(&at);
            let renamed = container.rename_all.map(|rule| rule.field(&own));
            (part, renamed.unwrap_or(own), at)
        })
    });
    distinct(names, "fields", ctxt);
}

/// Refuses two variants of one enum that are stored or read under one name.
pub(crate) fn variants<'v>(
    variants: impl Iterator<Item = &'v syn::Variant>,
    container: &Container,
    ctxt: &mut Ctxt,
) {
    if container.untagged {
        return;
    }
    let names = variants.filter_map(|variant| {
        let (part, at) = (Part::of(&variant.attrs), variant.ident.clone());
        (!part.skip).then(|| {
            let own = unraw(&at);
            let renamed = container.rename_all.map(|rule| rule.variant(&own));
            (part, renamed.unwrap_or(own), at)
        })
    });
    distinct(names, "variants", ctxt);
}

fn distinct(
    parts: impl Iterator<Item = (Part, String, proc_macro2::Ident)>,
    what: &str,
    ctxt: &mut Ctxt,
) {
    let mut seen: Vec<Name> = Vec::new();
    for (part, default, at) in parts {
        let own = part.rename.unwrap_or(default);
        for stored in std::iter::once(own).chain(part.aliases) {
            match seen.iter().find(|name| name.stored == stored) {
                Some(other) if other.at != at => {
                    let message = format!(
                        "give `{at}` another stored name: the {what} `{}` and `{at}` are both \
                         read from `{stored}`",
                        other.at
                    );
                    ctxt.error(&at, Code::STORED_ALIKE, message);
                }
                Some(_) => {}
                None => seen.push(Name { stored, at: at.clone() }),
            }
        }
    }
}

/// Refuses an option in which two values are stored as nothing.
pub(crate) fn options(field: &Field, ctxt: &mut Ctxt) {
    nested(&field.ty, ctxt);
}

fn nested(ty: &Type, ctxt: &mut Ctxt) {
    let Type::Path(path) = ty else { return };
    let Some(last) = path.path.segments.last() else { return };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return };
    for argument in &arguments.args {
        let GenericArgument::Type(inner) = argument else { continue };
        let is_nothing = match inner {
            Type::Tuple(parts) => parts.elems.is_empty(),
            Type::Path(inner) => {
                inner.path.segments.last().is_some_and(|last| last.ident == "Option")
            }
            _ => false,
        };
        if last.ident == "Option" && is_nothing {
            let message = "use an enum with a variant for each case: `None` and `Some` of nothing \
                           are both stored as `null`";
            ctxt.error(ty, Code::STORED_ALIKE, message);
            return;
        }
        nested(inner, ctxt);
    }
}
